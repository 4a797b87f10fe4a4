"""The function that reads the state of the deployment for the page, with what it may read."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import ArnFormat, Duration, Fn, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from console import WATCH
from definitions.names import (
    BAKEOFF_KEY,
    LABELLED_PREFIX,
    REGISTERED_PREFIX,
    SHOWS_EVALUATIONS_VARIABLE,
    SUMMARY_FILE,
    endpoint_name,
    job_name,
    parameter_name,
    released_version,
    shared_endpoint_name,
)
from definitions.networks import KINDS
from definitions.parameters import DATA_BUCKET, KEY_ARN, MODEL_BUCKET, TRAINING_STATE_MACHINE
from stacks.settings import EnvironmentSettings
from stacks.shared.grants import LOG_STREAMS, NO_RESOURCE, OBJECTS, RUNS, Grant, allow
from stacks.shared.iam import bucket_arn
from stacks.shared.lambda_assets import DEFINITIONS, copy
from stacks.shared.lambda_function import accept_function_findings
from stacks.shared.log_group import add_log_group
from stacks.shared.parameters import published

WATCH_MEGABYTES = 256
# A page that waits longer than this is better read again.
WATCH_SECONDS = 25


def add_watch(stack: Stack, settings: EnvironmentSettings, build_directory: Path) -> lambda_.Function:
    """The function that reads the state of the deployment for the page; it can change nothing.

    What evaluations found it reads where the settings say that people see it.
    """
    environment = settings.name
    shows_evaluations = settings.console is not None and settings.console.shows_evaluations
    log_group = add_log_group(stack, "WatchLog")
    role = iam.Role(stack, "WatchRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))  # pyright: ignore[reportArgumentType]  # jsii
    names = [*(endpoint_name(environment, kind) for kind in KINDS), shared_endpoint_name(environment)]
    read = [*(released_version(kind) for kind in KINDS), DATA_BUCKET, MODEL_BUCKET, TRAINING_STATE_MACHINE]
    parameters = [parameter_name(environment, name).lstrip("/") for name in read]

    def arns(service: str, resource: str, of_it: list[str]) -> list[str]:
        return [stack.format_arn(service=service, resource=resource, resource_name=name) for name in of_it]

    training_logs = stack.format_arn(
        service="logs",
        resource="log-group",
        resource_name="/aws/sagemaker/TrainingJobs:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    machine = published(stack, environment, TRAINING_STATE_MACHINE)
    # arn:aws:states:{region}:{account}:stateMachine:{name}
    its_runs = stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{Fn.select(6, Fn.split(':', machine))}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    any_alarm = stack.format_arn(
        service="cloudwatch",
        resource="alarm",
        resource_name="*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    jobs = [f"{job_name(environment, kind)}-*" for kind in KINDS]
    by_name = "The alarms are found by the beginning of their names."
    grants = [
        Grant(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn]),
        Grant(["sagemaker:DescribeEndpoint"], arns("sagemaker", "endpoint", names)),
        Grant(["sagemaker:DescribeTrainingJob"], arns("sagemaker", "training-job", jobs), RUNS),
        Grant(["sagemaker:ListModelPackages", "sagemaker:ListTrainingJobs"], ["*"], NO_RESOURCE),
        Grant(["states:ListExecutions"], [machine]),
        Grant(["states:DescribeExecution"], [its_runs], "An execution has its name from whoever starts it."),
        Grant(["ssm:GetParameter"], arns("ssm", "parameter", parameters)),
        Grant(["logs:FilterLogEvents"], [training_logs], LOG_STREAMS),
        Grant(["cloudwatch:DescribeAlarms"], [any_alarm], by_name),
        *read_reports(stack, environment),
        *(read_evaluations(stack, environment) if shows_evaluations else []),
    ]
    allow(role, grants)
    function = lambda_.Function(
        stack,
        "Watch",
        description="Recognition: reads the state of the deployment for the console",
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        handler="watch.handler",
        code=lambda_.Code.from_asset(str(watch_code(build_directory))),
        memory_size=WATCH_MEGABYTES,
        tracing=lambda_.Tracing.ACTIVE,
        timeout=Duration.seconds(WATCH_SECONDS),
        log_group=log_group,
        environment={
            "ENVIRONMENT": environment,
            **({SHOWS_EVALUATIONS_VARIABLE: "true"} if shows_evaluations else {}),
        },
        role=role,  # pyright: ignore[reportArgumentType]  # jsii
    )
    accept_function_findings(function, bounded=False)
    return function


def read_reports(stack: Stack, environment: str) -> list[Grant]:
    """Reading the last bake-off's figures and those of the days with labels, and what of them is there."""
    bucket, models = (bucket_arn(published(stack, environment, name)) for name in (DATA_BUCKET, MODEL_BUCKET))
    only = {"StringEquals": {"s3:prefix": BAKEOFF_KEY}}
    days = {"StringLike": {"s3:prefix": f"{LABELLED_PREFIX}/*"}}
    through_s3 = {"StringEquals": {"kms:ViaService": f"s3.{stack.region}.amazonaws.com"}}
    key_arn = published(stack, environment, KEY_ARN)
    return [
        Grant(["s3:GetObject"], [f"{bucket}/{BAKEOFF_KEY}"]),
        Grant(["s3:ListBucket"], [bucket], conditions=only),
        Grant(["s3:GetObject"], [f"{models}/{LABELLED_PREFIX}/*"], OBJECTS),
        Grant(["s3:ListBucket"], [models], conditions=days),
        Grant(["kms:Decrypt"], [key_arn], conditions=through_s3),
    ]


def read_evaluations(stack: Stack, environment: str) -> list[Grant]:
    """Reading what evaluations of this environment's runs left for people, and what of it is there."""
    models = bucket_arn(published(stack, environment, MODEL_BUCKET))
    summaries = [f"{REGISTERED_PREFIX}/{job_name(environment, kind)}-*/{SUMMARY_FILE}" for kind in KINDS]
    only = {"StringLike": {"s3:prefix": summaries}}
    return [
        Grant(["s3:GetObject"], [f"{models}/{summary}" for summary in summaries], RUNS),
        Grant(["s3:ListBucket"], [models], conditions=only),
    ]


def watch_code(build_directory: Path) -> Path:
    """Lays out the function's folder: its module, and the definitions that this imports."""
    folder = build_directory / "watch"
    copy(WATCH, folder)
    copy(DEFINITIONS, folder / DEFINITIONS.name)
    return folder

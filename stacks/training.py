"""The training stack: the state machine, the roles it and its jobs run under, and the model package groups."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from model_code.source import ARCHIVE_NAME, write_source_archive
from stacks import roles
from stacks.images import INFERENCE_IMAGES, TRAINING_IMAGES, Image
from stacks.names import KINDS, endpoint_name, publish, published
from stacks.pipeline import Places, definition
from stacks.settings import EnvironmentSettings

MACHINE_TIMEOUT = Duration.days(3)


class TrainingStack(Stack):
    """From data in S3 to a registered model version."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        build_directory: Path,
        **options,
    ) -> None:
        super().__init__(scope, construct_id, **options)
        image = TRAINING_IMAGES[settings.training.image_version]
        archive = build_directory / ARCHIVE_NAME
        write_source_archive(archive)
        code = s3_assets.Asset(self, "Source", path=str(archive))
        self.key_arn = published(self, settings.name, "key-arn")
        self.data_bucket_arn = bucket_arn(published(self, settings.name, "data-bucket"))
        model_bucket = published(self, settings.name, "model-bucket")
        self.model_bucket_arn = bucket_arn(model_bucket)
        job_role = self.job_role(settings, image, code)
        for kind in KINDS:
            sagemaker.CfnModelPackageGroup(
                self,
                f"{kind.title()}Models",
                model_package_group_name=endpoint_name(settings.name, kind),
                model_package_group_description=f"Versions of the {kind.upper()} of recognition in {settings.name}",
            )
        places = Places(
            model_bucket=model_bucket,
            key_arn=self.key_arn,
            role_arn=job_role.role_arn,
            code_bucket=code.s3_bucket_name,
            code_key=code.s3_object_key,
            training_image=image.uri(settings.region),
            inference_image=INFERENCE_IMAGES[settings.inference.image_version].uri(settings.region),
        )
        machine = self.state_machine(settings, places, job_role)
        publish(self, settings.name, "training-state-machine-arn", machine.state_machine_arn)
        publish(self, settings.name, "inference-image", places.inference_image)

    def job_role(self, settings: EnvironmentSettings, image: Image, code: s3_assets.Asset) -> iam.Role:
        """What the containers may do: read data and code, write checkpoints, models and evaluations."""
        role = iam.Role(self, "JobRole", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
        code_bucket_arn = self.format_arn(service="s3", region="", account="", resource=code.s3_bucket_name)
        statements = [
            *roles.read_objects(self.data_bucket_arn),
            *roles.read_objects(self.model_bucket_arn, "checkpoints/", "training/"),
            *roles.read_object(code_bucket_arn, code.s3_object_key),
            roles.write_objects(self.model_bucket_arn, "checkpoints/", "training/", "evaluations/"),
            roles.use_key(self.key_arn),
            roles.use_key_for_volumes(self.key_arn),
            *roles.pull_image(image, settings.region),
            *roles.write_sagemaker_logs(self, "TrainingJobs", "ProcessingJobs"),
        ]
        for statement in statements:
            role.add_to_policy(statement)
        return role

    def state_machine(
        self, settings: EnvironmentSettings, places: Places, job_role: iam.Role
    ) -> stepfunctions.StateMachine:
        """The machine with its role and its log."""
        log_group = logs.LogGroup(
            self, "MachineLog", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
        )
        machine = stepfunctions.StateMachine(
            self,
            "Training",
            definition_body=stepfunctions.DefinitionBody.from_string(
                self.to_json_string(definition(settings, places))
            ),
            timeout=MACHINE_TIMEOUT,
            tracing_enabled=True,
            logs=stepfunctions.LogOptions(destination=log_group, level=stepfunctions.LogLevel.ALL),
        )
        for statement in self.machine_statements(settings, job_role):
            machine.add_to_role_policy(statement)
        return machine

    def machine_statements(
        self, settings: EnvironmentSettings, job_role: iam.Role
    ) -> list[iam.PolicyStatement]:
        """Exactly the calls that the definition makes, and those with which Step Functions waits for a job's end."""
        jobs = [
            self.sagemaker_arn(f"{kind}-job", f"{name}-*")
            for kind in ("training", "processing")
            for name in KINDS
        ]
        groups = [
            self.sagemaker_arn("model-package-group", endpoint_name(settings.name, kind)) for kind in KINDS
        ]
        versions = [
            self.sagemaker_arn("model-package", f"{endpoint_name(settings.name, kind)}/*") for kind in KINDS
        ]
        rules = [
            self.format_arn(
                service="events", resource="rule", resource_name=f"StepFunctionsGetEventsForSageMaker{kind}"
            )
            for kind in ("TrainingJobsRule", "ProcessingJobsRule")
        ]
        verbs = ("Create", "Describe", "Stop")
        return [
            iam.PolicyStatement(
                actions=[
                    f"sagemaker:{verb}{kind}Job" for kind in ("Training", "Processing") for verb in verbs
                ],
                resources=jobs,
            ),
            iam.PolicyStatement(actions=["sagemaker:CreateModelPackage"], resources=[*groups, *versions]),
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[job_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            ),
            iam.PolicyStatement(
                actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"], resources=rules
            ),
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[f"{self.model_bucket_arn}/evaluations/*"]
            ),
            iam.PolicyStatement(actions=["kms:Decrypt"], resources=[self.key_arn]),
        ]

    def sagemaker_arn(self, resource: str, name: str) -> str:
        """An ARN of SageMaker in this stack's account and region."""
        return self.format_arn(
            service="sagemaker",
            resource=resource,
            resource_name=name,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )


def bucket_arn(name: str) -> str:
    """The ARN of a bucket."""
    return f"arn:aws:s3:::{name}"

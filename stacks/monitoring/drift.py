"""The drift jobs in CDK: schedules, the machine with its roles, alarms, and the training run that these start."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from definitions.names import CAPTURED_PREFIX, LABELS_PREFIX, REGISTERED_PREFIX, endpoint_name, job_name
from definitions.networks import KINDS
from definitions.parameters import DATA_BUCKET, MODEL_BUCKET
from stacks.monitoring.drift_state_machine import (
    INPUT_DRIFT,
    LABELS,
    NAMESPACE,
    PREDICTION_DRIFT,
    SCORE_DRIFT,
    TEST_SPLIT,
    definition,
)
from stacks.monitoring.needed import drift_of
from stacks.settings import EnvironmentSettings
from stacks.settings.container_images import TRAINING_IMAGES
from stacks.shared import iam as roles
from stacks.shared.acknowledge import acknowledge_alarm
from stacks.shared.arns import arn_of
from stacks.shared.grants import NO_RESOURCE, OBJECTS, RUNS, STACK_ID, VERSIONS, Grant, allow
from stacks.shared.iam import bucket_arn
from stacks.shared.job_context import JobContext, job_context, source_of_jobs
from stacks.shared.job_network import published_network
from stacks.shared.parameters import published
from stacks.shared.state_machine import add_machine, target


class DriftJob(Construct):
    """Once a day for each kind; metrics, and alarms for inputs, for predictions, and for the score by later labels.

    Attributes:
        machine: what measures.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        build_directory: Path,
        inference_stack: str,
        key_arn: str,
        training_machine_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.stack, self.settings, self.key_arn = Stack.of(self), settings, key_arn
        self.data_bucket = published(self.stack, settings.name, DATA_BUCKET)
        model_bucket = published(self.stack, settings.name, MODEL_BUCKET)
        self.buckets = {"data": bucket_arn(self.data_bucket), "model": bucket_arn(model_bucket)}
        code = source_of_jobs(self, build_directory)
        job_role = self.job_role(code)
        context = job_context(
            self.stack,
            settings,
            code,
            job_role.role_arn,
            processing_instance_type=drift_of(settings).instance_type,
            inference_stack=inference_stack,
            vpc=published_network(self.stack, settings),
        )
        self.machine = machine = add_machine(
            self,
            "Machine",
            definition(settings, context),
            Duration.hours(3),
            self.grants(context, job_role),
        )
        drift = drift_of(settings)
        for kind in KINDS:
            self.schedule(kind, machine, f"{kind.title()}Schedule", TEST_SPLIT)
            if drift.labels:
                self.schedule(kind, machine, f"{kind.title()}LabelsSchedule", LABELS)
            alarms = self.alarms(kind)
            if data_prefix := drift.retrain_on.get(kind):
                self.retrain(kind, data_prefix, alarms, training_machine_arn)

    def alarms(self, kind: str) -> list[cloudwatch.Alarm]:
        """One on each figure of a kind that is measured."""
        drift, name = drift_of(self.settings), endpoint_name(self.settings.name, kind)
        alarms = []
        for metric in (INPUT_DRIFT, PREDICTION_DRIFT):
            says = f"{name}: the distribution behind {metric} is another than the test split's"
            alarms.append(self.alarm(kind, metric, drift.threshold, says))
        if labels := drift.labels:
            says = f"{name}: by the labels that came, its answers are worse than those on the test split"
            alarms.append(self.alarm(kind, SCORE_DRIFT, labels.threshold, says))
        return alarms

    def job_role(self, code: s3_assets.Asset) -> iam.Role:
        """What the container may do: read captures, labels, evaluations and code, write reports."""
        role = iam.Role(self, "JobRole", assumed_by=roles.service_of_this_account(self, "sagemaker"))  # pyright: ignore[reportArgumentType]  # jsii
        image = TRAINING_IMAGES[self.settings.training.image_version]
        grants = [
            *roles.read_objects(self.buckets["data"], f"{CAPTURED_PREFIX}/", f"{LABELS_PREFIX}/"),
            # Evaluations of versions that were registered before evaluations were kept lie in the last.
            *roles.read_objects(self.buckets["model"], f"{REGISTERED_PREFIX}/", "local/", "evaluations/"),
            *roles.read_code(self.stack, code.s3_bucket_name),
            roles.write_objects(self.buckets["model"], "drift/"),
            roles.use_key(self.key_arn),
            roles.use_key_for_volumes(self.key_arn),
            *roles.pull_image(image, self.settings.region),
            *roles.write_sagemaker_logs(self.stack, "ProcessingJobs"),
        ]
        if self.settings.training.network:
            grants.append(roles.place_network_interfaces())
        allow(role, grants)
        return role

    def grants(self, context: JobContext, job_role: iam.Role) -> list[Grant]:
        """The machine's calls, and those with which Step Functions waits for a job's end."""
        rule = arn_of(self, "events", "rule", "StepFunctionsGetEventsForSageMakerProcessingJobsRule")
        inference_stack = arn_of(self, "cloudformation", "stack", f"{context.inference_stack}/*")
        jobs = [f"{job_name(self.settings.name, kind, 'drift')}-*" for kind in KINDS]
        versions = [f"{arn}*" for arn in context.version_arns.values()]
        return [
            Grant(
                [
                    *(f"sagemaker:{verb}ProcessingJob" for verb in ("Create", "Describe", "Stop")),
                    "sagemaker:AddTags",
                ],
                [arn_of(self, "sagemaker", "processing-job", name) for name in jobs],
                RUNS,
            ),
            Grant(["sagemaker:DescribeModelPackage"], versions, VERSIONS),
            Grant(["cloudformation:DescribeStacks"], [inference_stack], STACK_ID),
            Grant(["s3:ListBucket"], [self.buckets["data"]]),
            Grant(["s3:GetObject"], [f"{self.buckets['model']}/drift/*"], OBJECTS),
            Grant(["kms:Decrypt"], [self.key_arn]),
            roles.pass_role(job_role.role_arn),
            Grant(["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule]),
            # The condition holds it to its namespace.
            Grant(
                ["cloudwatch:PutMetricData"],
                ["*"],
                NO_RESOURCE,
                {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
            ),
        ]

    def schedule(
        self, kind: str, machine: stepfunctions.StateMachine, construct_id: str, against: str
    ) -> None:
        """A start a day; the event's own time says which."""
        request = {"kind": kind, "time": events.EventField.from_path("$.time"), "against": against}
        events.Rule(
            self,
            construct_id,
            description=f"Holds the {kind}'s requests and answers against the {against}",
            schedule=events.Schedule.expression(drift_of(self.settings).expression),
            targets=[target(self, machine, request)],  # pyright: ignore[reportArgumentType]  # jsii
        )

    def alarm(self, kind: str, metric: str, threshold: float, says: str) -> cloudwatch.Alarm:
        """Goes off when a day's figure is above the threshold; a day without a figure changes nothing."""
        alarm = cloudwatch.Alarm(
            self,
            f"{kind.title()}{metric}",
            metric=cloudwatch.Metric(
                namespace=NAMESPACE,
                metric_name=metric,
                dimensions_map={"EndpointName": endpoint_name(self.settings.name, kind)},
                statistic="Maximum",
                period=Duration.days(1),
            ),
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
            alarm_description=says,
        )
        acknowledge_alarm(alarm)
        return alarm

    def retrain(
        self, kind: str, data_prefix: str, alarms: list[cloudwatch.Alarm], training_machine_arn: str
    ) -> None:
        """Starts a training run when one of the alarms goes off; its gates decide as ever."""
        machine = stepfunctions.StateMachine.from_state_machine_arn(
            self, f"{kind.title()}Training", training_machine_arn
        )
        request = {"kind": kind, "data_s3_uri": f"s3://{self.data_bucket}/{data_prefix}"}
        events.Rule(
            self,
            f"{kind.title()}Retraining",
            description=f"Trains the {kind} on {data_prefix} when one of its drift alarms goes off",
            event_pattern=events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                detail={
                    "alarmName": [alarm.alarm_name for alarm in alarms],
                    "state": {"value": ["ALARM"]},
                },
            ),
            targets=[target(self, machine, request)],  # pyright: ignore[reportArgumentType]  # jsii
        )

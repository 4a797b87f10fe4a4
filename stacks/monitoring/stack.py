"""The monitoring stack: who hears of alarms and failed runs, the drift job, the dashboard."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from definitions.names import event_source
from definitions.parameters import (
    BULK_STATE_MACHINE,
    KEY_ARN,
    RELEASE_STATE_MACHINE,
    SHUTDOWN_STATE_MACHINE,
    TRAINING_STATE_MACHINE,
)
from lambdas.common.spending import BULK_RUNS, DEPLOYMENT, METRIC, TOLD_FROM_SHARE, TOLD_OF
from stacks.monitoring.dashboard import add_dashboard
from stacks.monitoring.drift import DriftJob
from stacks.monitoring.needed import monitoring_of
from stacks.settings import EnvironmentSettings
from stacks.shared.acknowledge import acknowledge_alarm
from stacks.shared.dead_letters import lost_events
from stacks.shared.lambda_function import METRICS_NAMESPACE
from stacks.shared.parameters import published

MACHINES = {
    "training": TRAINING_STATE_MACHINE,
    "release": RELEASE_STATE_MACHINE,
    "bulk": BULK_STATE_MACHINE,
}
SHUTDOWN = {"shutdown": SHUTDOWN_STATE_MACHINE}
ENDED_BADLY = ["FAILED", "TIMED_OUT", "ABORTED"]


class MonitoringStack(Stack):
    """Hears of the other stacks through EventBridge, so that none of them knows it.

    Attributes:
        topic: on which it tells people.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        build_directory: Path,
        alarm_prefix: str,
        inference_stack: str,
        **options,
    ) -> None:
        super().__init__(scope, construct_id, **options)
        self.monitoring = monitoring_of(settings)
        self.key_arn = published(self, settings.name, KEY_ARN)
        machines = {
            name: published(self, settings.name, parameter)
            for name, parameter in (MACHINES | (SHUTDOWN if settings.scheduled_shutdown else {})).items()
        }
        self.topic = topic = self.alarm_topic()
        self.tell_of_alarms(topic, alarm_prefix)
        self.tell_of_our_events(topic, settings.name)
        self.alarm_on_server_errors(settings)
        self.alarm_on_spending(settings)
        if self.monitoring.drift:
            drift = DriftJob(
                self,
                "Drift",
                settings=settings,
                build_directory=build_directory,
                inference_stack=inference_stack,
                key_arn=self.key_arn,
                training_machine_arn=machines["training"],
            )
            machines["drift"] = drift.machine.state_machine_arn
        self.tell_of_failed_runs(topic, machines)
        if self.monitoring.dashboard:
            add_dashboard(self, settings)

    def alarm_topic(self) -> sns.Topic:
        """An encrypted topic; the key's policy lets EventBridge use it."""
        topic = sns.Topic(
            self,
            "Alarms",
            master_key=kms.Key.from_key_arn(self, "Key", self.key_arn),
            enforce_ssl=True,
        )
        if email := self.monitoring.email:
            undelivered = lost_events(self)
            topic.add_subscription(
                subscriptions.EmailSubscription(email, dead_letter_queue=undelivered)  # pyright: ignore[reportArgumentType]  # jsii
            )
        return topic

    def tell(self, construct_id: str, topic: sns.Topic, pattern: events.EventPattern, message: str) -> None:
        """Sends the topic a sentence for every event of a pattern."""
        told = targets.SnsTopic(
            topic,  # pyright: ignore[reportArgumentType]  # jsii
            message=events.RuleTargetInput.from_text(message),
            dead_letter_queue=lost_events(self),
        )
        events.Rule(self, construct_id, event_pattern=pattern, targets=[told])  # pyright: ignore[reportArgumentType]  # jsii

    def tell_of_alarms(self, topic: sns.Topic, alarm_prefix: str) -> None:
        """Every alarm of the app's stacks, whose names CloudFormation begins with the stack's."""
        field = events.EventField.from_path
        self.tell(
            "AlarmRule",
            topic,
            events.EventPattern(
                source=["aws.cloudwatch"],
                detail_type=["CloudWatch Alarm State Change"],
                detail={"alarmName": [{"prefix": alarm_prefix}], "state": {"value": ["ALARM"]}},
            ),
            f"The alarm {field('$.detail.alarmName')} went off: {field('$.detail.state.reason')}",
        )

    def tell_of_failed_runs(self, topic: sns.Topic, machines: dict[str, str]) -> None:
        """Every execution of the app's machines that did not succeed, with the sentence that says why."""
        field = events.EventField.from_path
        for name, arn in machines.items():
            self.tell(
                f"{name.title()}Rule",
                topic,
                events.EventPattern(
                    source=["aws.states"],
                    detail_type=["Step Functions Execution Status Change"],
                    detail={"stateMachineArn": [arn], "status": ENDED_BADLY},
                ),
                f"A run of the {name} machine ended as {field('$.detail.status')}: {field('$.detail.cause')} "
                f"({field('$.detail.executionArn')})",
            )

    def tell_of_our_events(self, topic: sns.Topic, environment: str) -> None:
        """What the environment's state machines tell that is no failure."""
        self.tell(
            "EventRule",
            topic,
            events.EventPattern(source=[event_source(environment)]),
            events.EventField.from_path("$.detail.message"),
        )

    def alarm_on_spending(self, settings: EnvironmentSettings) -> None:
        """Half of what the API, or the bulk runs of a month, may spend; the functions tell it from then on only."""
        for name, whose, who in (
            ("ApiSpending", DEPLOYMENT, "the API"),
            ("BulkSpending", BULK_RUNS, "all bulk runs of a month"),
        ):
            alarm = cloudwatch.Alarm(
                self,
                name,
                metric=cloudwatch.Metric(
                    namespace=METRICS_NAMESPACE,
                    metric_name=METRIC,
                    dimensions_map={"environment": settings.name, "service": TOLD_OF[whose]},
                    statistic="Maximum",
                    period=Duration.minutes(5),
                ),
                threshold=TOLD_FROM_SHARE * 100,
                evaluation_periods=1,
                comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
                treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
                alarm_description=f"Half of what {who} may spend on managed services is spent",
            )
            acknowledge_alarm(alarm)

    def alarm_on_server_errors(self, settings: EnvironmentSettings) -> None:
        """The API's own alarm; those of the endpoints stand beside them, because they roll releases back."""
        alarm = cloudwatch.Alarm(
            self,
            "ApiServerErrors",
            metric=cloudwatch.Metric(
                namespace="AWS/ApiGateway",
                metric_name="5XXError",
                dimensions_map={"ApiName": "Api", "Stage": settings.name},
                statistic="Average",
                period=Duration.minutes(5),
            ),
            threshold=self.monitoring.api_error_share,
            evaluation_periods=2,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description="The API answers too often with server errors",
        )
        acknowledge_alarm(alarm)

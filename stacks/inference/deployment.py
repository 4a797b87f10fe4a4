"""How an endpoint changes over to another configuration: a canary or steps, and the alarms that take it back."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from definitions.names import VARIANT
from stacks.settings.inference import InferenceSettings
from stacks.shared.acknowledge import acknowledge_alarm


def release_alarms(scope: Construct, inference: InferenceSettings, endpoint: str) -> list[cloudwatch.Alarm]:
    """What takes a release back: any server error, or answers that are too slow."""

    def metric(name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": endpoint, "VariantName": VARIANT},
            statistic=statistic,
            period=Duration.minutes(1),
        )

    missing = cloudwatch.TreatMissingData.NOT_BREACHING
    errors = cloudwatch.Alarm(
        scope,
        "ServerErrors",
        metric=metric("Invocation5XXErrors", "Sum"),
        threshold=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        alarm_description=f"{endpoint} answers with server errors",
        evaluation_periods=2,
        datapoints_to_alarm=1,
        treat_missing_data=missing,
    )
    slow = cloudwatch.Alarm(
        scope,
        "SlowAnswers",
        # SageMaker reports ModelLatency in microseconds.
        metric=metric("ModelLatency", "p99"),
        threshold=inference.latency_alarm_milliseconds * 1000,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        alarm_description=f"{endpoint} answers more slowly than {inference.latency_alarm_milliseconds} ms",
        # The first requests of a fleet are slow even after a warm-up: one minute alone says nothing of a version.
        evaluation_periods=3,
        datapoints_to_alarm=2,
        treat_missing_data=missing,
    )
    acknowledge_alarm(errors)
    acknowledge_alarm(slow)
    return [errors, slow]


def deployment(
    inference: InferenceSettings, alarms: list[cloudwatch.Alarm]
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Blue/green with a canary or in steps; an alarm takes the release back."""
    properties = sagemaker.CfnEndpoint
    canary = properties.TrafficRoutingConfigProperty(
        type="CANARY",
        canary_size=properties.CapacitySizeProperty(type="CAPACITY_PERCENT", value=inference.canary_percent),
        wait_interval_in_seconds=inference.canary_wait_seconds,
    )
    linear = properties.TrafficRoutingConfigProperty(
        type="LINEAR",
        linear_step_size=properties.CapacitySizeProperty(
            type="CAPACITY_PERCENT", value=inference.linear_step_percent
        ),
        wait_interval_in_seconds=inference.canary_wait_seconds,
    )
    gradual = linear if inference.traffic_routing == "linear" else canary
    # One instance cannot be split: SageMaker then takes the whole of the new fleet at once.
    at_once = properties.TrafficRoutingConfigProperty(
        type="ALL_AT_ONCE", wait_interval_in_seconds=inference.canary_wait_seconds
    )
    return properties.DeploymentConfigProperty(
        blue_green_update_policy=properties.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=gradual if inference.first_instances > 1 else at_once,
            termination_wait_in_seconds=inference.termination_wait_seconds,
            maximum_execution_timeout_in_seconds=inference.release_seconds,
        ),
        auto_rollback_configuration=properties.AutoRollbackConfigProperty(
            alarms=[properties.AlarmProperty(alarm_name=alarm.alarm_name) for alarm in alarms]
        ),
    )

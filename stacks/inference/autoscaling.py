"""How many instances of an endpoint, or copies of a component, there are: target tracking, and a step out of zero."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource, Duration
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from definitions.names import VARIANT
from stacks.settings.inference import AutoscalingSettings

NAMESPACE = "AWS/SageMaker"
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
COPIES = "sagemaker:inference-component:DesiredCopyCount"
# Their metrics come every 10 s, where those of invocations come every minute.
REQUESTS_PER_INSTANCE = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
REQUESTS_PER_COPY = "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution"


def track_concurrency(
    scope: Construct, endpoint_name: str, settings: AutoscalingSettings
) -> list[CfnResource]:
    """Instances of a real-time endpoint by the number of requests that each has at the same time."""
    target = scalable_target(
        scope,
        f"endpoint/{endpoint_name}/variant/{VARIANT}",
        INSTANCES,
        (settings.minimum_instances, settings.maximum_instances),
    )
    policy = target_tracking(
        scope,
        target,
        settings.concurrent_requests_per_instance,
        predefined=REQUESTS_PER_INSTANCE,
        scale_in_cooldown_seconds=settings.scale_in_cooldown_seconds,
        scale_out_cooldown_seconds=settings.scale_out_cooldown_seconds,
    )
    return [target, policy]


def scalable_target(
    scope: Construct, resource_id: str, dimension: str, bounds: tuple[int, int]
) -> autoscaling.CfnScalableTarget:
    """What may be scaled, between which numbers."""
    minimum, maximum = bounds
    return autoscaling.CfnScalableTarget(
        scope,
        "Scaling",
        service_namespace="sagemaker",
        resource_id=resource_id,
        scalable_dimension=dimension,
        min_capacity=minimum,
        max_capacity=maximum,
    )


def target_tracking(
    scope: Construct,
    target: autoscaling.CfnScalableTarget,
    value: float,
    *,
    scale_in_cooldown_seconds: int,
    scale_out_cooldown_seconds: int = 60,
    predefined: str | None = None,
    customized: Any = None,
) -> autoscaling.CfnScalingPolicy:
    """Holds a metric, one of Application Auto Scaling's own or any other, at a value."""
    properties = autoscaling.CfnScalingPolicy
    return properties(
        scope,
        "Tracking",
        policy_name="tracking",
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=properties.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=value,
            predefined_metric_specification=properties.PredefinedMetricSpecificationProperty(
                predefined_metric_type=predefined
            )
            if predefined
            else None,
            customized_metric_specification=customized,
            scale_in_cooldown=scale_in_cooldown_seconds,
            scale_out_cooldown=scale_out_cooldown_seconds,
        ),
    )


def step_out_of_zero(
    scope: Construct, target: autoscaling.CfnScalableTarget, metric: cloudwatch.Metric, why: str
) -> list[CfnResource]:
    """One instance or copy as soon as `metric` is 1: nothing divides by the number of instances while there is none."""
    properties = autoscaling.CfnScalingPolicy
    policy = properties(
        scope,
        "OutOfZero",
        policy_name="out-of-zero",
        policy_type="StepScaling",
        scaling_target_id=target.ref,
        step_scaling_policy_configuration=properties.StepScalingPolicyConfigurationProperty(
            adjustment_type="ChangeInCapacity",
            metric_aggregation_type="Average",
            cooldown=300,
            step_adjustments=[
                properties.StepAdjustmentProperty(metric_interval_lower_bound=0, scaling_adjustment=1)
            ],
        ),
    )
    alarm = cloudwatch.CfnAlarm(
        scope,
        "Waiting",
        alarm_description=why,
        namespace=metric.namespace,
        metric_name=metric.metric_name,
        dimensions=[
            cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)
            for name, value in (metric.dimensions or {}).items()
        ],
        statistic=metric.statistic,
        period=metric.period.to_seconds(),
        evaluation_periods=1,
        datapoints_to_alarm=1,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="missing",
        alarm_actions=[policy.ref],
    )
    return [policy, alarm]


def metric_of(
    name: str, dimensions: dict[str, str], statistic: str, period_seconds: int
) -> cloudwatch.Metric:
    """One of SageMaker's metrics."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=Duration.seconds(period_seconds),
    )

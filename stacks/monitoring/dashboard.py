"""The dashboard: the API, the endpoints and the runs on one page."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from definitions.names import VARIANT, endpoint_name, shared_endpoint_name
from definitions.networks import KINDS
from stacks.monitoring.drift_state_machine import CAPTURED_SAMPLES, INPUT_DRIFT, NAMESPACE, PREDICTION_DRIFT
from stacks.settings import EnvironmentSettings

FIVE_MINUTES = Duration.minutes(5)


def add_dashboard(scope: Construct, settings: EnvironmentSettings) -> None:
    """Adds it; its name is CloudFormation's choice."""
    own = [endpoint_name(settings.name, kind) for kind in KINDS]
    endpoints = [shared_endpoint_name(settings.name)] if settings.inference.multi_model else own
    rows = [api_row(settings), *(endpoint_row(name) for name in endpoints)]
    if settings.monitoring and settings.monitoring.drift:
        rows.append([drift_graph(settings, kind) for kind in KINDS])
    cloudwatch.Dashboard(scope, "Dashboard", widgets=rows)


def graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    """A third of a row."""
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)


def api_row(settings: EnvironmentSettings) -> list[cloudwatch.IWidget]:
    """Requests, errors and times of the API."""

    def metric(name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name=name,
            dimensions_map={"ApiName": "Api", "Stage": settings.name},
            statistic=statistic,
            period=FIVE_MINUTES,
        )

    return [
        graph("API: requests", metric("Count", "Sum")),
        graph("API: errors", metric("4XXError", "Sum"), metric("5XXError", "Sum")),
        graph("API: milliseconds", metric("Latency", "p50"), metric("Latency", "p99")),
    ]


def endpoint_row(name: str) -> list[cloudwatch.IWidget]:
    """Requests, errors, times and load of an endpoint."""

    def metric(metric_name: str, statistic: str, namespace: str = "AWS/SageMaker") -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=namespace,
            metric_name=metric_name,
            dimensions_map={"EndpointName": name, "VariantName": VARIANT},
            statistic=statistic,
            period=FIVE_MINUTES,
        )

    def load(metric_name: str) -> cloudwatch.Metric:
        return metric(metric_name, "Average", "/aws/sagemaker/Endpoints")

    return [
        graph(f"{name}: requests", metric("Invocations", "Sum"), metric("Invocation5XXErrors", "Sum")),
        # SageMaker reports ModelLatency in microseconds.
        graph(f"{name}: microseconds", metric("ModelLatency", "p50"), metric("ModelLatency", "p99")),
        graph(f"{name}: load in percent", load("CPUUtilization"), load("GPUUtilization")),
    ]


def drift_graph(settings: EnvironmentSettings, kind: str) -> cloudwatch.IWidget:
    """What the drift job says of an endpoint."""
    name = endpoint_name(settings.name, kind)

    def metric(metric_name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=metric_name,
            dimensions_map={"EndpointName": name},
            statistic="Maximum",
            period=Duration.days(1),
        )

    return cloudwatch.GraphWidget(
        title=f"{name}: population stability index",
        left=[metric(INPUT_DRIFT), metric(PREDICTION_DRIFT)],
        right=[metric(CAPTURED_SAMPLES)],
        width=12,
    )

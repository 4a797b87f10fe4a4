"""The dashboard: the API, the endpoints and the runs on one page."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from definitions.names import VARIANT, endpoint_name, shared_endpoint_name
from definitions.networks import KINDS
from stacks.monitoring.drift_state_machine import (
    CALIBRATION_ERROR,
    CAPTURED_SAMPLES,
    INPUT_DRIFT,
    LABELLED_SAMPLES,
    NAMESPACE,
    PREDICTION_DRIFT,
    SCORE,
)
from stacks.settings import EnvironmentSettings

FIVE_MINUTES = Duration.minutes(5)


def add_dashboard(scope: Construct, settings: EnvironmentSettings) -> None:
    """Adds it; its name is CloudFormation's choice."""
    own = [endpoint_name(settings.name, kind) for kind in KINDS]
    endpoints = [shared_endpoint_name(settings.name)] if settings.inference.multi_model else own
    rows = [api_row(settings), *(endpoint_row(name) for name in endpoints)]
    if settings.monitoring and settings.monitoring.drift:
        rows.append(
            [
                daily_graph(
                    name, "population stability index", [INPUT_DRIFT, PREDICTION_DRIFT], CAPTURED_SAMPLES
                )
                for name in own
            ]
        )
        if settings.monitoring.drift.labels:
            rows.append(
                [
                    daily_graph(name, "answers by later labels", [SCORE, CALIBRATION_ERROR], LABELLED_SAMPLES)
                    for name in own
                ]
            )
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


def daily_graph(name: str, title: str, figures: list[str], samples: str) -> cloudwatch.IWidget:
    """What a drift job says of an endpoint, and beside it on how many samples."""

    def metric(metric_name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=metric_name,
            dimensions_map={"EndpointName": name},
            statistic="Maximum",
            period=Duration.days(1),
        )

    return cloudwatch.GraphWidget(
        title=f"{name}: {title}",
        left=[metric(figure) for figure in figures],
        right=[metric(samples)],
        width=12,
    )

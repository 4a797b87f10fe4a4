"""The metrics of endpoints on the embedded CloudWatch."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.names import ACCOUNT, REGION

NAMESPACE = "AWS/SageMaker"
# CloudWatch has them every minute.
PERIOD_SECONDS = 1.0
# Amazon SageMaker's developer guide, Metrics for monitoring; the latency is in microseconds.
UNITS = {
    "Invocations": "None",
    "Invocation4XXErrors": "None",
    "Invocation5XXErrors": "None",
    "ModelLatency": "Microseconds",
}


class EndpointMetrics:
    """What was measured since it was last published, by endpoint and variant.

    Attributes:
        waiting: the status and the seconds of each answer that is not published yet.
        publishing: held from taking what waits until CloudWatch has it, so that who publishes finds all of it there.
    """

    def __init__(self) -> None:
        self.waiting: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
        self.lock, self.publishing = threading.Lock(), threading.Lock()

    @contextmanager
    def measured(self, endpoint: str, variant: str) -> Iterator[None]:
        """Counts one request to a model, and the time and the kind of its answer; not one that asks no model."""
        began = time.perf_counter()
        try:
            yield
        except ServiceError as error:
            if error.code != "ModelError":
                raise
            # A container that did not answer has no status of its own.
            status = error.members.get("OriginalStatusCode", 500)
            self.count(endpoint, variant, status, time.perf_counter() - began)
            raise
        self.count(endpoint, variant, 200, time.perf_counter() - began)

    def count(self, endpoint: str, variant: str, status: int, seconds: float) -> None:
        """Notes one answer."""
        with self.lock:
            self.waiting[endpoint, variant].append((status, seconds))

    def publish(self) -> None:
        """Puts what was measured on CloudWatch, whose alarms are evaluated with it."""
        with self.publishing:
            with self.lock:
                waiting, self.waiting = self.waiting, defaultdict(list)
            data = [datum for names, requests in waiting.items() for datum in data_of(names, requests)]
            if data:
                put = {"Namespace": NAMESPACE, "MetricData": data}
                cloudwatch_of_account()._put_metric_data({}, put, is_cbor=False, is_json=True)


def data_of(names: tuple[str, str], requests: Sequence[tuple[int, float]]) -> Iterator[dict[str, Any]]:
    """PutMetricData's data of an endpoint's variant, by the status and the seconds of each request."""
    dimensions = [
        {"Name": name, "Value": value}
        for name, value in zip(("EndpointName", "VariantName"), names, strict=True)
    ]
    values = {
        "Invocations": [1.0] * len(requests),
        # One value a request, so that the average is the rate of errors.
        "Invocation4XXErrors": [float(400 <= status < 500) for status, _ in requests],
        "Invocation5XXErrors": [float(status >= 500) for status, _ in requests],
        # To two digits, so that those of a second under load are a few values and their counts.
        "ModelLatency": [float(f"{seconds * 1e6:.2g}") for _, seconds in requests],
    }
    for name, unit in UNITS.items():
        counts: dict[float, float] = defaultdict(float)
        for value in values[name]:
            counts[value] += 1
        yield {
            "MetricName": name,
            "Dimensions": dimensions,
            "Unit": unit,
            "Values": list(counts),
            "Counts": list(counts.values()),
        }


def cloudwatch_of_account() -> Any:
    """ministack's CloudWatch, for a thread of ours, which has no request's account and region."""
    from ministack.core.responses import set_request_account_id, set_request_region
    from ministack.services import cloudwatch

    set_request_account_id(ACCOUNT)
    set_request_region(REGION)
    return cloudwatch

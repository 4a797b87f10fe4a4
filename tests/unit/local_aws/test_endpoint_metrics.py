"""What endpoints answer becomes metrics, and what an update makes of the alarms on them."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from ministack.services import cloudwatch

from local_aws import alarms
from local_aws.sagemaker.deployments import RolledBack
from local_aws.sagemaker.errors import ServiceError, validation_error
from local_aws.sagemaker.metrics import EndpointMetrics


@pytest.fixture(autouse=True)
def evaluation(monkeypatch):
    """Our evaluation of alarms in the place of ministack's."""
    monkeypatch.setattr(cloudwatch, "_evaluate_alarm", alarms.evaluate)


class Measured:
    """An endpoint of the test's own with its metrics and an alarm on its server errors."""

    def __init__(self) -> None:
        self.name = f"endpoint-{uuid.uuid4().hex[:8]}"
        self.metrics = EndpointMetrics()
        self.alarm("errors", "Invocation5XXErrors", Statistic="Sum", Threshold=1)

    def alarm(self, name: str, metric: str, **members: Any) -> None:
        wanted = {
            "AlarmName": f"{self.name}-{name}",
            "Namespace": "AWS/SageMaker",
            "MetricName": metric,
            "Dimensions": [
                {"Name": "EndpointName", "Value": self.name},
                {"Name": "VariantName", "Value": "primary"},
            ],
            "Period": 60,
            "EvaluationPeriods": 2,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            **members,
        }
        status, *_ = cloudwatch._put_metric_alarm({}, wanted, False, True)
        assert status == 200

    def answers(self, *statuses: int, seconds: float = 0.0) -> None:
        for status in statuses:
            self.metrics.count(self.name, "primary", status, seconds)

    def values(self, metric: str) -> list[tuple[float, float]]:
        """Each value of a metric, with how often it came."""
        key = ("AWS/SageMaker", metric, f"EndpointName={self.name}|VariantName=primary")
        return [(point["Value"], point["Count"]) for point in cloudwatch._metrics.get(key) or []]

    def state(self, name: str = "errors") -> str:
        return cloudwatch._alarms[f"{self.name}-{name}"]["StateValue"]

    def watch(self, *names: str) -> alarms.AlarmWatch:
        return alarms.AlarmWatch(self.metrics, [f"{self.name}-{name}" for name in names or ("errors",)])

    def pass_time(self, seconds: float) -> None:
        """Makes all that was measured older."""
        for key, points in cloudwatch._metrics.items():
            if f"EndpointName={self.name}|" in key[2]:
                for point in points:
                    point["Timestamp"] -= seconds


@pytest.fixture
def measured() -> Measured:
    """An endpoint that nobody has asked yet."""
    return Measured()


def test_each_answer_counts_once_and_by_the_kind_of_its_status(measured):
    measured.answers(200, 200, 400, 415, 500, seconds=0.25)
    measured.metrics.publish()
    measured.metrics.publish()
    assert measured.values("Invocations") == [(1, 5)]
    assert sorted(measured.values("Invocation4XXErrors")) == [(0, 3), (1, 2)]
    assert sorted(measured.values("Invocation5XXErrors")) == [(0, 4), (1, 1)]
    assert measured.values("ModelLatency") == [(250_000, 5)]


def test_who_publishes_waits_for_what_another_has_taken_and_not_put_yet(measured, monkeypatch):
    put, others = cloudwatch._put_metric_data, []
    measured.answers(500)
    with ThreadPoolExecutor(1) as threads:

        def put_while_another_publishes(*arguments: Any, **options: Any) -> Any:
            others.append(threads.submit(measured.metrics.publish))
            assert not wait(others, timeout=0.2).done
            return put(*arguments, **options)

        monkeypatch.setattr(cloudwatch, "_put_metric_data", put_while_another_publishes)
        measured.metrics.publish()
    assert [future.exception() for future in others] == [None]
    assert measured.values("Invocations") == [(1, 1)]


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (None, [(200,)]),
        (ServiceError("ModelError", "refused", 424, OriginalStatusCode=415), [(415,)]),
        (ServiceError("ModelError", "The container did not answer.", 424), [(500,)]),
        (validation_error("It never came to a model."), []),
    ],
)
def test_a_request_counts_by_what_the_model_answered(measured, error, counted):
    try:
        with measured.metrics.measured(measured.name, "primary"):
            if error:
                raise error
    except ServiceError as raised:
        assert raised is error
    kept = measured.metrics.waiting.get((measured.name, "primary"), [])
    assert [(status,) for status, _ in kept] == counted


def test_a_server_error_sets_the_alarm_off_and_without_data_it_goes_back(measured):
    measured.answers(200)
    measured.metrics.publish()
    assert measured.state() == "OK"
    measured.answers(500)
    measured.metrics.publish()
    assert measured.state() == "ALARM"
    measured.pass_time(130)
    cloudwatch._evaluate_all_alarms()
    assert measured.state() == "OK"


@pytest.mark.parametrize(
    ("treated", "state"),
    [("notBreaching", "OK"), ("missing", "INSUFFICIENT_DATA"), ("breaching", "ALARM"), ("ignore", "ALARM")],
)
def test_missing_data_is_treated_as_the_alarm_says(measured, treated, state):
    measured.alarm("other", "Invocation5XXErrors", Statistic="Sum", Threshold=1, TreatMissingData=treated)
    measured.answers(500)
    measured.metrics.publish()
    measured.pass_time(130)
    cloudwatch._evaluate_all_alarms()
    assert measured.state("other") == state


def test_slow_answers_trip_an_alarm_on_a_percentile(measured):
    measured.alarm("slow", "ModelLatency", ExtendedStatistic="p99", Threshold=2_000_000)
    watch = measured.watch("errors", "slow")
    measured.answers(200, seconds=0.1)
    assert watch.tripped() == []
    measured.answers(200, seconds=2.5)
    measured.answers(200, seconds=2.5)
    assert watch.tripped() == [f"{measured.name}-slow"]


def test_an_error_since_the_update_began_trips_its_alarm_and_one_of_before_does_not(measured):
    measured.answers(500)
    measured.metrics.publish()
    assert measured.state() == "ALARM"
    watch = measured.watch()
    assert watch.tripped() == []
    measured.answers(200)
    assert watch.tripped() == []
    measured.answers(500)
    assert watch.tripped() == [f"{measured.name}-errors"]


def test_nobody_is_told_of_a_state_that_an_alarm_is_only_tried_for(measured, monkeypatch):
    told = []
    monkeypatch.setattr(cloudwatch, "_dispatch_alarm_actions", lambda *change: told.append(change[1:3]))
    measured.answers(500)
    measured.metrics.publish()
    watch = measured.watch()
    measured.answers(500)
    assert watch.tripped() == [f"{measured.name}-errors"]
    assert [new for _, new in told] == ["ALARM"], "of the first error alone"


def test_an_alarm_that_somebody_sets_trips_also_when_it_was_set_before(measured):
    def set_alarm() -> None:
        said = {"AlarmName": f"{measured.name}-errors", "StateValue": "ALARM", "StateReason": "a drill"}
        cloudwatch._set_alarm_state({}, said, False, True)

    watch = measured.watch()
    assert watch.tripped() == []
    set_alarm()
    measured.answers(200)
    assert watch.tripped() == [f"{measured.name}-errors"]
    other = Measured()
    cloudwatch._set_alarm_state(
        {},
        {"AlarmName": f"{other.name}-errors", "StateValue": "ALARM", "StateReason": "a drill"},
        False,
        True,
    )
    assert other.watch().tripped() == [f"{other.name}-errors"]


def test_an_alarm_on_anything_else_counts_also_for_what_was_before(measured):
    measured.alarm("other", "Broken", Namespace="Elsewhere", Dimensions=[], Statistic="Sum", Threshold=1)
    datum = {"MetricName": "Broken", "Value": 1.0, "Timestamp": time.time() - 1}
    cloudwatch._put_metric_data({}, {"Namespace": "Elsewhere", "MetricData": [datum]}, False, True)
    assert measured.watch("errors", "other").tripped() == [f"{measured.name}-other"]


def test_an_alarm_that_is_not_there_is_no_update(measured):
    with pytest.raises(RolledBack, match=f"alarm {measured.name}-typo does not exist"):
        measured.watch("typo")


def test_a_seconds_latencies_are_few_values_each_right_to_two_digits():
    endpoint = Measured()
    seconds = [0.001 + number * 1e-6 for number in range(1000)]
    for second in seconds:
        endpoint.answers(200, seconds=second)

    endpoint.metrics.publish()

    values = endpoint.values("ModelLatency")
    assert len(values) <= 20 and sum(count for _, count in values) == 1000
    mean = sum(value * count for value, count in values) / 1000
    assert mean == pytest.approx(sum(seconds) / 1000 * 1e6, rel=0.05)

"""CloudWatch's alarms beyond ministack's: own dimensions alone, missing data, and events of every change."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

from ministack.services import cloudwatch

from local_aws.events import tell_event_bridge
from local_aws.sagemaker.deployments import RolledBack
from local_aws.sagemaker.metrics import NAMESPACE, EndpointMetrics, cloudwatch_of_account

STATE_CHANGE = "CloudWatch Alarm State Change"
# Of an alarm whose metric has no data (CloudWatch user guide, Configuring how alarms treat missing data).
WITHOUT_DATA = {"breaching": "ALARM", "notBreaching": "OK", "missing": "INSUFFICIENT_DATA"}
# ministack's own evaluation, which takes the same metric of all dimensions together.
EVALUATION = cloudwatch._evaluate_alarm.__code__


def install() -> None:
    """Takes the place of ministack's evaluation of an alarm and of what follows a change of its state."""
    cloudwatch._evaluate_alarm = evaluate
    cloudwatch._dispatch_alarm_actions = and_tell(cloudwatch._dispatch_alarm_actions)


def evaluate(alarm: dict[str, Any]) -> None:
    """Brings an alarm to the state that the metric of its own dimensions says.

    One whose metric had data, and has none in the alarm's time, goes by its TreatMissingData.
    """
    points = own_points(alarm)
    if not points:
        return
    seconds = alarm.get("Period", 60) * alarm.get("EvaluationPeriods", 1)
    if points[-1]["Timestamp"] < time.time() - seconds:
        without_data(alarm)
        return
    evaluate_by(points, alarm)


def own_points(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """All values of an alarm's metric with the alarm's own dimensions, the latest last."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = cloudwatch._metrics.get((alarm.get("Namespace"), alarm.get("MetricName"), dimensions)) or []
    return sorted(points, key=lambda point: point["Timestamp"])


def evaluate_by(points: list[dict[str, Any]], alarm: dict[str, Any], **instead: Callable) -> None:
    """ministack's evaluation by these values alone, with functions in the place of its own: it reads all by names."""
    own = {(alarm["Namespace"], alarm["MetricName"], ""): points}
    FunctionType(EVALUATION, {**vars(cloudwatch), "_metrics": own, **instead})(alarm)


class AlarmWatch:
    """The alarms that roll an update back, from its start on.

    An alarm that endpoints' own errors or latencies brought into the state ALARM before the update counts by what was
    measured since: on AWS a new fleet takes minutes to start, in which such an alarm goes back by itself.
    """

    def __init__(self, metrics: EndpointMetrics, names: Sequence[str]) -> None:
        """Evaluates the alarms.

        Raises:
            RolledBack: when one of them does not exist.
        """
        self.metrics, self.names = metrics, names
        metrics.publish()
        self.since = time.time()
        for name in names:
            if (alarm := alarm_of(name)) is None:
                raise RolledBack(f"The auto-rollback alarm {name} does not exist.")
            cloudwatch._evaluate_alarm(alarm)
        self.stale = [name for name in self.in_alarm() if self.is_of_endpoints(alarm_of(name))]

    def tripped(self) -> list[str]:
        """The names of the alarms for which the update is to be rolled back now."""
        # One that somebody set is evaluated again with the next values.
        before = self.in_alarm()
        self.metrics.publish()
        names = dict.fromkeys([*before, *self.in_alarm()])
        return [name for name in names if name not in self.stale or self.breached_since(alarm_of(name))]

    def in_alarm(self) -> list[str]:
        """The names of those in the state ALARM."""
        alarms = {name: alarm_of(name) for name in self.names}
        return [name for name, alarm in alarms.items() if alarm and alarm["StateValue"] == "ALARM"]

    @staticmethod
    def is_of_endpoints(alarm: dict[str, Any] | None) -> bool:
        """Whether an alarm is in its state by a metric of endpoints, and not by hand; not one that is gone."""
        return alarm is not None and alarm.get("Namespace") == NAMESPACE and bool(own_points(alarm))

    def breached_since(self, alarm: dict[str, Any] | None) -> bool:
        """Whether an alarm would be in the state ALARM if nothing had been measured before the update."""
        if alarm is None:
            return False
        points = [point for point in own_points(alarm) if point["Timestamp"] >= self.since]
        trial = {**alarm, "StateValue": "OK"}
        ignored = ("_record_history", "_dispatch_alarm_actions", "_evaluate_parent_alarms")
        evaluate_by(points, trial, **dict.fromkeys(ignored, lambda *_: None))
        return trial["StateValue"] == "ALARM"


def alarm_of(name: str) -> dict[str, Any] | None:
    """An alarm of one metric or of other alarms, by its name."""
    store = cloudwatch_of_account()
    return store._alarms.get(name) or store._composite_alarms.get(name)


def without_data(alarm: dict[str, Any]) -> None:
    """Brings an alarm to the state that it has without data."""
    state = WITHOUT_DATA.get(alarm.get("TreatMissingData") or "missing")
    if state in (None, alarm["StateValue"]):
        return
    said = {"AlarmName": alarm["AlarmName"], "StateValue": state, "StateReason": "There is no recent data."}
    cloudwatch._set_alarm_state({}, said, is_cbor=False, is_json=True)


def and_tell(act: Callable[[dict, str, str, str], None]) -> Callable[[dict, str, str, str], None]:
    """The alarm's own actions, and the event that CloudWatch sends of every change."""

    def act_and_tell(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> None:
        act(alarm, old_state, new_state, reason)
        tell_event_bridge(
            "aws.cloudwatch", STATE_CHANGE, change(alarm, old_state, new_state, reason), [alarm["AlarmArn"]]
        )

    return act_and_tell


def change(alarm: dict[str, Any], old_state: str, new_state: str, reason: str) -> dict[str, Any]:
    """The event's detail (Amazon CloudWatch user guide, Alarm events and EventBridge)."""
    moment = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    metric = {
        "namespace": alarm.get("Namespace", ""),
        "name": alarm.get("MetricName", ""),
        "dimensions": cloudwatch._dims_from_list(alarm.get("Dimensions") or []),
    }
    figures = {
        "metric": metric,
        "period": alarm.get("Period", 60),
        "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic", ""),
    }
    return {
        "alarmName": alarm["AlarmName"],
        "configuration": {
            "description": alarm.get("AlarmDescription", ""),
            "metrics": [{"id": "m1", "metricStat": figures, "returnData": True}],
        },
        "previousState": {"value": old_state},
        "state": {"value": new_state, "reason": reason, "timestamp": moment},
    }

"""CloudWatch's alarms beyond ministack's: each sees its own dimensions alone, and EventBridge hears of a change."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ministack.services import cloudwatch

from local_aws.events import tell_event_bridge

STATE_CHANGE = "CloudWatch Alarm State Change"


def install() -> None:
    """Takes the place of ministack's evaluation of an alarm and of what follows a change of its state."""
    cloudwatch._evaluate_alarm = of_own_dimensions(cloudwatch._evaluate_alarm)
    cloudwatch._dispatch_alarm_actions = and_tell(cloudwatch._dispatch_alarm_actions)


def of_own_dimensions(evaluate: Callable[[dict], None]) -> Callable[[dict], None]:
    """An evaluation that leaves the same metric of other dimensions out, which ministack's takes together."""

    def evaluate_own(alarm: dict[str, Any]) -> None:
        wanted = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
        own = {key: points for key, points in cloudwatch._metrics.items() if key[2] == wanted}
        # The same code over these points alone: it reads them from its module's names.
        FunctionType(evaluate.__code__, {**vars(cloudwatch), "_metrics": own})(alarm)

    return evaluate_own


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

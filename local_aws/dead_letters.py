"""Leaves an event that reaches no target in the target's dead-letter queue, as EventBridge and its schedules do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge, sns, sqs, stepfunctions

# Whether a target is there, by the service in its ARN; of others nothing is asked.
IS_THERE: dict[str, Callable[[str], bool]] = {
    "sns": lambda arn: sns._topic_by_arn_any_scope(arn) is not None,
    "states": lambda arn: stepfunctions._resolve_state_machine_arn(arn) is not None,
}


def install() -> None:
    """Goes before ministack's own delivery, which drops such events; rules and schedules both use it."""
    deliver = eventbridge._invoke_target

    def deliver_or_keep(target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None) -> None:
        arn = target.get("Arn", "")
        is_there = IS_THERE.get((arn.split(":") + [""] * 3)[2])
        if is_there is None or is_there(arn):
            deliver(target, event, rule, view)
        else:
            keep(target, event, rule, "NO_RESOURCE", f"{arn} does not exist.")

    eventbridge._invoke_target = deliver_or_keep


def keep(target: dict[str, Any], event: Any, rule: dict[str, Any], code: str, message: str) -> None:
    """Writes the event, with the attributes that EventBridge gives it, to the target's queue, where it has one."""
    queue = sqs._queue_by_arn(target.get("DeadLetterConfig", {}).get("Arn", ""))
    if queue is None:
        return
    attributes = {
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message,
        "RULE_ARN": rule.get("Arn", ""),
        "TARGET_ARN": target["Arn"],
    }
    lost = {
        "QueueUrl": queue["url"],
        "MessageBody": json.dumps(eventbridge._pattern_event_view(event).event_with_detail()),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
        },
    }
    sqs._act_send_message(lost, queue["url"])

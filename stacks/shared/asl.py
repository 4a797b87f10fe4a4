"""What the state machines share: expressions, calls, choices, retries, and the way to the state that says why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# SageMaker's own trouble and its throttling; a job that failed by itself would fail again.
PASSING_ERRORS = ["SageMaker.AmazonSageMakerException", "SageMaker.Throttling"]
QUOTA_ERROR = "SageMaker.ResourceLimitExceeded"
# Of the app's own events on the default bus.
EVENT_SOURCE = "recognition"
SDK = "arn:aws:states:::aws-sdk"
FAILURE_REASON = (
    "{% $contains($states.input.Cause, 'FailureReason') "
    "? $parse($states.input.Cause).FailureReason : $states.input.Cause %}"
)


def jsonata(expression: str) -> str:
    """An expression as the states language marks it."""
    return f"{{% {expression} %}}"


def retry(*errors: str) -> list[dict[str, Any]]:
    """Tries again after these errors, later each time, for about a quarter of an hour."""
    return [
        {
            "ErrorEquals": list(errors),
            "IntervalSeconds": 30,
            "BackoffRate": 2,
            "MaxAttempts": 5,
            "JitterStrategy": "FULL",
        }
    ]


RETRY = retry(*PASSING_ERRORS, QUOTA_ERROR)


def catch(state: str = "JobFailed") -> list[dict[str, Any]]:
    """Any failure goes on to `state`, with the error as its input."""
    return [{"ErrorEquals": ["States.ALL"], "Next": state, "Output": jsonata("$states.errorOutput")}]


def ended(**output: str) -> dict[str, Any]:
    """An end that is no failure, with an output of expressions; a Succeed's own output the embedded AWS leaves out."""
    return {"Type": "Pass", "Output": {name: jsonata(value) for name, value in output.items()}, "End": True}


def job_failed() -> dict[str, Any]:
    """The end of a run that an error ended, with the job's own reason where there is one."""
    return {"Type": "Fail", "Error": "JobFailed", "Cause": FAILURE_REASON}


def lookup(values: Mapping[Any, str | float], kind: str = "$kind") -> str:
    """The value for the version's kind, as an expression; `kind` is one too."""
    members = ", ".join(f"'{name}': {json.dumps(value)}" for name, value in values.items())
    return f"$lookup({{{members}}}, {kind})"


def task(
    call: str, arguments: Any, assign: dict[str, str], then: str, failed: str = "Failed"
) -> dict[str, Any]:
    """A call through the SDK whose answer becomes variables."""
    return {
        "Type": "Task",
        "Resource": f"{SDK}:{call}",
        "Arguments": arguments,
        "Assign": {name: jsonata(expression) for name, expression in assign.items()},
        "Output": {},
        "Catch": catch(failed),
        "Next": then,
    }


def choice(default: str, *rules: tuple[str, str], said: str | None = None) -> dict[str, Any]:
    """A choice by conditions, each with the state that it leads to; the default's reason becomes `said`."""
    return {
        "Type": "Choice",
        "Choices": [{"Condition": jsonata(condition), "Next": state} for condition, state in rules],
        "Default": default,
        **({"Assign": {"said": said}} if said else {}),
    }

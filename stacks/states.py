"""What the state machines share: expressions, retries, and the way to the state that says why a run failed."""

from __future__ import annotations

from typing import Any

# SageMaker's own trouble and its throttling; a job that failed by itself would fail again.
PASSING_ERRORS = ["SageMaker.AmazonSageMakerException", "SageMaker.Throttling"]
QUOTA_ERROR = "SageMaker.ResourceLimitExceeded"
# Of the app's own events on the default bus.
EVENT_SOURCE = "recognition"
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

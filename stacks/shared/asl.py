"""What the state machines share: expressions, calls, choices, retries, and the way to the state that says why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SDK = "arn:aws:states:::aws-sdk"
# Step Functions' guide, "Manage Amazon SageMaker AI jobs with Step Functions": the optimised integration raises the
# quota's error by its name, and throttling with all else as the service's general one.
QUOTA_ERROR = "SageMaker.ResourceLimitExceededException"
JOB_ERRORS = ("SageMaker.AmazonSageMakerException", "SageMaker.SdkClientException")
# By the service's name in a resource: its name in the AWS SDK for Java 2, after which an SDK integration calls the
# errors, and those of its own errors that pass (the service's API reference), without the word Exception at their end.
SDK_ERRORS = {
    "cloudformation": ("CloudFormation",),
    "cloudwatch": ("CloudWatch", "InternalServiceFault"),
    "eventbridge": ("EventBridge", "Internal"),
    "s3": ("S3",),
    "sagemaker": ("SageMaker", "Conflict", "ResourceLimitExceeded"),
    "sagemakerruntime": ("SageMakerRuntime", "InternalFailure", "ModelNotReady", "ServiceUnavailable"),
    "sfn": ("Sfn",),
    "ssm": ("Ssm", "InternalServerError", "TooManyUpdates"),
}
# Out of the job's description, where the cause is one. It is cut off at 32,768 characters (Step Functions' quotas) and
# may be a sentence with the word in it: read as JSON, either would end the run without its reason.
REASON_PATTERN = r'/"FailureReason"\s*:\s*"((\\.|[^\\"])*)"/'
FAILURE_REASON = (
    f"{{% ($found := $match($states.input.Cause, {REASON_PATTERN})[0].groups[0]; "
    r"""$exists($found) ? $replace($replace($found, '\\"', '"'), '\\n', ' ') : $states.input.Cause) %}"""
)
# An instant in UTC, of a day that its year has (from 1000 on; by the rule of every fourth), which $toMillis takes.
DAY_PATTERN = (
    "((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
DATE_PATTERN = f"[1-9][0-9]([0-9]{{2}}-{DAY_PATTERN}|([02468][048]|[13579][26])-02-29)"
INSTANT_PATTERN = f"^{DATE_PATTERN}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{{1,9}})?Z$"


def jsonata(expression: str) -> str:
    """An expression as the states language marks it."""
    return f"{{% {expression} %}}"


def fits(value: str, pattern: str) -> str:
    """Whether a text is of a pattern, as an expression; `$` alone would let a line break stand at its end."""
    return f"($contains({value}, /{pattern}/) and $not($contains({value}, /\\s/)))"


def is_instant(value: str) -> str:
    """Whether a value is a text of an instant such as 2026-11-25T20:59:58Z, as an expression."""
    return f"($type({value}) = 'string' ? {fits(value, INSTANT_PATTERN)} : false)"


# Appended to a name that may be used once: an answer that was lost on its way leaves the name taken.
RETRIED = "($states.context.State.RetryCount = 0 ? '' : '-r' & $string($states.context.State.RetryCount))"


def retriers(resource: str, *, waits_for_quota: bool = True) -> list[dict[str, Any]]:
    """Tries a call again after an error that may pass, by the names that Step Functions gives the errors on AWS.

    Throttling has no name of its own in most services: it comes as the service's general error, like a refusal of the
    request, so what is refused is told after these tries (a minute at most, and for a used-up quota ten).

    Args:
        resource: of the task.
        waits_for_quota: whether a used-up quota of a job's instance type is waited for.
    """
    if resource.startswith(SDK):
        service = resource.removeprefix(f"{SDK}:").partition(":")[0]
        return [retrier(*sdk_errors(service), interval_seconds=2, attempts=4)]
    quota = [retrier(QUOTA_ERROR, interval_seconds=30, attempts=5)] if waits_for_quota else []
    return [retrier(*JOB_ERRORS, interval_seconds=5, attempts=4), *quota]


def retrier(*errors: str, interval_seconds: int, attempts: int) -> dict[str, Any]:
    """Tries again after these errors, each time after up to twice as long."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": interval_seconds,
        "BackoffRate": 2,
        "MaxAttempts": attempts,
        "JitterStrategy": "FULL",
    }


def sdk_errors(service: str) -> list[str]:
    """What may pass of an SDK integration's errors: the general one, that of the connection, and the service's own."""
    prefix, *own = SDK_ERRORS[service]
    return [f"{prefix}.{name}Exception" for name in (prefix, "SdkClient", *own)]


def catch(state: str = "JobFailed") -> list[dict[str, Any]]:
    """Any failure goes on to `state`, with the error as its input."""
    return [{"ErrorEquals": ["States.ALL"], "Next": state, "Output": jsonata("$states.errorOutput")}]


def ended(**output: str) -> dict[str, Any]:
    """An end that is no failure, with an output of expressions; a Succeed's own output the embedded AWS leaves out."""
    return {"Type": "Pass", "Output": {name: jsonata(value) for name, value in output.items()}, "End": True}


# An entity tag without the quotation marks that S3 puts around it.
ETAG = "$replace($states.result.ETag, '\"', '')"


def place_of(uri: str) -> dict[str, str]:
    """Bucket and key of an S3 URI, which is an expression."""
    return {
        "Bucket": jsonata(f"$split({uri}, '/')[2]"),
        "Key": jsonata(f"$substringAfter($substringAfter({uri}, 's3://'), '/')"),
    }


def fail(error: str, cause: str) -> dict[str, Any]:
    """An end with one sentence, an expression."""
    return {"Type": "Fail", "Error": error, "Cause": jsonata(cause)}


def job_failed() -> dict[str, Any]:
    """The end of a run that an error ended, with the job's own reason where there is one."""
    return {"Type": "Fail", "Error": "JobFailed", "Cause": FAILURE_REASON}


def lookup(values: Mapping[Any, Any], kind: str = "$kind") -> str:
    """The JSON value for the version's kind, as an expression; `kind` is one too."""
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
        "Retry": retriers(f"{SDK}:{call}"),
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

"""The state machine of a bulk run: every batch of the manifest to a worker, then a count that has to come out even."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Lambda's own passing errors (its documentation's advice for Step Functions), and a booking that has to wait.
PASSING = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]
QUEUE_TOO_LONG = "QueueTooLong"
# What the worker is handed of a batch.
WORK = {"run.$": "$.run", "batch.$": "$.batch", "execution.$": "$.execution"}


@dataclass(frozen=True)
class BulkPlaces:
    """What the machine refers to.

    Attributes:
        bucket: with the manifests, and where Step Functions writes how the batches ended.
        function_arn: of the worker.
        workers: batches at the same time.
        wait_seconds: before a batch that found the queue too long comes back.
    """

    bucket: str
    function_arn: str
    workers: int
    wait_seconds: int


def definition(places: BulkPlaces) -> dict[str, Any]:
    """The machine in Amazon States Language."""
    return {
        "Comment": "A bulk run: every object ends in exactly one of done and failed.",
        "StartAt": "Batches",
        "States": {
            "Batches": batches(places),
            "Count": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": places.function_arn, "Payload": {"run.$": "$.run"}},
                "OutputPath": "$.Payload",
                "Retry": retry(PASSING, interval_seconds=5, attempts=5),
                "Next": "IsComplete",
            },
            "IsComplete": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.missing", "NumericEquals": 0, "Next": "Complete"}],
                "Default": "Incomplete",
            },
            "Complete": {"Type": "Succeed"},
            "Incomplete": {
                "Type": "Fail",
                "Error": "Incomplete",
                "Cause": "Some objects are neither done nor failed. Resume the run: what was answered is not asked "
                "again.",
            },
        },
    }


def batches(places: BulkPlaces) -> dict[str, Any]:
    """A distributed map over the manifest; a line of it is a batch, so that a run that is resumed has the same ones."""
    return {
        "Type": "Map",
        "Label": "Batches",
        "MaxConcurrency": places.workers,
        # A batch that failed as a whole is missed by the count, which says so.
        "ToleratedFailurePercentage": 100,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Parameters": {"Bucket": places.bucket, "Key.$": "$.manifest"},
        },
        # Its money is counted by the execution, whose name and input are anybody's choice, and its id nobody's.
        "ItemSelector": {
            "run.$": "$.run",
            "batch.$": "$$.Map.Item.Value",
            "execution.$": "$$.Execution.Id",
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Work",
            "States": {
                "Work": {
                    **invoke(places, WORK),
                    "Retry": [
                        # Nothing was asked, so this may go on for as long as others are before it.
                        *retry([QUEUE_TOO_LONG], interval_seconds=places.wait_seconds, attempts=100_000),
                        *retry([*PASSING, "States.ALL"], interval_seconds=5, attempts=3),
                    ],
                    "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "GiveUp"}],
                },
                "GiveUp": {
                    **invoke(places, {**WORK, "give_up": True}),
                    "Retry": retry([*PASSING, "States.ALL"], interval_seconds=30, attempts=5),
                },
            },
        },
        # The answers of a million batches are no state; the worker has written what counts.
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": places.bucket, "Prefix.$": "$.map_results"},
        },
        # Beside the run, which the count wants. (CDK leaves out members that are null.)
        "ResultPath": "$.map",
        "Next": "Count",
    }


def invoke(places: BulkPlaces, payload: dict[str, Any]) -> dict[str, Any]:
    """A call of the worker that ends a batch."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": places.function_arn, "Payload": payload},
        "OutputPath": "$.Payload",
        "End": True,
    }


def retry(errors: list[str], *, interval_seconds: int, attempts: int) -> list[dict[str, Any]]:
    """Tries again after these errors. States.ALL stands alone in a rule, as the states language wants it."""
    named = [one for one in errors if one != "States.ALL"]
    rule = {
        "IntervalSeconds": interval_seconds,
        "MaxAttempts": attempts,
        "BackoffRate": 1.5,
        "MaxDelaySeconds": 300,
    }
    rules = [{"ErrorEquals": named, **rule, "JitterStrategy": "FULL"}] if named else []
    if "States.ALL" in errors:
        rules.append({"ErrorEquals": ["States.ALL"], **rule, "JitterStrategy": "FULL"})
    return rules

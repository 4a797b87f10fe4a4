"""The end of a batch: its objects' lines are written once, counted once, and failures told."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.bulk.asking import Outcome
from lambdas.bulk.attempt_keys import AttemptKeys
from lambdas.bulk.batch import PAUSE_SECONDS, TRIES, Batch, Worker

# How often a worker tries to raise the counts, which others raise too.
COUNT_TRIES = 20
NOT_FOUND = ("NoSuchKey", "404")
CHANGED = ("PreconditionFailed", "412")


def written(worker: Worker, batch: Batch) -> list[Outcome] | None:
    """The lines that an earlier delivery of the same batch wrote; None where there was none."""
    try:
        response = worker.s3.get_object(Bucket=worker.bucket, Key=batch.keys.outcome(batch.number))
    except ClientError as error:
        if error.response["Error"]["Code"] in NOT_FOUND:
            return None
        raise
    return [json.loads(line) for line in response["Body"].read().splitlines()]


def write(worker: Worker, batch: Batch) -> list[Outcome]:
    """Writes every object's line in one object, unless somebody else did meanwhile: then theirs counts."""
    lines = [batch.lines[index] for index in range(len(batch.objects))]
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    wanted = {"Bucket": worker.bucket, "Key": batch.keys.outcome(batch.number), "Body": body}
    for attempt in range(1, TRIES + 1):
        try:
            worker.s3.put_object(**wanted, ContentType="application/jsonl", IfNoneMatch="*")
            return lines
        except ClientError as error:
            theirs = written(worker, batch) if error.response["Error"]["Code"] in CHANGED else None
            if theirs is not None:
                return theirs
            if attempt == TRIES:
                raise
        except BotoCoreError:
            # It may have been written all the same; the condition will tell.
            if attempt == TRIES:
                raise
        worker.sleep(PAUSE_SECONDS)
    return lines


def settle_counts(worker: Worker, batch: Batch, lines: list[Outcome]) -> dict[str, int]:
    """Counts the batch once, however often it is delivered, and tells of failures."""
    keys = batch.keys
    bad = sum(line["outcome"] == "failed" for line in lines)
    mendable = sum(line.get("redrive_may_mend", False) for line in lines)
    counts = {"done": len(lines) - bad, "failed": bad, "mendable": mendable}
    expiry = {"N": str(int(worker.now()) + worker.keep_seconds)}
    marker = {
        "TableName": worker.table,
        "Item": {"id": {"S": keys.marker(batch.number)}, "expires_at": expiry},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    counter = {
        "TableName": worker.table,
        "Key": {"id": {"S": keys.counter}},
        "UpdateExpression": "ADD done :done, failed :failed, mendable :mendable "
        "SET expires_at = if_not_exists(expires_at, :expiry)",
        "ExpressionAttributeValues": {
            **{f":{name}": {"N": str(count)} for name, count in counts.items()},
            ":expiry": expiry,
        },
    }
    count_once(worker, marker, counter)
    # Last, so that a queue that takes nothing keeps no run from its end: the redrive reads the outcomes.
    if bad:
        message = {
            "run": keys.run,
            "attempt": keys.attempt,
            "outcomes": keys.outcome(batch.number),
            "failed": bad,
        }
        worker.sqs.send_message(QueueUrl=worker.queue_url, MessageBody=json.dumps(message))
    return {"done": counts["done"], "failed": bad}


def count_once(worker: Worker, marker: Mapping[str, Any], counter: Mapping[str, Any]) -> None:
    """Raises the counts unless the batch has its mark already; workers who meet at the counter wait their turn."""
    for attempt in range(1, COUNT_TRIES + 1):
        try:
            worker.dynamodb.transact_write_items(TransactItems=[{"Put": marker}, {"Update": counter}])
            return
        except worker.dynamodb.exceptions.TransactionCanceledException as error:
            reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
            if reasons[:1] == ["ConditionalCheckFailed"]:
                return
            if attempt == COUNT_TRIES:
                raise
        # Each batch has a pause of its own, so that they do not meet again.
        worker.sleep(attempt * (0.1 + random.random() / 5))


def count(worker: Worker, keys: AttemptKeys, objects: int) -> dict[str, int]:
    """How many objects of an attempt are done, failed, and in neither."""
    response = worker.dynamodb.get_item(
        TableName=worker.table, Key={"id": {"S": keys.counter}}, ConsistentRead=True
    ).get("Item", {})
    done, bad = (int(response.get(name, {"N": "0"})["N"]) for name in ("done", "failed"))
    return {"objects": objects, "done": done, "failed": bad, "missing": objects - done - bad}

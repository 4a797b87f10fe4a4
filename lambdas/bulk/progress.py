"""What a batch has got so far: one worker's lease on it, and each call's answers kept before the next call is made.

None of the services takes a token that would make a call repeatable, so what a worker had asked when it died can only
be known from what it wrote. An object of S3 for each call is dear beside a write of DynamoDB (0.5 % of a picture's
price), but has no limit of 400 KB, expires with the results, and leaves one call at most to be charged twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.bulk.asking import Outcome
from lambdas.bulk.attempt_keys import AttemptKeys
from lambdas.bulk.rate_limiter import FAILED_CONDITION, QueueTooLong

MILLISECONDS = 1_000
# Lambda ends a worker when its time is over; clocks of two workers differ by less than this.
CLOCKS_APART_SECONDS = 5.0


@contextmanager
def lease(
    dynamodb: Any, table: str, name: str, now: float, seconds: float, keep_seconds: int
) -> Iterator[None]:
    """Inside, no other worker has the batch; one that died holds it until its time would have been over.

    Args:
        dynamodb: a boto3 client.
        table: with the string key `id`.
        name: of the batch's lease.
        now: seconds since 1970.
        seconds: that this worker has left.
        keep_seconds: how long the lease's item stays when nobody needs it any more.

    Raises:
        QueueTooLong: when another worker has the batch; it comes back later.
        ClientError, BotoCoreError: when the table does not answer; nothing was asked.
    """
    until = round((now + seconds + CLOCKS_APART_SECONDS) * MILLISECONDS)
    values = {":until": until, ":now": round(now * MILLISECONDS), ":expiry": int(now) + keep_seconds}
    lease = {"TableName": table, "Key": {"id": {"S": name}}}
    try:
        dynamodb.update_item(
            **lease,
            UpdateExpression="SET held_until = :until, expires_at = :expiry",
            ConditionExpression="attribute_not_exists(held_until) OR held_until < :now",
            ExpressionAttributeValues=numbers(values),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == FAILED_CONDITION:
            raise QueueTooLong("Another worker has this batch.") from error
        raise
    try:
        yield
    finally:
        # Where this fails the lease ends by itself, and the batch's end is not worth less for it.
        with suppress(ClientError, BotoCoreError):
            dynamodb.update_item(
                **lease,
                UpdateExpression="SET held_until = :zero",
                ConditionExpression="held_until = :until",
                ExpressionAttributeValues=numbers({":zero": 0, ":until": until}),
            )


def numbers(values: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Numbers as DynamoDB writes them."""
    return {name: {"N": str(value)} for name, value in values.items()}


def keep(s3: Any, bucket: str, keys: AttemptKeys, batch: int, lines: Mapping[int, Outcome]) -> None:
    """Writes what a call ended: the lines of objects by their place in the batch. Nobody else's are overwritten.

    Raises:
        ClientError, BotoCoreError: when S3 does not answer, or the same was written before.
    """
    body = "".join(json.dumps({"index": index, "line": line}) + "\n" for index, line in lines.items())
    key = f"{keys.answers(batch)}{min(lines):06d}.jsonl"
    s3.put_object(
        Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/jsonl", IfNoneMatch="*"
    )


def kept(s3: Any, bucket: str, keys: AttemptKeys, batch: int) -> dict[int, Outcome]:
    """The lines that earlier workers of the same batch wrote before they died, by place in the batch.

    Raises:
        ClientError, BotoCoreError: when S3 does not answer.
    """
    # An object for each call, and a batch has at most some hundred objects: one page of a thousand holds them.
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=keys.answers(batch)).get("Contents", [])
    lines: dict[int, Outcome] = {}
    for summary in listed:
        body = s3.get_object(Bucket=bucket, Key=summary["Key"])["Body"].read()
        for line in body.splitlines():
            read = json.loads(line)
            lines.setdefault(read["index"], read["line"])
    return lines

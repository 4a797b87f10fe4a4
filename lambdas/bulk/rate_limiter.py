"""A token bucket in DynamoDB that all workers share, so that a service is asked no oftener than its quota."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

MICROSECONDS = 1_000_000
# Races for the bucket are lost to workers who won; a few rounds are enough for any number that runs at once.
ROUNDS = 50
FAILED_CONDITION = "ConditionalCheckFailedException"


class QueueTooLong(Exception):
    """So many calls wait already, or another worker has the batch, that it comes back later; nothing is lost."""


@dataclass(frozen=True)
class RateLimiter:
    """The bucket of one of a service's operations.

    It is kept as the time at which the next call may be made (the generic cell rate algorithm): to take n tokens
    moves that time on by n intervals, in one conditional write. A bucket that nobody used holds one batch.

    Attributes:
        dynamodb: a boto3 client.
        table: with the string key `id`.
        name: of the bucket.
        calls_per_second: of all workers together.
        longest_wait_seconds: how far ahead calls may be booked.
        now: seconds since 1970. Workers' clocks differ by little; the bucket's time never goes back.
    """

    dynamodb: Any
    table: str
    name: str
    calls_per_second: float
    longest_wait_seconds: float
    now: Callable[[], float] = time.time

    @property
    def interval_seconds(self) -> float:
        """Between two calls."""
        return 1 / self.calls_per_second

    def book(self, calls: int) -> float:
        """Books so many calls in a row; returns the seconds to wait before the first.

        Raises:
            QueueTooLong: when that would be too long; nothing is booked.
            ClientError, BotoCoreError: when the table does not answer.
        """
        cost = round(calls * self.interval_seconds * MICROSECONDS)
        for _ in range(ROUNDS):
            now = round(self.now() * MICROSECONDS)
            begin, latest = now, now + round(self.longest_wait_seconds * MICROSECONDS)
            try:
                old = self.update("SET next_call = next_call + :cost", "next_call BETWEEN :now AND :latest", {
                    ":cost": cost, ":now": now, ":latest": latest,
                })  # fmt: skip
                begin = int(old["next_call"]["N"])
            except ClientError as error:
                waiting = next_call_of(error)
                if waiting is not None and waiting > latest:
                    raise QueueTooLong(
                        f"More than {self.longest_wait_seconds:.0f} s of calls wait."
                    ) from error
                if not self.start_anew(now, cost):
                    continue
            return (begin - now) / MICROSECONDS
        raise QueueTooLong("Too many workers book at once.")

    def start_anew(self, now: int, cost: int) -> bool:
        """Takes the first calls of a bucket that nobody waits for; whether nobody else did meanwhile."""
        try:
            self.update(
                "SET next_call = :next",
                "attribute_not_exists(next_call) OR next_call < :now",
                {":next": now + cost, ":now": now},
            )
        except ClientError as error:
            next_call_of(error)
            return False
        return True

    def push_back(self, seconds: float) -> None:
        """Lets every worker wait: the service said that it is asked too often."""
        now, pause = (round(value * MICROSECONDS) for value in (self.now(), seconds))
        # Slow calls leave the bucket's time behind, where a pause added to it would be over already.
        if not self.start_anew(now, pause):
            self.update(
                "SET next_call = next_call + :pause", "attribute_exists(next_call)", {":pause": pause}
            )

    def update(self, change: str, condition: str, values: dict[str, int]) -> dict[str, Any]:
        """One write; returns the bucket as it was."""
        answer = self.dynamodb.update_item(
            TableName=self.table,
            Key={"id": {"S": f"pace#{self.name}"}},
            UpdateExpression=change,
            ExpressionAttributeValues={name: {"N": str(value)} for name, value in values.items()},
            ReturnValues="ALL_OLD",
            ConditionExpression=condition,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return answer.get("Attributes", {})


def next_call_of(error: ClientError) -> int | None:
    """The bucket's time that a failed condition tells; any other error is raised."""
    if error.response["Error"]["Code"] != FAILED_CONDITION:
        raise error
    item = error.response.get("Item", {})
    return int(item["next_call"]["N"]) if "next_call" in item else None

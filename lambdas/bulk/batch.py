"""A batch of a bulk run, and what its worker has to go by."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.bulk.asking import OPERATIONS, Outcome, failed, runs_in_bulk
from lambdas.bulk.attempt_keys import AttemptKeys
from lambdas.common.bodies import IMAGE_BYTES, ImageBody, TextBody
from lambdas.common.errors import RequestRefused, unavailable
from lambdas.common.operations import Operation

# How often a call that may succeed later is made again, each time at the bucket's rate.
TRIES = 5
# After a throttle all workers wait so long.
PAUSE_SECONDS = 1.0
# What is left of the function's time when no call is begun any more: a call with its second try, and the writing.
CLOSING_SECONDS = 40.0
LATE = unavailable("NotAsked", "The worker's time was over before this object.")


class NotInBulk(ValueError):
    """An operation that answers no single objects; the message is fit for anybody."""


@dataclass(frozen=True)
class Worker:
    """What a batch needs.

    Attributes:
        s3, sqs, dynamodb: boto3 clients.
        bucket: of the data.
        table: of runs: their counts, their money, the token buckets.
        queue_url: where failures are told.
        calls_per_second: of each operation by the service's name for it, and of all others as "*".
        longest_wait_seconds: how far ahead calls may be booked.
        keep_seconds: how long counts are kept.
        limit_usd: what one execution may cost, whatever its input says.
        monthly_limit_usd: what all runs of the deployment may cost in a calendar month.
        sleep: waits.
        now: seconds since 1970.
    """

    s3: Any
    sqs: Any
    dynamodb: Any
    bucket: str
    table: str
    queue_url: str
    calls_per_second: Mapping[str, float]
    longest_wait_seconds: float
    keep_seconds: int
    limit_usd: float
    monthly_limit_usd: float
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


@dataclass
class Batch:
    """A batch of one attempt of a run, as the state machine hands it over.

    Attributes:
        keys: of the attempt.
        operation: that is asked.
        query: its options.
        limit_usd: what the run may cost, as its input says; None where that says nothing.
        execution: of the state machine, by which its money is counted; its input cannot choose it.
        number: of the batch.
        objects: key and entity tag of each.
    """

    keys: AttemptKeys
    operation: Operation
    query: Mapping[str, str]
    limit_usd: float | None
    execution: str
    number: int
    objects: list[Mapping[str, Any]]
    lines: dict[int, Outcome] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Batch:
        """From the state machine's input.

        Raises:
            NotInBulk: when the operation answers no single objects.
            PlaceRefused: when the run's id or attempt names a place that is not its own.
        """
        run, batch = event["run"], event["batch"]
        operation = OPERATIONS.get(run["operation"])
        if operation is None or not runs_in_bulk(operation):
            raise NotInBulk(f"'{run['operation']}' is no operation that runs in bulk.")
        return cls(
            AttemptKeys(run["id"], run["attempt"]),
            operation,
            run["query"],
            run["limit_usd"],
            # A run that an older machine began, and that goes on over a deployment, tells none.
            event.get("execution", run["id"]),
            batch["number"],
            batch["objects"],
        )

    def fail(self, indices: list[int], error: RequestRefused) -> None:
        """Ends objects that have no line yet."""
        for index in indices:
            self.lines.setdefault(index, failed({"key": self.objects[index].get("key")}, error))

    @property
    def most_bytes(self) -> int:
        """Of an object, by what the operation takes."""
        body = self.operation.body
        return body.most_bytes if isinstance(body, TextBody | ImageBody) else IMAGE_BYTES

    @property
    def open(self) -> list[int]:
        """Places of the objects without a line."""
        return [index for index in range(len(self.objects)) if index not in self.lines]

"""The function that works the batches of bulk runs; the state machine calls it, and nobody else."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from botocore.exceptions import BotoCoreError, ClientError

from lambdas.bulk.attempt_keys import AttemptKeys, PlaceRefused
from lambdas.bulk.batch import Batch, NotInBulk, Worker
from lambdas.bulk.outcomes import count
from lambdas.bulk.rate_limiter import QueueTooLong
from lambdas.bulk.work import give_up, work
from lambdas.common.clients import client
from lambdas.common.errors import place_of
from lambdas.common.tracing import part

logger, metrics = Logger(), Metrics()


@cache
def worker() -> Worker:
    """The worker of this deployment."""
    return Worker(
        client("s3"),
        client("sqs"),
        client("dynamodb"),
        bucket=os.environ["DATA_BUCKET"],
        table=os.environ["RUNS_TABLE"],
        queue_url=os.environ["FAILURES_QUEUE_URL"],
        calls_per_second=json.loads(os.environ["CALLS_PER_SECOND"]),
        longest_wait_seconds=float(os.environ["LONGEST_WAIT_SECONDS"]),
        keep_seconds=int(os.environ["KEEP_SECONDS"]),
        limit_usd=float(os.environ["LIMIT_USD"]),
        monthly_limit_usd=float(os.environ["MONTHLY_LIMIT_USD"]),
    )


class OurFault(Exception):
    """A fault of our own, of which nothing is told but its place in the log; the state machine tries again."""


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Works a batch, gives one up, or counts an attempt; see `work` for errors.

    Raises:
        OurFault: in the place of any other, whose words Lambda would log: they may repeat what an object holds.
    """
    run = event["run"]
    try:
        if "batch" in event:
            return handle_batch(event, context)
        return count(worker(), AttemptKeys(run["id"], run["attempt"]), run["objects"])
    except (QueueTooLong, NotInBulk, PlaceRefused, ClientError, BotoCoreError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its words do not leave
        logger.error("failed", extra={"run": run["id"], **place_of(error)})
        raise OurFault("A fault of our own; the log has its place.") from None


@metrics.log_metrics
def handle_batch(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Works a batch or gives one up, with its metrics; an attempt's count has none."""
    batch = Batch.of(event)
    with part(batch.operation.name):
        if event.get("give_up"):
            counts = give_up(worker(), batch)
        else:
            counts = work(worker(), batch, lambda: context.get_remaining_time_in_millis() / 1000)
    metrics.add_dimension(name="backend", value="bulk")
    for name, value in counts.items():
        metrics.add_metric(f"Bulk{name.title()}", MetricUnit.Count, value)
    logger.info(
        "batch",
        extra={"operation": batch.operation.name, "run": batch.keys.run, "batch": batch.number, **counts},
    )
    return counts

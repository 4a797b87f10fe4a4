"""One batch of a bulk run: every object of it ends in exactly one line, done or failed, that is written once."""

from __future__ import annotations

from collections.abc import Callable

from lambdas.bulk.asking import called_of, calls_of, rate_of
from lambdas.bulk.batch import Batch, Worker
from lambdas.bulk.calls import ask_all
from lambdas.bulk.outcomes import settle_counts, write, written
from lambdas.bulk.progress import kept, lease
from lambdas.bulk.rate_limiter import RateLimiter
from lambdas.bulk.reading import read_all
from lambdas.common.errors import unavailable
from lambdas.common.operations import Operation


def work(worker: Worker, batch: Batch, remaining_seconds: Callable[[], float]) -> dict[str, int]:
    """Ends every object of the batch, and counts them. What was answered before is not asked about again.

    Raises:
        QueueTooLong: when the batch has to come back later, because too many calls wait or another worker has it;
            nothing of it was asked or charged.
        ClientError, BotoCoreError: when S3, SQS or DynamoDB do not answer; then the same batch may be worked again.
    """
    held = worker.dynamodb, worker.table, batch.keys.lease(batch.number)
    with lease(*held, worker.now(), remaining_seconds(), worker.keep_seconds):
        lines = written(worker, batch)
        if lines is None:
            resume(worker, batch)
            rate_limiter = rate_limiter_of(worker, batch.operation)
            contents = read_all(worker, batch, remaining_seconds)
            calls = calls_of(batch.operation, contents)
            first = worker.now() + (rate_limiter.book(len(calls)) if calls else 0.0)
            ask_all(worker, batch, calls, rate_limiter, first, remaining_seconds)
            lines = write(worker, batch)
    return settle_counts(worker, batch, lines)


def give_up(worker: Worker, batch: Batch) -> dict[str, int]:
    """Ends a batch whose worker failed again and again: what was not answered is failed, and can be redriven."""
    lines = written(worker, batch)
    if lines is None:
        resume(worker, batch)
        batch.fail(
            batch.open, unavailable("WorkerFailed", "The worker of this batch did not come to its end.")
        )
        lines = write(worker, batch)
    return settle_counts(worker, batch, lines)


def resume(worker: Worker, batch: Batch) -> None:
    """Takes over what workers that died were told."""
    batch.lines |= kept(worker.s3, worker.bucket, batch.keys, batch.number)


def rate_limiter_of(worker: Worker, operation: Operation) -> RateLimiter:
    """The token bucket of what the operation calls, shared by all runs of the deployment."""
    name = f"{operation.service}#{called_of(operation).api}"
    rate = rate_of(worker.calls_per_second, operation)
    return RateLimiter(worker.dynamodb, worker.table, name, rate, worker.longest_wait_seconds, worker.now)

"""Makes a batch's calls at their rate and within the run's money."""

from __future__ import annotations

from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.bulk.asking import Content, Outcome, ask, failed
from lambdas.bulk.batch import CLOSING_SECONDS, LATE, PAUSE_SECONDS, TRIES, Batch, Worker
from lambdas.bulk.charges import budgets, price, usd_of
from lambdas.bulk.progress import keep
from lambdas.bulk.rate_limiter import QueueTooLong, RateLimiter
from lambdas.common.errors import RequestRefused, unavailable
from lambdas.common.spending import SPENT, reserve

THROTTLED = "ServiceThrottled"


def ask_all(
    worker: Worker,
    batch: Batch,
    calls: list[list[Content]],
    rate_limiter: RateLimiter,
    first: float,
    remaining_seconds: Callable[[], float],
) -> None:
    """Makes the calls at their rate, those that may succeed later again, and ends every object.

    From the first call on nothing may end this early: what was answered was charged, and has to be written.
    """
    refused: dict[int, RequestRefused] = {}
    for _ in range(TRIES):
        again: list[list[Content]] = []
        for number, contents in enumerate(calls):
            wait = max(0.0, first + number * rate_limiter.interval_seconds - worker.now())
            if remaining_seconds() - wait < CLOSING_SECONDS:
                break
            worker.sleep(wait)
            if left := make_call(worker, batch, contents, rate_limiter, refused):
                again.append(left)
        if not again or remaining_seconds() < CLOSING_SECONDS:
            break
        try:
            calls, first = again, worker.now() + rate_limiter.book(len(again))
        except (QueueTooLong, ClientError, BotoCoreError):
            break
    for index in batch.open:
        batch.fail([index], refused.get(index, LATE))


def make_call(
    worker: Worker,
    batch: Batch,
    contents: list[Content],
    rate_limiter: RateLimiter,
    refused: dict[int, RequestRefused],
) -> list[Content]:
    """One call within the run's money; returns what may be asked about again, with its reasons in `refused`."""
    usd = price(batch, contents)
    indices = [content.index for content in contents]
    if usd is None and batch.operation.price is not None:
        batch.fail(
            indices, RequestRefused(422, "PriceUnknown", "Nobody confirmed the price, so no limit holds it.")
        )
        return []
    try:
        reserved = reserve(budgets(worker, batch) if usd else [], usd or 0.0)
    except RequestRefused as error:
        if error.is_final or error.code == SPENT:
            batch.fail(indices, RequestRefused(503, "LimitReached", "The run may cost no more."))
            return []
        unknown = unavailable("LimitUnknown", "What the run has cost cannot be told just now.")
        refused |= dict.fromkeys(indices, unknown)
        return contents
    asked = ask(batch.operation, batch.query, contents)
    usd_of_retries = (usd or 0.0) * asked.retries
    outcomes = asked.outcomes
    now_refused = {
        index: outcome for index, outcome in outcomes.items() if isinstance(outcome, RequestRefused)
    }
    refused |= now_refused
    ended: dict[int, Outcome] = {}
    for content in contents:
        outcome = outcomes[content.index]
        if not isinstance(outcome, RequestRefused):
            ended[content.index] = outcome
        elif not outcome.may_pass:
            ended[content.index] = failed(content.about, outcome)
    batch.lines |= ended
    if ended:
        # Before the next call, and before the money is settled: from here on no worker asks about these again.
        unless_unreachable(lambda: keep(worker.s3, worker.bucket, batch.keys, batch.number, ended))
    reserved.settle(usd_of(batch, contents, now_refused) + usd_of_retries)
    if any(error.code == THROTTLED for error in now_refused.values()):
        unless_unreachable(lambda: rate_limiter.push_back(PAUSE_SECONDS))
    return [content for content in contents if content.index not in batch.lines]


def unless_unreachable(run: Callable[[], None]) -> None:
    """Does what makes a run cheaper or gentler, but is not worth an answer that was charged."""
    try:
        run()
    except (ClientError, BotoCoreError):
        return

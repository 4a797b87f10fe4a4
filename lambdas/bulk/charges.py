"""What the calls of a bulk run cost, and what pays for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from lambdas.bulk.asking import Content
from lambdas.bulk.batch import Batch, Worker
from lambdas.common.bodies import TextBody
from lambdas.common.budget import MONTH, RUN, Budget
from lambdas.common.clients import ATTEMPTS
from lambdas.common.costs import cost_of, price_of, text_units
from lambdas.common.errors import RequestRefused
from lambdas.common.options import read_options
from lambdas.common.spending import BULK_RUNS

# How often the service may have charged a call that failed: once for each try without an answer, and once for an
# answer that could not be read.
MAYBE_CHARGED = {"ServiceUnreachable": ATTEMPTS, "AnswerUnreadable": 1}


def usd_of(batch: Batch, contents: list[Content], refused: Mapping[int, RequestRefused]) -> float:
    """What a call may have been charged for its objects, beside its tries before the answer.

    What the service refused it does not charge; each try of a call that was lost on the way may have been charged.
    """
    usd = 0.0
    for content in contents:
        tries = MAYBE_CHARGED.get(refused[content.index].code, 0) if content.index in refused else 1
        usd += tries * (price(batch, [content]) or 0.0)
    return usd


def price(batch: Batch, contents: list[Content]) -> float | None:
    """What a call about these costs at the list price; None where it has no price."""
    units = len(contents)
    if isinstance(batch.operation.body, TextBody):
        units = sum(text_units(content.body.decode("utf-8", "replace")) for content in contents)
    options = read_options(batch.operation.options, {"queryStringParameters": dict(batch.query)})
    return cost_of(price_of(batch.operation, options), batch.operation.unit, units).usd


def budgets(worker: Worker, batch: Batch) -> list[Budget]:
    """What pays for a call: the run, whose attempts share what it was allowed, the execution, and all runs of a month.

    Whoever starts an execution chooses the run's id and limit. The other two are the deployment's own.
    """
    held = partial(
        Budget, worker.dynamodb, worker.table, now=lambda: datetime.fromtimestamp(worker.now(), UTC)
    )
    of_run = worker.limit_usd if batch.limit_usd is None else min(batch.limit_usd, worker.limit_usd)
    return [
        held(f"money#{batch.keys.run}", of_run, period=RUN),
        held(f"money#{batch.execution}", worker.limit_usd, period=RUN),
        held(BULK_RUNS, worker.monthly_limit_usd, period=MONTH),
    ]

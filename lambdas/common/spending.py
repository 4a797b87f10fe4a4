"""What asking a managed service may cost: nothing is asked that a caller's or the deployment's budget does not hold."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from lambdas.common.answers import retries_of
from lambdas.common.budget import Budget, Reservation
from lambdas.common.callers import payer_of
from lambdas.common.clients import ATTEMPTS, table_client
from lambdas.common.errors import RequestRefused, unavailable

Found = TypeVar("Found")
CALLER, DEPLOYMENT = "caller", "deployment"
# The budget of all bulk runs of a month.
BULK_RUNS = "money"
WHOSE = {CALLER: "Your", DEPLOYMENT: "The deployment's"}
SPENT = "BudgetSpent"
SPENT_STATUS = 429
UNKNOWN = "BudgetUnknown"
# From here on somebody is told, by an alarm on this metric.
TOLD_FROM_SHARE = 0.5
METRIC = "SpentPercent"
# Of whose money it is told, by the metric's dimension `service`.
TOLD_OF = {DEPLOYMENT: "spending", BULK_RUNS: "bulk-spending"}


@dataclass(frozen=True)
class Money:
    """What was set aside for one call, in each of the budgets that pay for it."""

    reservations: tuple[Reservation, ...] = ()

    def settle(self, usd: float) -> None:
        """Gives back what was not spent; where that fails, the budget is only smaller than it need be."""
        for reservation in self.reservations:
            try:
                reservation.settle(usd)
            except (ClientError, BotoCoreError):
                # The next would take as long to fail, and the answer waits.
                return


def budgets_of(
    event: dict[str, Any], name: str | None = None, monthly_usd: float | None = None
) -> list[Budget]:
    """The budgets that pay for a request to a managed service; none where the deployment bounds nothing.

    Args:
        event: the request.
        name: of the operation whose policy pays too.
        monthly_usd: what that policy allows.
    """
    limits = json.loads(os.environ.get("SPENDING", "{}"))
    payers = {CALLER: f"{CALLER}#{payer_of(event)}", DEPLOYMENT: DEPLOYMENT}
    wanted = [
        (payers[who], usd, period) for who in payers for period, usd in sorted(limits.get(who, {}).items())
    ]
    if name is not None and monthly_usd is not None:
        wanted.append((name, monthly_usd, "month"))
    return [
        Budget(table_client(), os.environ["BUDGET_TABLE"], payer, usd, period=period)
        for payer, usd, period in wanted
    ]


def price_to_hold(usd: float | None, units: int, *, exact: bool) -> float:
    """What one try is counted as, in US dollars: its price, or where nobody confirmed one the setting's.

    Args:
        usd: the price; None where it is unknown.
        units: that the call is charged for.
        exact: whether a budget has to hold the very price.

    Raises:
        RequestRefused: 503 when it is unknown and may not be assumed.
    """
    if usd is not None:
        return usd
    assumed = json.loads(os.environ.get("SPENDING", "{}")).get("unconfirmed_unit_usd")
    if exact or assumed is None:
        raise RequestRefused(503, UNKNOWN, "The price of this call is unknown, so no budget can hold it.")
    return assumed * units


def reserve(budgets: Iterable[Budget], usd: float) -> Money:
    """Money for a call and for each of its retries, in all budgets or in none.

    Raises:
        RequestRefused: 429 when a budget does not hold it, 503 when the table does not answer.
    """
    with ExitStack() as undo:
        made: list[Reservation] = []
        for budget in budgets:
            try:
                reservation = budget.reserve(usd * ATTEMPTS)
            except (ClientError, BotoCoreError) as error:
                raise unavailable(UNKNOWN, "The budget cannot be asked just now. Try again.") from error
            if reservation is None:
                raise spent(budget)
            made.append(reservation)
            undo.callback(Money((reservation,)).settle, 0.0)
        undo.pop_all()
    tell(made)
    return Money(tuple(made))


def spent(budget: Budget) -> RequestRefused:
    """What is said when a budget does not hold a call."""
    whose = WHOSE.get(budget.name.partition("#")[0], "The operation's")
    return RequestRefused(
        SPENT_STATUS,
        SPENT,
        f"{whose} budget for managed services does not hold this request in this {budget.period} any more.",
        retry_after_seconds=budget.seconds_left(),
    )


def tell(made: Iterable[Reservation]) -> None:
    """Counts how much of the deployment's money, and of that of its bulk runs, is gone, from half on."""
    shares: dict[str, float] = {}
    for reservation in made:
        if reservation.budget.name in TOLD_OF and reservation.share >= TOLD_FROM_SHARE:
            shares[reservation.budget.name] = max(reservation.share, shares.get(reservation.budget.name, 0.0))
    if not shares:
        return
    # Who only deploys has no Powertools.
    from aws_lambda_powertools.metrics import MetricUnit, single_metric

    for name, share in shares.items():
        with single_metric(name=METRIC, unit=MetricUnit.Percent, value=round(share * 100, 1)) as metric:
            metric.add_dimension("service", TOLD_OF[name])
            metric.add_dimension("environment", json.loads(os.environ["SPENDING"])["environment"])


def paid(money: Money, usd: float, call: Callable[[], Found], charged: Callable[[Found], float]) -> Found:
    """What a call returns, after which its money holds what it was charged.

    Args:
        money: for the call and its retries.
        usd: what one try costs.
        call: asks the service.
        charged: what was, by the answer.

    Raises:
        RequestRefused, ClientError, BotoCoreError: what `call` or `charged` raises. After the last one nobody knows
            whether the service answered and charged: the money stays reserved.
    """
    try:
        answer = call()
    except RequestRefused:
        money.settle(0.0)
        raise
    except ClientError as error:
        # The service said no, which it does not charge; a try before it may have been lost on the way back.
        money.settle(usd * retries_of(cast(Any, error).response))
        raise
    money.settle(charged(answer))
    return answer

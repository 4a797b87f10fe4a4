"""A budget that cannot be exceeded: money is reserved, by one conditional write, before it can be spent."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

# Whole numbers add up exactly: the smallest price is 25 of these.
PER_USD = 1_000_000_000
# RUN is the whole of a bulk run, however long it takes.
HOUR, MONTH, RUN = "hour", "month", "run"
# How a period is written, and how long its sum is kept.
WRITTEN = {HOUR: "%Y-%m-%dT%H", MONTH: "%Y-%m", RUN: "all"}
KEEP_SECONDS = {HOUR: 2 * 24 * 3600, MONTH: 400 * 24 * 3600, RUN: 400 * 24 * 3600}


def utc_now() -> datetime:
    """The present time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Budget:
    """Somebody's money for each hour or calendar month (UTC), or for one run.

    Attributes:
        dynamodb: a boto3 client.
        table: with the string key `id`.
        name: whose budget it is.
        usd: US dollars a period.
        now: the present time.
        period: hour, month or run.
    """

    dynamodb: Any
    table: str
    name: str
    usd: float
    now: Callable[[], datetime] = utc_now
    period: str = MONTH

    def reserve(self, usd: float) -> Reservation | None:
        """Sets an amount aside; None when the period's budget does not hold it any more.

        Raises:
            ClientError, BotoCoreError: when the table cannot be asked; then nothing may be spent.
        """
        amount, most = units(usd, up=True), units(self.usd)
        if amount > most:
            return None
        moment = self.now()
        item = f"{self.name}#{moment.strftime(WRITTEN[self.period])}"
        try:
            updated = self.dynamodb.update_item(
                TableName=self.table,
                Key={"id": {"S": item}},
                UpdateExpression="ADD reserved :amount SET expires_at = if_not_exists(expires_at, :expiry)",
                ConditionExpression="attribute_not_exists(reserved) OR reserved <= :room",
                ExpressionAttributeValues={
                    ":amount": {"N": str(amount)},
                    ":room": {"N": str(most - amount)},
                    ":expiry": {"N": str(int(moment.timestamp()) + KEEP_SECONDS[self.period])},
                },
                ReturnValues="UPDATED_NEW",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return Reservation(self, item, amount, int(updated["Attributes"]["reserved"]["N"]) / most)

    def seconds_left(self) -> int:
        """Until the next period begins."""
        now = self.now()
        if self.period == HOUR:
            start = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        else:
            first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            start = (first + timedelta(days=32)).replace(day=1)
        return int((start - now).total_seconds()) + 1


@dataclass(frozen=True)
class Reservation:
    """Money set aside in the period in which it was reserved.

    Attributes:
        budget: that holds it.
        item: the period's, in the table.
        amount: in billionths of a US dollar.
        share: of the budget that is reserved with it, 0 to 1.
    """

    budget: Budget
    item: str
    amount: int
    share: float

    def settle(self, usd: float) -> None:
        """Gives back what was reserved and not spent."""
        surplus = self.amount - units(usd, up=True)
        if surplus > 0:
            self.budget.dynamodb.update_item(
                TableName=self.budget.table,
                Key={"id": {"S": self.item}},
                UpdateExpression="ADD reserved :surplus",
                ExpressionAttributeValues={":surplus": {"N": str(-surplus)}},
            )


def units(usd: float, *, up: bool = False) -> int:
    """US dollars as whole billionths; what is spent is rounded up."""
    exact = round(usd * PER_USD, 3)
    return -int(-exact // 1) if up else int(exact)

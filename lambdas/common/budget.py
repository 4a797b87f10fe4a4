"""A month's budget that cannot be exceeded: money is reserved, by one conditional write, before it can be spent."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

# Whole numbers add up exactly: the smallest price is 25 of these.
PER_USD = 1_000_000_000
KEEP_SECONDS = 400 * 24 * 3600


def utc_now() -> datetime:
    """The present time."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Budget:
    """One operation's money for a calendar month (UTC).

    Attributes:
        dynamodb: a boto3 client.
        table: with the string key `id`.
        name: whose budget it is.
        usd: US dollars a month.
        now: the present time.
    """

    dynamodb: Any
    table: str
    name: str
    usd: float
    now: Callable[[], datetime] = utc_now

    def reserve(self, usd: float) -> Reservation | None:
        """Sets an amount aside; None when the month's budget does not hold it any more.

        Raises:
            ClientError, BotoCoreError: when the table cannot be asked; then nothing may be spent.
        """
        amount, most = units(usd, up=True), units(self.usd)
        if amount > most:
            return None
        moment = self.now()
        month = f"{self.name}#{moment:%Y-%m}"
        try:
            self.dynamodb.update_item(
                TableName=self.table,
                Key={"id": {"S": month}},
                UpdateExpression="ADD reserved :amount SET expires_at = if_not_exists(expires_at, :expiry)",
                ConditionExpression="attribute_not_exists(reserved) OR reserved <= :room",
                ExpressionAttributeValues={
                    ":amount": {"N": str(amount)},
                    ":room": {"N": str(most - amount)},
                    ":expiry": {"N": str(int(moment.timestamp()) + KEEP_SECONDS)},
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
                return None
            raise
        return Reservation(self, month, amount)


@dataclass(frozen=True)
class Reservation:
    """Money set aside in the month in which it was reserved."""

    budget: Budget
    month: str
    amount: int

    def settle(self, usd: float) -> None:
        """Gives back what was reserved and not spent."""
        surplus = self.amount - units(usd, up=True)
        if surplus > 0:
            self.budget.dynamodb.update_item(
                TableName=self.budget.table,
                Key={"id": {"S": self.month}},
                UpdateExpression="ADD reserved :surplus",
                ExpressionAttributeValues={":surplus": {"N": str(-surplus)}},
            )


def units(usd: float, *, up: bool = False) -> int:
    """US dollars as whole billionths; what is spent is rounded up."""
    exact = round(usd * PER_USD, 3)
    return -int(-exact // 1) if up else int(exact)

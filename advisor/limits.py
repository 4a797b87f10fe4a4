"""What AWS lets an account do, as dated data: quotas, hard limits, and calls a second of each operation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from advisor import tables

STATUSES = ("quoted", "secondary", "unverified")


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of AWS.

    Attributes:
        id: in the table.
        name: as AWS calls it, or what it is of.
        value: the default of an account, in `unit`.
        unit: of the value.
        adjustable: whether AWS raises it on request.
        status: how sure the value is: quoted, secondary or unverified.
        source: where it is written.
        note: what else has to be known.
    """

    id: str
    name: str
    value: float
    unit: str
    adjustable: bool
    status: str
    source: str
    note: str = ""


@cache
def limits() -> dict[str, Limit]:
    """All limits by id."""
    return {entry["id"]: Limit(**entry) for entry in tables.read("limits.toml")["limit"]}


def calls_per_second(operation: str, region: str) -> Limit | None:
    """How often an account may call an operation of Rekognition or Comprehend; None where the table has no figure.

    Args:
        operation: as the service names it, such as DetectLabels.
        region: a rate of this region comes before that of all others.
    """
    rates = [rate for rate in tables.read("limits.toml")["rate"] if operation in rate["operations"]]
    here = next((rate for rate in rates if region in rate["regions"]), None)
    rate = here or next((rate for rate in rates if not rate["regions"]), None)
    if rate is None:
        return None
    return Limit(
        f"calls_per_second.{operation}",
        f"Transactions per second of {operation} ({rate['service']}, account and region)",
        rate["calls_per_second"],
        "calls a second",
        True,
        rate["status"],
        rate["source"],
    )

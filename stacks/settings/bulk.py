"""The settings of bulk runs: how fast, how many at once, how dear."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import Field, model_validator

from lambdas.bulk.asking import OPERATIONS, called_of, calls_in_a_batch, rate_of, runs_in_bulk
from lambdas.bulk.batch import CLOSING_SECONDS
from stacks.settings.base import SettingsModel

Rate = Annotated[float, Field(gt=0, le=10_000)]
# How long a run may take. The longest that Step Functions lets an execution live is a year (its quotas).
MACHINE_TIMEOUT_DAYS = 60
# A batch's calls and their waits; Lambda's own limit is 15 minutes.
WORKER_TIMEOUT_SECONDS = 300


class BulkSettings(SettingsModel):
    """Runs over objects in the data bucket. They cost nothing while none runs."""

    calls_per_second: dict[str, Rate] = Field(
        default={"*": 5.0},
        description="Of each service's operation (DetectLabels, BatchDetectSentiment), and of all others as *. "
        "Your quotas are an upper limit; leave the API its part of them.",
    )
    workers: int = Field(4, ge=1, le=1_000, description="Batches at the same time.")
    longest_wait_seconds: int = Field(
        60, ge=1, le=120, description="How far ahead calls are booked; a batch beyond it comes back later."
    )
    limit_usd: float = Field(
        100.0, gt=0, le=10_000_000, description="No run may be allowed to cost more at the list price."
    )

    monthly_limit_usd: float = Field(
        1_000.0, gt=0, le=10_000_000, description="What all runs together may cost in a calendar month (UTC)."
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses a table without the rate of what it does not name, and rates that would hold for nothing."""
        if "*" not in self.calls_per_second:
            raise ValueError(
                "calls_per_second needs a rate for '*', of every operation that it does not name"
            )
        called = sorted({called_of(one).api or "" for one in OPERATIONS.values() if runs_in_bulk(one)})
        if unknown := sorted(set(self.calls_per_second) - {"*", *called}):
            raise ValueError(
                f"calls_per_second: no bulk run calls {', '.join(unknown)}; what they call is {', '.join(called)}"
            )
        seconds = WORKER_TIMEOUT_SECONDS - CLOSING_SECONDS - self.longest_wait_seconds
        for operation in OPERATIONS.values():
            rate = rate_of(self.calls_per_second, operation)
            if runs_in_bulk(operation) and (least := calls_in_a_batch(operation) / seconds) > rate:
                raise ValueError(
                    f"calls_per_second: at {rate:g} no worker ends a batch of {operation.name} in its time, and what "
                    f"it does not ask fails; it takes {math.ceil(least * 100) / 100:g} for {called_of(operation).api}, "
                    "or for '*', or a smaller longest_wait_seconds"
                )
        if self.limit_usd > self.monthly_limit_usd:
            raise ValueError("limit_usd, of one run, may be at most monthly_limit_usd, of all of them")
        return self

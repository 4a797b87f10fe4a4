"""What a load test found: each rate with its latencies, what an instance holds, and how many a target needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from advisor import tables
from cli.load.endpoint import Fleet
from cli.load.open_loop import ANSWERED, Step
from cli.shared.progress import money
from cli.shared.tables import new_table
from cli.shared.target import Target

# Of all requests; more of them failed is more than the endpoint holds.
MOST_FAILED = 0.001
# Of one core's time: from here on the machine that asks is what is measured.
BUSY = 0.9


@dataclass(frozen=True)
class Wanted:
    """What the endpoint shall hold.

    Attributes:
        p99_milliseconds: the latency that 99 of 100 answers shall not exceed.
        target_rate: requests a second that instances are counted for; None for none.
    """

    p99_milliseconds: float
    target_rate: float | None = None


def holds(step: Step, wanted: Wanted) -> bool:
    """Whether the endpoint held a rate: almost nothing failed, and 99 of 100 answers came in time."""
    p99 = step.milliseconds(0.99)
    return p99 is not None and p99 <= wanted.p99_milliseconds and step.failed_share <= MOST_FAILED


def held_rate(steps: Sequence[Step], wanted: Wanted) -> float | None:
    """The highest rate that was held, of those below the first that was not; None where none was."""
    held = None
    for step in sorted(steps, key=lambda step: step.rate):
        if not holds(step, wanted):
            break
        held = step.rate
    return held


def instances_for(rate: float, held: float, instances: int) -> int:
    """How many instances a rate needs, at the share of what one holds that autoscaling aims at."""
    share = tables.assumptions()["capacity"]["target_utilisation"]
    return math.ceil(rate / (held / instances * share))


def facts(steps: Sequence[Step], fleet: Fleet, wanted: Wanted) -> dict[str, Any]:
    """All of it for a program."""
    held = held_rate(steps, wanted)
    needed = None
    if held and wanted.target_rate and fleet.instance_type:
        needed = instances_for(wanted.target_rate, held, fleet.instances)
    return {
        "endpoint": asdict(fleet),
        "wanted": asdict(wanted),
        "rates": [
            {
                "rate": step.rate,
                "asked": step.asked,
                "answers_per_second": round(step.answers_per_second, 2),
                **{f"p{share}_milliseconds": step.milliseconds(share / 100) for share in (50, 90, 99)},
                "errors": {code: count for code, count in step.outcomes.items() if code != ANSWERED},
                "unanswered": step.unanswered,
                "usd_per_thousand_answers": fleet.usd_per_thousand(
                    step.answers_per_second, step.mean_seconds
                ),
                "is_held": holds(step, wanted),
                "asking_machine_was_busy": step.processor_share >= BUSY,
            }
            for step in steps
        ],
        "held_rate": held,
        "instances_for_target": needed,
    }


def table_of(measured: dict[str, Any]) -> Table:
    """The rates, a row each."""
    table = new_table("Asked a second", "Answered", "p50", "p90", "p99", "Failed", "US$ / 1,000", "Held")
    for row in measured["rates"]:
        failed = [f"{count} × {code}" for code, count in row["errors"].items()]
        if row["unanswered"]:
            failed.append(f"{row['unanswered']} without an answer")
        table.add_row(
            f"{row['rate']:g}",
            f"{row['answers_per_second']:.1f}",
            *(
                "–" if (ms := row[f"p{share}_milliseconds"]) is None else f"{ms:g} ms"
                for share in (50, 90, 99)
            ),
            ", ".join(failed) or "none",
            "unknown" if (usd := row["usd_per_thousand_answers"]) is None else f"{usd:.5f}",
            "yes" if row["is_held"] else "no",
        )
    return table


def sentences(measured: dict[str, Any], target: Target) -> list[str]:
    """What follows from the rates, and how far it can be trusted."""
    fleet, wanted, held = measured["endpoint"], measured["wanted"], measured["held_rate"]
    kind = fleet["instance_type"] or "serverless endpoint"
    said = []
    if held is None:
        said.append(
            f"It holds none of these rates within {wanted['p99_milliseconds']:g} ms (p99). Ask for less, or allow more."
        )
    elif fleet["instance_type"] is None:
        said.append(f"It holds {held:g} requests a second.")
    else:
        said.append(
            f"It holds {held:g} requests a second with {fleet['instances']} × {kind}"
            + (": no rate was too much, so it may hold more." if measured["rates"][-1]["is_held"] else ".")
        )
    if (needed := measured["instances_for_target"]) is not None:
        usd = None if fleet["usd_per_hour"] is None else fleet["usd_per_hour"] * needed
        share = tables.assumptions()["capacity"]["target_utilisation"]
        most = "at most " if measured["rates"][-1]["is_held"] else ""
        said.append(
            f"{wanted['target_rate']:g} requests a second need {most}{needed} × {kind}, each at {share:.0%} of what it "
            f"holds: {money(usd)} US dollars an hour."
        )
    if any(row["asking_machine_was_busy"] for row in measured["rates"]):
        said.append("This machine was busy with asking: the endpoint may hold more than is seen from here.")
    if fleet["captures"]:
        said.append(
            "The endpoint captures what it is asked, so these requests are in what the drift job reads."
        )
    if target.is_embedded:
        said.append(
            f"This machine stands in for the {kind}: the latencies are this machine's, the prices that instance's."
        )
    return said

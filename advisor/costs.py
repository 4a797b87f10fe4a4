"""What a candidate costs a month at a volume; a price that nobody could confirm leaves the candidate without a figure.

The model: managed operations by the item, text unit, character, minute or token; hosted custom models by the hour;
own models by the cheapest way of serving that is quick enough, plus one training a month. Its assumptions are in
``data/assumptions.toml``.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any

from advisor import tables
from advisor.billed_answers import FIELDS_OF_KIND, OWN_KINDS, Answers
from advisor.bills import Bill, MonthlyCost, Way
from advisor.charges import Lines, Straight, priced
from advisor.own_bills import own_bill
from advisor.prices import PriceTable, price_table
from advisor.problem import ON_PREMISES, Problem
from advisor.service_bills import service_lines
from advisor.tables import Candidate

PROMPT_MILLISECONDS = 1_000
# One piece of advice asks for the same bill again and again.
KNOWN_BILLS_MOST = 10_000


def monthly_cost(candidate: Candidate, problem: Problem, volume: float) -> MonthlyCost:
    """What `volume` items a month cost with this candidate."""
    return bill_of(candidate, problem).at(volume)


def bill_of(candidate: Candidate, problem: Problem) -> Bill:
    """The candidate's bill for this problem, without the ways that are not quick enough."""
    kind = candidate.billing["kind"]
    bill = known_bill(candidate.id, tuple([getattr(problem, name) for name in FIELDS_OF_KIND[kind]]))
    if kind not in OWN_KINDS:
        return bill
    if problem.data_residency == ON_PREMISES or problem.offline:
        return bill_without_network(candidate, problem, bill)
    return quick_enough(bill, problem)


def bill_without_network(candidate: Candidate, problem: Problem, bill: Bill) -> Bill:
    """An own model's bill where the predictions are made: no cloud serves it, and on premises none trains it."""
    if problem.data_residency == ON_PREMISES:
        usd = tables.assumptions()["premises"]["server_usd_per_month"]
        return Bill((fixed_way("a container on the premises", usd),), fixed_usd=bill.fixed_usd)
    usd = tables.assumptions()["premises"]["device_usd_per_month"]
    program = "a program" if candidate.family == "traditional" else "a LiteRT model"
    return Bill(
        (fixed_way(f"{program} on the device (AWS IoT Greengrass)", usd),), bill.always, bill.fixed_usd
    )


def fixed_way(serving: str, usd_per_month: float) -> Way:
    """A way of serving that costs the same at any volume."""
    return Way(Lines(Straight(0.0, usd_per_month), ()), serving)


def quick_enough(bill: Bill, problem: Problem) -> Bill:
    """The bill without the ways that take longer than an answer may; an unknown latency wants one at once."""
    limit = problem.max_latency_ms if problem.max_latency_ms is not None else PROMPT_MILLISECONDS
    ways = tuple([way for way in bill.ways if way.patience_milliseconds <= limit])
    return Bill(ways, bill.always, bill.fixed_usd)


@lru_cache(maxsize=KNOWN_BILLS_MOST)
def known_bill(candidate_id: str, answers: tuple[Any, ...]) -> Bill:
    """The bill with all its ways, remembered for nothing but the answers that it depends on."""
    candidate = tables.candidates()[candidate_id]
    names = FIELDS_OF_KIND[candidate.billing["kind"]]
    return reckon(candidate, Answers(**dict(zip(names, answers, strict=True))))


def reckon(candidate: Candidate, problem: Problem | Answers) -> Bill:
    """`known_bill` without its memory."""
    prices = price_table(problem.region)
    if candidate.billing["kind"] == "own":
        return own_bill(candidate, problem)
    if candidate.billing["kind"] == "cascade":
        return cascade_bill(candidate, problem, prices)
    lines = priced(service_lines(candidate.billing, problem), prices, bool(problem.free_tier))
    return Bill((Way(Lines.of(lines)),))


def cascade_bill(candidate: Candidate, problem: Problem | Answers, prices: PriceTable) -> Bill:
    """An own model for every item and the managed operation for the share that it is unsure of."""
    own = own_bill(candidate, problem)
    share = tables.assumptions()["item"]["cascade_share"]
    modality = "text" if problem.modality == "text" else "video" if problem.modality == "video" else "image"
    kind = {"text": "text", "video": "minute", "image": "item"}[modality]
    managed = {"kind": kind, "price": candidate.billing[f"{modality}_price"]}
    asked = priced(service_lines(managed, problem), prices, bool(problem.free_tier))
    return dataclasses.replace(own, always=own.always.and_share(asked, share))

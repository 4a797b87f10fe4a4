"""Between which bills a candidate lies while answers that its bill depends on are unknown."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from advisor import tables
from advisor.billed_answers import FIELDS_OF_KIND, OWN_KINDS
from advisor.costs import monthly_cost
from advisor.problem import ONLY_FOR, Problem
from advisor.tables import Candidate


@dataclass(frozen=True, slots=True)
class CostRange:
    """The bills of a month between which a candidate lies.

    Attributes:
        low_usd: US dollars where every unknown answer is at its cheapest.
        high_usd: where every one is at its dearest; None where a price is unknown on the way.
        depends_on: the unknown answers that change the bill, the one that changes it most first.
    """

    low_usd: float
    high_usd: float | None
    depends_on: tuple[str, ...]


def cost_range(candidate: Candidate, problem: Problem, volume: float) -> CostRange | None:
    """The range of a bill over the unknown answers' ends (`[range]` in assumptions.toml); None without any bill.

    With nothing unknown both ends are the bill, and nothing is depended on.
    """
    stated = monthly_cost(candidate, problem, volume).monthly_usd
    ends = {name: tables.assumptions()["range"][name] for name in unknown_answers(candidate, problem)}
    tried = [
        monthly_cost(candidate, problem.replace(**dict(zip(ends, values, strict=True))), volume).monthly_usd
        for values in itertools.product(*ends.values())
    ]
    known = [usd for usd in (stated, *tried) if usd is not None]
    if stated is None or not known:
        return None
    spreads = {name: spread(candidate, problem, volume, name, values) for name, values in ends.items()}
    depends_on = sorted((name for name in spreads if spreads[name]), key=lambda name: -spreads[name])
    return CostRange(min(known), None if None in tried else max(known), tuple(depends_on))


def unknown_answers(candidate: Candidate, problem: Problem) -> list[str]:
    """The answers that nobody gave, that belong to this modality and that the candidate's bill may depend on."""
    kind = candidate.billing["kind"]
    # How long an answer may take decides which ways of serving an own model are left.
    fields = (*FIELDS_OF_KIND[kind], *(("max_latency_ms",) if kind in OWN_KINDS else ()))
    return [
        name
        for name in fields
        if name in tables.assumptions()["range"]
        and getattr(problem, name) is None
        and problem.modality in ONLY_FOR.get(name, (problem.modality,))
    ]


def spread(candidate: Candidate, problem: Problem, volume: float, name: str, values: list[Any]) -> float:
    """By how many US dollars one answer changes the bill while the others stay unknown; infinite without a price."""
    bills = [
        monthly_cost(candidate, problem.replace(**{name: value}), volume).monthly_usd for value in values
    ]
    known = [usd for usd in bills if usd is not None]
    return max(known) - min(known) if len(known) == len(bills) else float("inf")

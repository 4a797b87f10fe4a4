"""Ranks the candidates: constraints rule out, rules and costs give points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from advisor import tables
from advisor.bills import MonthlyCost
from advisor.costs import monthly_cost
from advisor.problem import Problem
from advisor.rules import facts_of, rules_of
from advisor.tables import Candidate

COST_POINTS_A_DECADE = 2.0
COST_POINTS_MOST = 4.0
# Bills below this are all the same to a decision.
SMALL_BILL_USD = 50.0
LEAST_WORK_FIRST = {family: position for position, family in enumerate(tables.FAMILIES)}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a candidate gained or lost points."""

    rule: str
    points: float
    sentence: str
    source: str


Ranked = tuple[Candidate, float, tuple[Reason, ...], MonthlyCost | None]


def rank(problem: Problem) -> tuple[list[Ranked], list[tuple[Candidate, str]]]:
    """The candidates that are left, best first, with points, reasons and cost; and those ruled out."""
    facts = facts_of(problem)
    left: list[tuple[Candidate, tuple[Reason, ...], MonthlyCost | None]] = []
    ruled_out: list[tuple[Candidate, str]] = []
    for candidate in tables.candidates_for(problem.modality, problem.task):
        cost = cost_of(candidate, problem)
        exclusion = barrier(candidate, problem, cost)
        holding = [] if exclusion else [rule for rule in rules_of(candidate.id) if rule.holds(facts)]
        exclusion = exclusion or next((rule.reason for rule in holding if rule.points is None), "")
        if exclusion:
            ruled_out.append((candidate, exclusion))
        else:
            reasons = tuple(
                Reason(rule.id, rule.points, rule.reason, rule.source)
                for rule in holding
                if rule.points is not None
            )
            left.append((candidate, reasons, cost))
    bills = known_bills(cost for _, _, cost in left)
    ranked = [
        (candidate, total, reasons, cost)
        for candidate, found, cost in left
        for reasons in [(*found, *cost_reason(cost, bills))]
        for total in [candidate.base + sum(reason.points for reason in reasons)]
    ]
    # Of equals the one comes first that leaves its caller less to look after.
    return sorted(ranked, key=lambda one: (-one[1], LEAST_WORK_FIRST[one[0].family], one[0].id)), ruled_out


def cost_of(candidate: Candidate, problem: Problem) -> MonthlyCost | None:
    """The month's cost; None where the volume is unknown."""
    if not problem.predictions_per_month:
        return None
    return monthly_cost(candidate, problem, problem.predictions_per_month)


def barrier(candidate: Candidate, problem: Problem, cost: MonthlyCost | None) -> str:
    """The sentence that rules a candidate out before any rule is asked, else empty."""
    closure = candidate.closure
    if closure and (closure.end_of_support or closure.id not in problem.existing_customer_of):
        return closure.sentence()
    longest = candidate.max_characters
    if longest and problem.characters_per_item and problem.characters_per_item > longest:
        return f"{candidate.operation} takes at most {longest:,} bytes of text."
    budget = problem.budget_usd_per_month
    if budget is None or cost is None:
        return ""
    if cost.monthly_usd is None:
        return (
            f"The price {cost.unknown} is unknown here, so that nobody can say whether the budget covers it."
        )
    if cost.monthly_usd > budget:
        return f"It costs about {cost.monthly_usd:,.0f} US dollars a month, and the budget is {budget:,.0f}."
    return ""


def known_bills(costs: Iterable[MonthlyCost | None]) -> list[float]:
    """Of the bills those that are known and not 0, from the smallest to the largest."""
    return sorted(cost.monthly_usd for cost in costs if cost and cost.monthly_usd)


def cost_reason(cost: MonthlyCost | None, bills: Sequence[float]) -> Iterator[Reason]:
    """What a candidate loses for costing more than the cheapest one that is left, if anything.

    An unknown price is taken for the dearest bill that is left, so that it is never better than a known one.

    Args:
        cost: the candidate's.
        bills: of all that are left; see `known_bills`.
    """
    if not cost or not bills:
        return
    usd = bills[-1] if cost.monthly_usd is None else cost.monthly_usd
    factor = usd / max(bills[0], SMALL_BILL_USD)
    points = round(min(COST_POINTS_MOST, COST_POINTS_A_DECADE * math.log10(max(factor, 1))), 2)
    if points:
        known = f"It costs about {usd:,.0f} US dollars a month"
        unknown = f"Its price {cost.unknown} is unknown here, and it is taken for the dearest at {usd:,.0f} US dollars"
        here = unknown if cost.monthly_usd is None else known
        sentence = f"{here}, and the cheapest that is left {bills[0]:,.0f}."
        yield Reason("costs-more", -points, sentence, "advisor/costs.py")


def first_of(problem: Problem) -> str:
    """The id of the candidate that comes first; empty where none is left."""
    ranked, _ = rank(problem)
    return ranked[0][0].id if ranked else ""

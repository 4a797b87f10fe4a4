"""Costs over the volumes, and the volume from which on one candidate is cheaper than another."""

from __future__ import annotations

from advisor.bills import Bill
from advisor.costs import bill_of
from advisor.problem import Problem
from advisor.tables import Candidate

VOLUMES = tuple(10 ** (exponent / 2) for exponent in range(4, 19))
"""Items a month, 100 to a billion, at which curves are drawn and break-evens looked for."""
BREAK_EVEN_STEPS = 40
BREAK_EVEN_TOLERANCE = 2e-5


def costs_at_volumes(candidate: Candidate, problem: Problem) -> list[float | None]:
    """US dollars a month at each of VOLUMES."""
    usd_at = bill_of(candidate, problem).usd_at
    return [usd_at(volume) for volume in VOLUMES]


def break_even(first: Candidate, second: Candidate, problem: Problem) -> float | None:
    """The lowest volume, items a month, from which on `second` is cheaper than `first`; None where there is none."""
    curves = [costs_at_volumes(candidate, problem) for candidate in (first, second)]
    return crossing(bill_of(first, problem), bill_of(second, problem), *curves)


def crossing(
    first: Bill, second: Bill, first_costs: list[float | None], second_costs: list[float | None]
) -> float | None:
    """`break_even` of two bills whose costs at VOLUMES are known already.

    The bracket around the first of VOLUMES at which the second is cheaper is narrowed by the Illinois method (Dowell
    and Jarratt 1971, BIT 11), to within BREAK_EVEN_TOLERANCE: bills are straight between their steps.
    """
    below = None
    for position, (first_cost, other) in enumerate(zip(first_costs, second_costs, strict=True)):
        if first_cost is None or other is None:
            return None
        if first_cost > other:
            if below is None:
                return None
            return narrowed(
                first, second, VOLUMES[position - 1], VOLUMES[position], below, first_cost - other
            )
        below = first_cost - other
    return None


def narrowed(first: Bill, second: Bill, low: float, high: float, below: float, above: float) -> float:
    """The volume between `low` and `high` at which the second becomes cheaper.

    Args:
        first: dearer at `high`.
        second: dearer or equal at `low`.
        low: items a month.
        high: items a month.
        below: first minus second at `low`, 0 or less.
        above: first minus second at `high`, more than 0.
    """
    side = 0
    for _ in range(BREAK_EVEN_STEPS):
        if high - low <= BREAK_EVEN_TOLERANCE * high:
            break
        share = min(max(below / (below - above), 1e-5), 1 - 1e-5)
        middle = low + (high - low) * share
        first_cost, other = first.usd_at(middle), second.usd_at(middle)
        if first_cost is None or other is None:
            # Not so where both are known at `high`: fewer items touch no more tiers.
            break
        difference = first_cost - other
        if difference > 0:
            high, above, below = middle, difference, below / 2 if side > 0 else below
            side = 1
        else:
            low, below, above = middle, difference, above / 2 if side < 0 else above
            side = -1
    return high

"""What would change the advice: single answers that put another candidate first, each found by ranking again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from advisor.break_even import VOLUMES
from advisor.problem import CHOICES, COUNTS, FIELDS, SWITCHES, Problem, ProblemError
from advisor.ranking import first_of
from advisor.rules import rules
from advisor.tables import candidates

EXAMPLES_TRIED = (0, 50, 200, 5_000)
VOLUME = "predictions_per_month"
# A volume is told with so many digits.
DIGITS = 2


@cache
def alternatives() -> dict[str, tuple[Any, ...]]:
    """For each answer the values worth trying: every choice, and both sides of every threshold of the rules."""
    values: dict[str, set[Any]] = {
        name: set(choices) for name, choices in CHOICES.items() if name not in ("modality", "task")
    }
    for name in SWITCHES:
        values[name] = {True, False}
    for _, rule in rules():
        for fact, bound in rule.tests:
            if fact in FIELDS:
                number = int(bound) if fact in COUNTS else bound
                values.setdefault(fact, set()).update({number, number - 1} if number > 1 else {number})
    values[VOLUME] = {int(volume) for volume in VOLUMES}
    # The thresholds on examples a class are reached through the number of examples.
    values["labelled_examples"].update(EXAMPLES_TRIED)
    return {name: tuple(sorted(value, key=str)) for name, value in values.items()}


def what_ifs(problem: Problem, first: str) -> Iterator[tuple[tuple[str, Any], str]]:
    """Every single changed answer that puts another candidate first, and which."""
    for name, values in alternatives().items():
        for value in values:
            winner = "" if value == getattr(problem, name) else first_with(problem, name, value)
            if winner not in (first, ""):
                yield (name, value), winner


def first_with(problem: Problem, name: str, value: Any) -> str:
    """The candidate that comes first once one answer is changed; empty where none does, or the answers contradict."""
    try:
        return first_of(problem.replace(**{name: value}))
    except ProblemError:
        return ""


def nearest_volume(problem: Problem, first: str, other: int) -> tuple[int, str]:
    """The volume nearest to the problem's at which another candidate comes first, and which.

    Args:
        problem: with a volume.
        first: the candidate that comes first now.
        other: a volume at which another does.
    """
    same, flipped = problem.predictions_per_month or 0, other
    while abs(flipped - same) > 1:
        middle = (same + flipped) // 2
        if first_with(problem, VOLUME, middle) in (first, ""):
            same = middle
        else:
            flipped = middle
    rounded = rounded_away(flipped, upwards=other > (problem.predictions_per_month or 0))
    winner = first_with(problem, VOLUME, rounded)
    return (rounded, winner) if winner not in (first, "") else (flipped, first_with(problem, VOLUME, flipped))


def rounded_away(volume: int, *, upwards: bool) -> int:
    """A volume in round figures: up, or down."""
    step = 10 ** max(0, len(str(volume)) - DIGITS)
    return -(-volume // step) * step if upwards else volume // step * step


def most_wanted(problem: Problem, flips: Mapping[tuple[str, Any], str]) -> str:
    """A sentence about the unknown whose answers flip the advice most often."""
    counts: dict[str, float] = {}
    for name, _ in flips:
        if getattr(problem, name) is None:
            counts[name] = counts.get(name, 0.0) + 1 / len(alternatives()[name])
    if not counts:
        return ""
    name = max(sorted(counts), key=counts.__getitem__)
    return f"The answer to {name} matters most: {counts[name]:.0%} of its values would put another candidate first."


def smallest_flips(
    problem: Problem, first: str, flips: Mapping[tuple[str, Any], str]
) -> Iterator[tuple[str, Any, str]]:
    """For each known answer the nearest value that flips the advice, and the candidate that comes first then."""
    nearest: dict[str, tuple[float, Any, str]] = {}
    for (name, value), winner in flips.items():
        now = getattr(problem, name)
        if now is None:
            continue
        distance = 0.0
        if not isinstance(now, str | bool):
            distance = abs(math.log((value + 1) / (now + 1)))
        if name not in nearest or distance < nearest[name][0]:
            nearest[name] = (distance, value, winner)
    for name, (_, value, winner) in nearest.items():
        if name == VOLUME:
            value, winner = nearest_volume(problem, first, value)
        yield name, value, winner


def sentence_of(problem: Problem, name: str, value: Any, winner: str) -> str:
    """A flip as a sentence."""
    title = candidates()[winner].title
    return f"If {name} were {show(value)} (it is {show(getattr(problem, name))}), {title} would come first."


def show(value: Any) -> str:
    """An answer in a sentence."""
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)

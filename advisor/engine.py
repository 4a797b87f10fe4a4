"""The advice for a problem: the ranked options with their reasons, costs and risks, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from advisor import tables
from advisor.bills import MonthlyCost
from advisor.break_even import costs_at_volumes, crossing
from advisor.costs import bill_of, monthly_cost
from advisor.counterfactuals import most_wanted, sentence_of, smallest_flips, what_ifs
from advisor.problem import CHOICES, ON_PREMISES, Problem, ProblemError
from advisor.ranges import CostRange, cost_range
from advisor.ranking import Reason, rank
from advisor.tables import Candidate

# Below this difference the first two are as good as each other by these rules.
CLOSE_CALL_POINTS = 1.0


@dataclass(frozen=True, slots=True)
class AdvisedOption:
    """One candidate that is left, with what speaks for it and against it."""

    id: str
    family: str
    service: str
    operation: str
    points: float
    reasons_for: tuple[Reason, ...]
    reasons_against: tuple[Reason, ...]
    serving: str
    instance_family: str
    usd_per_month: float | None
    usd_per_thousand: float | None
    unknown_price: str
    cost_range: CostRange | None
    risks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BreakEven:
    """From `volume` items a month on, `above` costs less than `below`."""

    below: str
    above: str
    volume: float


@dataclass(frozen=True, slots=True)
class Advice:
    """The answer.

    Attributes:
        options: best first.
        ruled_out: candidate's id and the sentence that excludes it.
        close_call: whether a bake-off has to decide between the first two.
        most_wanted: the unknown that could change the advice most, as a sentence; empty when none could.
        counterfactuals: sentences; each names a change of one answer that puts another candidate first.
        break_evens: of every pair of options with one, whatever their rank.
    """

    options: tuple[AdvisedOption, ...]
    ruled_out: tuple[tuple[str, str], ...]
    close_call: bool
    most_wanted: str
    counterfactuals: tuple[str, ...]
    break_evens: tuple[BreakEven, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def recommend(problem: Problem) -> Advice:
    """The advice for a problem whose modality and task are known.

    Raises:
        ProblemError: when modality or task is missing: without them there is nothing to choose between.
    """
    for name in ("modality", "task"):
        if getattr(problem, name) is None:
            raise ProblemError(name, f"is needed: say one of {', '.join(CHOICES[name])}.")
    ranked, ruled_out = rank(problem)
    options = tuple(option(candidate, reasons, cost, problem) for candidate, _, reasons, cost in ranked)
    first = ranked[0][0].id if ranked else ""
    flips = dict(what_ifs(problem, first))
    crossings = tuple(break_evens(problem, [candidate for candidate, *_ in ranked]))
    return Advice(
        options,
        tuple((candidate.id, sentence) for candidate, sentence in ruled_out),
        len(options) > 1 and options[0].points - options[1].points < CLOSE_CALL_POINTS,
        most_wanted(problem, flips),
        tuple(sentence_of(problem, *flip) for flip in smallest_flips(problem, first, flips)),
        crossings,
    )


def option(
    candidate: Candidate, reasons: tuple[Reason, ...], cost: MonthlyCost | None, problem: Problem
) -> AdvisedOption:
    """One candidate as it is shown."""
    volume = problem.predictions_per_month or 0
    own = "own" in candidate.kinds
    # Without a volume the way of serving is that of a small load; the instance follows from it.
    shown = cost or (monthly_cost(candidate, problem, 10_000) if own else None)
    between = cost_range(candidate, problem, volume) if cost else None
    return AdvisedOption(
        candidate.id,
        candidate.family,
        candidate.service,
        candidate.operation,
        round(candidate.base + sum(reason.points for reason in reasons), 2),
        tuple(reason for reason in reasons if reason.points > 0),
        tuple(reason for reason in reasons if reason.points < 0),
        shown.serving if shown else "",
        shown.instance_family if shown else "",
        cost.monthly_usd if cost else None,
        cost.per_thousand(volume) if cost else None,
        cost.unknown if cost else "",
        between,
        tuple(risks(candidate, problem, cost, between)),
    )


def risks(
    candidate: Candidate, problem: Problem, cost: MonthlyCost | None, between: CostRange | None
) -> Iterator[str]:
    """What can go wrong with a candidate that is left."""
    if candidate.closure:
        yield f"{candidate.closure.sentence()} An existing customer has to move sooner or later."
    if cost and cost.unknown:
        yield f"The price {cost.unknown} is unknown here, so nobody can say what it costs."
    if between and between.depends_on:
        yield sentence_of_range(between)
    if "own" in candidate.kinds:
        if problem.data_residency == ON_PREMISES:
            yield "Training on SageMaker would move the data there: train on the premises, where the same code runs."
        yield "A model ages: it wants monitoring, new labels and training from time to time."
        if problem.labelled_examples is None:
            yield "Nobody said how many labelled examples there are."
        if cost is None and problem.upkeep_usd_per_month is None:
            usd = tables.assumptions()["upkeep"]["usd_per_month"]
            yield f"Looking after it is counted with {usd:,.0f} US dollars a month, which is an assumption."
    if candidate.family in ("managed", "foundation"):
        yield "The vendor can change the model behind the operation; keep a test set and repeat it."


def sentence_of_range(between: CostRange) -> str:
    """Between which bills a candidate lies, and which unknown answers decide."""
    low = f"{between.low_usd:,.0f}"
    high = "an unknown price" if between.high_usd is None else f"{between.high_usd:,.0f}"
    return (
        f"A month costs between {low} and {high} US dollars: it depends on {' and '.join(between.depends_on)}, which "
        "nobody said."
    )


def break_evens(problem: Problem, left: list[Candidate]) -> Iterator[BreakEven]:
    """Of every pair of the candidates that are left, the volume from which on the second is cheaper than the first."""
    bills = {candidate.id: bill_of(candidate, problem) for candidate in left}
    curves = {candidate.id: costs_at_volumes(candidate, problem) for candidate in left}
    for first in bills:
        for second in bills:
            volume = crossing(bills[first], bills[second], curves[first], curves[second])
            if volume is not None:
                yield BreakEven(first, second, volume)


def sentence_of_break_even(break_even: BreakEven) -> str:
    """From which volume on another candidate is cheaper."""
    above, below = (tables.candidates()[name].title for name in (break_even.above, break_even.below))
    return f"Above {break_even.volume:,.0f} items a month {above} costs less than {below}."

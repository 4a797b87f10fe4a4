"""Ranks the candidates: constraints rule out, rules and costs rank, and what-ifs say what would flip the advice."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from advisor import tables
from advisor.billed_answers import COST_FIELDS, depends_on
from advisor.bills import Cost
from advisor.break_even import costs_at_volumes, crossing
from advisor.conditions import Predicate, compile_condition, thresholds
from advisor.costs import bill_of, monthly_cost
from advisor.problem import (
    CHOICES,
    CONTRADICTING,
    COUNTS,
    FIELDS,
    SWITCHES,
    Problem,
    ProblemError,
    contradiction,
)
from advisor.tables import Candidate

DERIVED_FACTS = ("examples_per_class", "accuracy_gap")
COST_POINTS_A_DECADE = 2.0
COST_POINTS_MOST = 4.0
# Bills below this are all the same to a decision.
SMALL_BILL_USD = 50.0
EXAMPLES_TRIED = (0, 50, 200, 5_000)
# Below this difference the first two are as good as each other by these rules.
CLOSE_CALL_POINTS = 1.0


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of ``data/rules.toml``; `points` is None for a rule that rules out."""

    id: str
    holds: Predicate = field(repr=False)
    points: float | None
    reason: str
    source: str
    tests: tuple[tuple[str, float], ...]
    facts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a candidate gained or lost points."""

    rule: str
    points: float
    sentence: str
    source: str


@dataclass(frozen=True, slots=True)
class Option:
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

    options: tuple[Option, ...]
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
        (
            *(sentence_of_break_even(one) for one in crossings if one.below == first),
            *(sentence_of(problem, *flip) for flip in smallest_flips(problem, flips)),
        ),
        crossings,
    )


@cache
def rules_of(candidate_id: str) -> tuple[Rule, ...]:
    """The rules that address a candidate, compiled."""
    kinds = tables.candidates()[candidate_id].kinds
    return tuple(rule for addressed, rule in rules() if kinds & addressed)


@cache
def rules() -> tuple[tuple[frozenset[str], Rule], ...]:
    """Every rule with the kinds of candidates it addresses.

    Raises:
        ValueError: for a condition on a fact that does not exist.
    """
    facts = frozenset((*FIELDS, *DERIVED_FACTS))
    return tuple(
        (
            frozenset(entry["candidates"]),
            Rule(
                entry["id"],
                compile_condition(entry["when"], facts, entry["id"]),
                entry.get("points"),
                entry["reason"],
                entry["source"],
                tuple(thresholds(entry["when"])),
                frozenset(entry["when"]),
            ),
        )
        for entry in tables.read("rules.toml")["rule"]
    )


def facts_of(problem: Problem) -> Mapping[str, Any]:
    """What conditions are asked of: every answer and what follows from them."""
    facts = {name: getattr(problem, name) for name in FIELDS}
    return {**facts, **derived_facts(facts)}


def derived_facts(answers: Mapping[str, Any]) -> dict[str, float | None]:
    """DERIVED_FACTS of the answers."""
    examples, classes = answers["labelled_examples"], answers["classes"]
    needed, today = answers["accuracy_needed"], answers["baseline_accuracy"]
    return {
        "examples_per_class": examples / classes if examples is not None and classes else None,
        "accuracy_gap": needed - today if needed is not None and today is not None else None,
    }


Ranked = tuple[Candidate, float, tuple[Reason, ...], Cost | None]


def rank(problem: Problem) -> tuple[list[Ranked], list[tuple[Candidate, str]]]:
    """The candidates that are left, best first, with points, reasons and cost; and those ruled out."""
    facts = facts_of(problem)
    left: list[tuple[Candidate, tuple[Reason, ...], Cost | None]] = []
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
    cheapest = cheapest_of(cost for _, _, cost in left)
    ranked = [
        (candidate, total, reasons, cost)
        for candidate, found, cost in left
        for reasons in [(*found, *cost_reason(cost, cheapest))]
        for total in [candidate.base + sum(reason.points for reason in reasons)]
    ]
    return sorted(ranked, key=lambda one: (-one[1], one[0].id)), ruled_out


def cost_of(candidate: Candidate, problem: Problem) -> Cost | None:
    """The month's cost; None where the volume is unknown."""
    if not problem.predictions_per_month:
        return None
    return monthly_cost(candidate, problem, problem.predictions_per_month)


def barrier(candidate: Candidate, problem: Problem, cost: Cost | None) -> str:
    """The sentence that rules a candidate out before any rule is asked, else empty."""
    closure = candidate.closure
    if closure and (closure.end_of_support or closure.id not in problem.existing_customer_of):
        return closure.sentence()
    longest = candidate.max_characters
    if longest and problem.characters_per_item and problem.characters_per_item > longest:
        return f"{candidate.operation} takes at most {longest:,} bytes of text."
    budget = problem.budget_usd_per_month
    if budget is not None and cost and cost.monthly_usd is not None and cost.monthly_usd > budget:
        return f"It costs about {cost.monthly_usd:,.0f} US dollars a month, and the budget is {budget:,.0f}."
    return ""


def cheapest_of(costs: Iterable[Cost | None]) -> float:
    """The smallest known bill; 0 where none is known."""
    return min([cost.monthly_usd for cost in costs if cost and cost.monthly_usd], default=0.0)


def cost_points(cost: Cost | None, cheapest: float) -> float:
    """What a candidate loses for costing more than the cheapest one that is left; 0 or less."""
    if not cost or cost.monthly_usd is None or cost.monthly_usd <= max(cheapest, SMALL_BILL_USD):
        return 0.0
    factor = cost.monthly_usd / max(cheapest, SMALL_BILL_USD)
    return -round(min(COST_POINTS_MOST, COST_POINTS_A_DECADE * math.log10(factor)), 2)


def cost_reason(cost: Cost | None, cheapest: float) -> Iterator[Reason]:
    """The reason with `cost_points`, where there are any."""
    if cost and (points := cost_points(cost, cheapest)):
        here = f"It costs about {cost.monthly_usd:,.0f} US dollars a month"
        sentence = f"{here}, and the cheapest that is left {cheapest:,.0f}."
        yield Reason("costs-more", points, sentence, "advisor/costs.py")


def option(candidate: Candidate, reasons: tuple[Reason, ...], cost: Cost | None, problem: Problem) -> Option:
    """One candidate as it is shown."""
    volume = problem.predictions_per_month or 0
    own = "own" in candidate.kinds
    # Without a volume the way of serving is that of a small load; the instance follows from it.
    shown = cost or (monthly_cost(candidate, problem, 10_000) if own else None)
    return Option(
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
        tuple(risks(candidate, problem, cost)),
    )


def risks(candidate: Candidate, problem: Problem, cost: Cost | None) -> Iterator[str]:
    """What can go wrong with a candidate that is left."""
    if candidate.closure:
        yield f"{candidate.closure.sentence()} An existing customer has to move sooner or later."
    if cost and cost.unknown:
        yield f"The price {cost.unknown} is unknown here, so its cost was not compared."
    if "own" in candidate.kinds:
        yield "A model ages: it wants monitoring, new labels and training from time to time."
        if problem.labelled_examples is None:
            yield "Nobody said how many labelled examples there are."
        if problem.upkeep_usd_per_month is None:
            usd = tables.assumptions()["upkeep"]["usd_per_month"]
            yield f"Looking after it is counted with {usd:,.0f} US dollars a month, which is an assumption."
    if candidate.family in ("managed", "foundation"):
        yield "The vendor can change the model behind the operation; keep a test set and repeat it."


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
    # The thresholds on examples a class are reached through the number of examples.
    values["labelled_examples"].update(EXAMPLES_TRIED)
    return {name: tuple(sorted(found, key=str)) for name, found in values.items()}


# Besides rules, these answers decide what a candidate costs and whether it is allowed.
BARRIER_FIELDS = COST_FIELDS | {"predictions_per_month", "budget_usd_per_month", "existing_customer_of"}
FACTS_FROM = {
    "labelled_examples": ("examples_per_class",),
    "classes": ("examples_per_class",),
    "accuracy_needed": ("accuracy_gap",),
    "baseline_accuracy": ("accuracy_gap",),
}
"""The derived facts that follow from an answer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate whatever one answer is: what the rules that do not ask for it give, and those that do."""

    candidate: Candidate
    excluded: bool
    points: float
    asking: tuple[Rule, ...]


def what_ifs(problem: Problem, first: str) -> Iterator[tuple[tuple[str, Any], str]]:
    """Every single changed answer that puts another candidate first, and which.

    The same as `rank` of each changed problem, without what an answer cannot change: most rules and most costs.
    """
    facts = facts_of(problem)
    present = tables.candidates_for(problem.modality, problem.task)
    costs = {candidate.id: cost_of(candidate, problem) for candidate in present}
    barred = {one.id: bool(barrier(one, problem, costs[one.id])) for one in present}
    holding = {
        one.id: frozenset(rule.id for rule in rules_of(one.id) if rule.holds(facts)) for one in present
    }
    for name, values in alternatives().items():
        standings = [standing(one, name, holding[one.id]) for one in present]
        moves_costs, may_contradict = name in BARRIER_FIELDS, name in CONTRADICTING
        asked = {rule.id: rule for one in standings for rule in one.asking}.values()
        if not moves_costs and not asked:
            continue
        # Values between the same thresholds of the rules are one and the same to them.
        known_winners: dict[frozenset[str], str] = {}
        for value in values:
            if value == facts[name]:
                continue
            facts_then = facts_with(facts, name, value)
            # Not a Problem, whose making costs more than all that is asked of it here.
            lookalike = moves_costs or may_contradict
            changed = cast(Problem, SimpleNamespace(**facts_then)) if lookalike else problem
            if may_contradict and contradiction(changed):
                continue
            if moves_costs:
                costs_then = {
                    one.id: cost_of(one, changed) if depends_on(one, name) else costs[one.id]
                    for one in present
                }
                barred_then = {one.id: bool(barrier(one, changed, costs_then[one.id])) for one in present}
            else:
                costs_then, barred_then = costs, barred
            holding_then = frozenset([rule.id for rule in asked if rule.holds(facts_then)])
            winner = None if moves_costs else known_winners.get(holding_then)
            if winner is None:
                winner = winner_of(standings, holding_then, costs_then, barred_then)
                known_winners[holding_then] = winner
            if winner and winner != first:
                yield (name, value), winner


def standing(candidate: Candidate, name: str, holding_ids: frozenset[str]) -> Standing:
    """The candidate whatever the answer to `name` is, with the rules that hold now."""
    asking, others = rules_asking(candidate.id, name)
    points = 0.0
    for rule in others:
        if rule.id in holding_ids:
            if rule.points is None:
                return Standing(candidate, True, 0.0, asking)
            points += rule.points
    return Standing(candidate, False, points, asking)


@cache
def rules_asking(candidate_id: str, name: str) -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """A candidate's rules that ask for an answer or for what follows from it, and its other rules."""
    moved = {name, *FACTS_FROM.get(name, ())}
    rules_of_it = rules_of(candidate_id)
    asking = tuple(rule for rule in rules_of_it if rule.facts & moved)
    return asking, tuple(rule for rule in rules_of_it if not rule.facts & moved)


def facts_with(facts: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    """The facts after one answer was changed."""
    moved = {**facts, name: value}
    return {**moved, **derived_facts(moved)} if name in FACTS_FROM else moved


def winner_of(
    standings: list[Standing],
    holding_ids: frozenset[str],
    costs: Mapping[str, Cost | None],
    barred: Mapping[str, bool],
) -> str:
    """The id of the candidate that `rank` would put first; empty where none is left.

    Args:
        standings: of every candidate, whatever the changed answer is.
        holding_ids: of the rules that ask for the changed answer, those that hold.
        costs: after the change.
        barred: after the change.
    """
    left: list[tuple[str, float]] = []
    for one in standings:
        if one.excluded or barred[one.candidate.id]:
            continue
        points = one.points + one.candidate.base
        for rule in one.asking:
            if rule.id in holding_ids:
                if rule.points is None:
                    break
                points += rule.points
        else:
            left.append((one.candidate.id, points))
    cheapest = cheapest_of([costs[name] for name, _ in left])
    best = (math.inf, "")
    for name, points in sorted(left, key=lambda one: -one[1]):
        # A cost only takes points away, so that whoever comes now cannot win either.
        if -points > best[0]:
            break
        best = min(best, (-points - cost_points(costs[name], cheapest), name))
    return best[1]


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


def smallest_flips(problem: Problem, flips: Mapping[tuple[str, Any], str]) -> Iterator[tuple[str, Any, str]]:
    """For each known answer the nearest value that flips the advice."""
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
        yield name, value, winner


def sentence_of(problem: Problem, name: str, value: Any, winner: str) -> str:
    """A flip as a sentence."""
    return f"If {name} were {show(value)} (it is {show(getattr(problem, name))}), {winner} would come first."


def show(value: Any) -> str:
    """An answer in a sentence."""
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def break_evens(problem: Problem, left: list[Candidate]) -> Iterator[BreakEven]:
    """Of every pair of the candidates that are left, the volume from which on the second is cheaper than the first."""
    bills = {one.id: bill_of(one, problem) for one in left}
    curves = {one.id: costs_at_volumes(one, problem) for one in left}
    for first in bills:
        for second in bills:
            volume = crossing(bills[first], bills[second], curves[first], curves[second])
            if volume is not None:
                yield BreakEven(first, second, volume)


def sentence_of_break_even(one: BreakEven) -> str:
    """From which volume on another candidate is cheaper."""
    return f"Above {one.volume:,.0f} items a month {one.above} costs less than {one.below}."

"""Ranks the candidates: constraints rule out, rules and costs rank, and what-ifs say what would flip the advice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

from advisor import tables
from advisor.conditions import Predicate, compile_condition, thresholds
from advisor.costs import Cost, break_even, monthly_cost
from advisor.problem import CHOICES, COUNTS, FIELDS, SWITCHES, Problem, ProblemError
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
class Advice:
    """The answer.

    Attributes:
        options: best first.
        ruled_out: candidate's id and the sentence that excludes it.
        close_call: whether a bake-off has to decide between the first two.
        most_wanted: the unknown that could change the advice most, as a sentence; empty when none could.
        counterfactuals: sentences; each names a change of one answer that puts another candidate first.
    """

    options: tuple[Option, ...]
    ruled_out: tuple[tuple[str, str], ...]
    close_call: bool
    most_wanted: str
    counterfactuals: tuple[str, ...]

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
    flips = dict(what_ifs(problem, ranked[0][0].id if ranked else ""))
    return Advice(
        options,
        tuple((candidate.id, sentence) for candidate, sentence in ruled_out),
        len(options) > 1 and options[0].points - options[1].points < CLOSE_CALL_POINTS,
        most_wanted(problem, flips),
        (
            *break_evens(problem, ranked),
            *(sentence_of(problem, *flip) for flip in smallest_flips(problem, flips)),
        ),
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
            ),
        )
        for entry in tables.read("rules.toml")["rule"]
    )


def facts_of(problem: Problem) -> Mapping[str, Any]:
    """What conditions are asked of: every answer and what follows from them."""
    facts = {name: getattr(problem, name) for name in FIELDS}
    examples, classes = problem.labelled_examples, problem.classes
    needed, today = problem.accuracy_needed, problem.baseline_accuracy
    facts["examples_per_class"] = examples / classes if examples is not None and classes else None
    facts["accuracy_gap"] = needed - today if needed is not None and today is not None else None
    return facts


Ranked = tuple[Candidate, float, tuple[Reason, ...], Cost | None]


def rank(problem: Problem) -> tuple[list[Ranked], list[tuple[Candidate, str]]]:
    """The candidates that are left, best first, with points, reasons and cost; and those ruled out."""
    facts = facts_of(problem)
    left, ruled_out = [], []
    for candidate in tables.candidates_for(problem.modality, problem.task):
        cost = None
        if problem.predictions_per_month:
            cost = monthly_cost(candidate, problem, problem.predictions_per_month)
        exclusion, reasons = judge(candidate, problem, facts, cost)
        if exclusion:
            ruled_out.append((candidate, exclusion))
        else:
            left.append((candidate, reasons, cost))
    priced = [cost.monthly_usd for _, _, cost in left if cost and cost.monthly_usd]
    ranked = [
        (candidate, total, reasons, cost)
        for candidate, found, cost in left
        for reasons in [(*found, *cost_reason(cost, min(priced, default=0.0)))]
        for total in [candidate.base + sum(reason.points for reason in reasons)]
    ]
    return sorted(ranked, key=lambda one: (-one[1], one[0].id)), ruled_out


def judge(
    candidate: Candidate, problem: Problem, facts: Mapping[str, Any], cost: Cost | None
) -> tuple[str, tuple[Reason, ...]]:
    """The sentence that rules a candidate out, else empty; and the reasons with their points."""
    closure = candidate.closure
    if closure and (closure.end_of_support or closure.id not in problem.existing_customer_of):
        return closure.sentence(), ()
    longest = candidate.max_characters
    if longest and problem.characters_per_item and problem.characters_per_item > longest:
        return f"{candidate.operation} takes at most {longest:,} bytes of text.", ()
    budget = problem.budget_usd_per_month
    if budget is not None and cost and cost.monthly_usd is not None and cost.monthly_usd > budget:
        return (
            f"It costs about {cost.monthly_usd:,.0f} US dollars a month, and the budget is {budget:,.0f}.",
            (),
        )
    reasons = []
    for rule in rules_of(candidate.id):
        if rule.holds(facts):
            if rule.points is None:
                return rule.reason, ()
            reasons.append(Reason(rule.id, rule.points, rule.reason, rule.source))
    return "", tuple(reasons)


def cost_reason(cost: Cost | None, cheapest: float) -> Iterator[Reason]:
    """What a candidate loses for costing more than the cheapest one that is left."""
    if not cost or cost.monthly_usd is None:
        return
    factor = max(cost.monthly_usd, SMALL_BILL_USD) / max(cheapest, SMALL_BILL_USD)
    if factor <= 1:
        return
    points = -min(COST_POINTS_MOST, COST_POINTS_A_DECADE * math.log10(factor))
    sentence = f"It costs about {cost.monthly_usd:,.0f} US dollars a month, the cheapest that is left {cheapest:,.0f}."
    yield Reason("costs-more", round(points, 2), sentence, "advisor/costs.py")


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
    values: dict[str, set] = {
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


def what_ifs(problem: Problem, first: str) -> Iterator[tuple[tuple[str, Any], str]]:
    """Every single changed answer that puts another candidate first, and which."""
    for name, values in alternatives().items():
        for value in values:
            if value == getattr(problem, name):
                continue
            try:
                changed = problem.replace(**{name: value})
            except ProblemError:
                continue
            ranked, _ = rank(changed)
            if ranked and ranked[0][0].id != first:
                yield (name, value), ranked[0][0].id


def most_wanted(problem: Problem, flips: Mapping[tuple[str, Any], str]) -> str:
    """A sentence about the unknown whose answers flip the advice most often."""
    counts: dict[str, float] = {}
    for name, _ in flips:
        if getattr(problem, name) is None:
            counts[name] = counts.get(name, 0.0) + 1 / len(alternatives()[name])
    if not counts:
        return ""
    name = max(sorted(counts), key=counts.get)
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


def break_evens(problem: Problem, ranked: list[Ranked]) -> Iterator[str]:
    """From which volume on another candidate is cheaper than the first one."""
    for other in ranked[1:]:
        volume = break_even(ranked[0][0], other[0], problem)
        if volume is not None:
            yield f"Above {volume:,.0f} items a month {other[0].id} costs less than {ranked[0][0].id}."

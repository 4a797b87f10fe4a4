"""Who won, whether that is more than chance, what to take, and whether the advisor had said so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from advisor import Problem, recommend
from bakeoff.results import Result, known
from bakeoff.splits import Split
from bakeoff.statistics import Comparison, cells_of, compare, matrix_of, value_of
from definitions.metrics import METRICS

ONE_POINT = 0.01


@dataclass(frozen=True)
class Verdict:
    """The end of a bake-off.

    Attributes:
        winner: the id of the candidate with the best score.
        runner_up: the next one; empty where only one finished.
        comparison: of the two; None without a runner-up.
        choice: the cheapest of those that are within one point of the winner and not told apart from it.
        advised: the family that the advisor puts first among those that finished.
        advised_first: the id that the advisor puts first of all.
        advice_holds: whether the best candidate of `advised` is within one point of the winner.
        sentences: the verdict in words.
    """

    winner: str
    runner_up: str
    comparison: Comparison | None
    choice: str
    advised: str
    advised_first: str
    advice_holds: bool | None
    sentences: tuple[str, ...]


def decide(
    finished: list[Result], baseline: Result | None, parts: Split, problem: Problem, metric: str
) -> Verdict:
    """The verdict by a metric over the finished candidates, without the majority class and without stand-ins.

    Args:
        finished: one at least.
        baseline: the better of those that look at no example; None where none finished.
        parts: what they answered to.
        problem: what the advisor is asked.
        metric: one of `bakeoff.statistics.METRICS`.
    """
    ranked = sorted(finished, key=lambda result: (-result.score(metric).value, result.candidate.id))
    winner, others = ranked[0], ranked[1:]
    comparisons = {result.candidate.id: compared(winner, result, parts, metric) for result in others}
    best = winner.score(metric).value
    as_good = [
        result
        for result in others
        if not comparisons[result.candidate.id].told_apart and best - result.score(metric).value <= ONE_POINT
    ]
    choice = min([winner, *as_good], key=lambda result: expense(result, metric))
    advice = recommend(problem)
    taking_part = {result.candidate.advised_as: result.candidate.family for result in finished}
    advised = next((taking_part[option.id] for option in advice.options if option.id in taking_part), "")
    best_of_family = max(
        (result.score(metric).value for result in finished if result.candidate.family == advised),
        default=None,
    )
    holds = None if best_of_family is None else best - best_of_family <= ONE_POINT
    runner_up = others[0] if others else None
    comparison = comparisons[runner_up.candidate.id] if runner_up else None
    first = advice.options[0].id if advice.options else ""
    return Verdict(
        winner=winner.candidate.id,
        runner_up=runner_up.candidate.id if runner_up else "",
        comparison=comparison,
        choice=choice.candidate.id,
        advised=advised,
        advised_first=first,
        advice_holds=holds,
        sentences=(
            sentence_of_winner(winner, runner_up, comparison, metric),
            *sentences_of_rounds(winner, ranked, parts, metric),
            *sentences_of_choice(winner, choice),
            *sentences_against_chance(winner, baseline, parts, metric),
            sentence_of_advice(first, advised, holds, first in taking_part),
        ),
    )


def compared(first: Result, second: Result, parts: Split, metric: str) -> Comparison:
    """Whether more than chance tells the two apart."""
    answers = known(first.predictions), known(second.predictions)
    return compare(*answers, parts.test.targets, parts.test_groups, len(parts.test.labels), metric)


def expense(result: Result, metric: str) -> tuple[bool, float, float, float]:
    """Orders candidates that are as good as each other: known cost, score, speed."""
    usd = result.usd_per_month
    return (
        usd is None,
        0.0 if usd is None else round(usd, 2),
        -result.score(metric).value,
        known(result.training_seconds),
    )


def sentence_of_winner(
    winner: Result, runner_up: Result | None, comparison: Comparison | None, metric: str
) -> str:
    """Who has the best score, and whether the next one is told apart from it."""
    title = winner.candidate.title
    best = "is right most often" if metric == "accuracy" else f"has the best {METRICS[metric]}"
    won = f"{title[:1].upper()}{title[1:]} {best} ({winner.score(metric).value:.4f})"
    if runner_up is None or comparison is None:
        return f"{won}; no other candidate finished."
    difference = comparison.difference
    by = (
        f"{difference.value * 100:+.2f} points against {runner_up.candidate.title} "
        f"(95 % interval {difference.low * 100:+.2f} to {difference.high * 100:+.2f}, "
        f"p = {comparison.p_value:.3g} by {comparison.method})"
    )
    if comparison.told_apart:
        return f"{won}: {by}."
    if not difference.value:
        return f"{won}, and {runner_up.candidate.title} just as well: {by}."
    return f"{won}, but chance could make that difference: {by}."


def sentences_of_rounds(winner: Result, finished: list[Result], parts: Split, metric: str) -> list[str]:
    """In how many rounds, each with another seed and other examples, the winner was the best too."""
    numbers = np.unique(parts.rounds)
    if len(numbers) == 1 or len(finished) == 1:
        return []
    won = shared = 0
    for number in numbers:
        score = score_in_round(winner, parts, number, metric)
        others = [
            score_in_round(result, parts, number, metric) for result in finished if result is not winner
        ]
        won += score >= max(others)
        shared += score == max(others)
    beside = f", in {shared} of them beside another" if shared else ""
    return [f"It was the best in {won} of {len(numbers)} rounds{beside}."]


def score_in_round(result: Result, parts: Split, number: int, metric: str) -> float:
    """A candidate's score over one round's test part; see `bakeoff.statistics` for the metrics."""
    chosen = parts.rounds == number
    answers, targets = known(result.predictions)[chosen], parts.test.targets[chosen]
    groups, classes = np.zeros(len(targets), int), len(parts.test.labels)
    (counts,), (pairs,) = cells_of(targets, [answers], classes, groups)
    return value_of(metric, matrix_of(pairs, counts, classes))


def sentences_of_choice(winner: Result, choice: Result) -> list[str]:
    """What to take when it is not the winner."""
    if choice is winner:
        return []
    return [
        f"Take {choice.candidate.title}: within one point, not told apart from the winner, and cheaper or simpler."
    ]


def sentences_against_chance(winner: Result, baseline: Result | None, parts: Split, metric: str) -> list[str]:
    """A warning when the winner learnt nothing that the class shares do not say."""
    if baseline is None:
        return []
    comparison = compared(winner, baseline, parts, metric)
    if comparison.told_apart and comparison.difference.value > 0:
        return []
    return [
        f"Nothing beats the {baseline.candidate.title} of the training part ({METRICS[metric]} "
        f"{baseline.score(metric).value:.4f}) by more than chance: these examples may not hold what tells the "
        "classes apart."
    ]


def sentence_of_advice(first: str, advised: str, holds: bool | None, took_part: bool) -> str:
    """Whether the advisor had said so."""
    if holds is None:
        return f"The advisor puts {first or 'nothing'} first, and nothing that it advises finished here."
    before = "" if took_part else f"The advisor puts {first} first, which took no part; of those that did, it"
    said = f"{before or 'The advisor'} puts {advised} first"
    return f"{said}, and so it is, within one point." if holds else f"{said}, and that does not hold here."

"""Runs the candidates one after the other within the time, and keeps what is finished when it is interrupted."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from advisor import Problem
from advisor.costs import monthly_cost
from advisor.tables import candidates as advised
from bakeoff.candidates import Absent, Competitor, candidates_for
from bakeoff.examples import Examples
from bakeoff.isolation import Outcome, run_isolated
from bakeoff.results import Result, confusion
from bakeoff.splits import Split, at_most, together
from bakeoff.statistics import score
from bakeoff.tasks import Answers, Trial
from bakeoff.time_split import rounds_of
from bakeoff.verdict import Verdict, decide
from definitions.metrics import AUTO, METRICS, metric_for
from model_code.data.splits import NAMES

# Below this a candidate has no time to start.
SECONDS_LEAST = 5.0
STOPPED = "The bake-off was stopped before it was done."


@dataclass(frozen=True)
class ContestSettings:
    """How to run.

    Attributes:
        seconds: for all candidates together.
        examples_most: a seeded choice of so many examples takes part.
        seed: of the split and of every candidate.
        own_account: ask the managed service itself, with the caller's credentials.
        metric: by which the verdict is found, one of `bakeoff.statistics.METRICS`; `auto` is the one that suits the
            classes (`definitions.metrics.metric_for`).
    """

    seconds: float
    examples_most: int = 20_000
    seed: int = 0
    own_account: bool = False
    metric: str = AUTO


class Observer(Protocol):
    """Is told how the contest goes."""

    def started(self, candidate: Competitor, seconds: float) -> None:
        """A candidate begins and has so many seconds."""

    def progressed(self, candidate: Competitor, share: float, words: str) -> None:
        """So much of a candidate's work is done."""

    def ended(self, result: Result) -> None:
        """A candidate has its result."""


@dataclass(frozen=True)
class Contest:
    """Everything that is known at the end."""

    labels: tuple[str, ...]
    modality: str
    parts: dict[str, int]
    notes: tuple[str, ...]
    results: tuple[Result, ...]
    absent: tuple[Absent, ...]
    verdict: Verdict | None
    interrupted: bool
    seconds: float
    metric: str = "accuracy"


class Runner(Protocol):
    """Runs the candidates on every round's split, as `run_all` does."""

    def __call__(
        self,
        present: list[Competitor],
        rounds: list[Split],
        problem: Problem,
        settings: ContestSettings,
        directory: Path,
        observer: Observer,
    ) -> tuple[list[Result], bool]:
        """Every candidate's result, and whether a Ctrl-C ended the contest early."""
        ...


def run(
    examples: Examples,
    problem: Problem,
    settings: ContestSettings,
    directory: Path,
    observer: Observer,
    *,
    entrants: tuple[list[Competitor], list[Absent]] | None = None,
    runner: Runner | None = None,
) -> Contest:
    """Compares the candidates for `examples`.

    Args:
        examples: labelled, of one modality.
        problem: what the advisor is asked; its volume and region price the candidates.
        settings: time, seed and size.
        directory: holds a folder of each candidate's log and model.
        observer: is told how it goes.
        entrants: who takes part; `candidates_for` decides when it is not given.
        runner: where they run, on one split; one after the other on this machine when it is not given, and then in
            the rounds of `bakeoff.time_split.rounds_of`.

    Raises:
        ComparisonRefused: before anything runs, when a comparison on this data would mean nothing.
    """
    chosen = at_most(examples, settings.examples_most, settings.seed)
    rounds = rounds_of(chosen, settings.seed, settings.seconds, single=runner is not None)
    parts = together(rounds)
    notes = list(parts.notes)
    if len(chosen) < len(examples):
        notes.append(f"{len(chosen):,} of the {len(examples):,} examples took part.")
    counts = np.bincount(chosen.targets, minlength=len(chosen.labels)).tolist()
    metric = metric_for(counts) if settings.metric == AUTO else settings.metric
    if settings.metric == AUTO and metric != "accuracy":
        notes.append(f"A class is rare, so {METRICS[metric]} decides, and not accuracy.")
    present, absent = entrants or candidates_for(examples, own_account=settings.own_account)
    started = time.monotonic()
    results, interrupted = (runner or run_all)(present, rounds, problem, settings, directory, observer)
    # A stand-in says nothing about the accuracy of its service, so it can be no winner and no choice.
    finished = [
        result
        for result in results
        if result.finished and result.candidate.family != "constant" and not result.candidate.stand_in
    ]
    baseline = max(
        (result for result in results if result.finished and result.candidate.family == "constant"),
        key=lambda result: result.score(metric).value,
        default=None,
    )
    return Contest(
        labels=examples.labels,
        modality=examples.modality,
        parts={name: len(getattr(parts, name)) for name in NAMES},
        notes=tuple(notes),
        results=tuple(results),
        absent=tuple(absent),
        verdict=decide(finished, baseline, parts, problem, metric) if finished else None,
        interrupted=interrupted,
        seconds=time.monotonic() - started,
        metric=metric,
    )


def run_all(
    present: list[Competitor],
    rounds: list[Split],
    problem: Problem,
    settings: ContestSettings,
    directory: Path,
    observer: Observer,
) -> tuple[list[Result], bool]:
    """Every candidate's result, and whether a Ctrl-C ended the contest early."""
    ends = time.monotonic() + settings.seconds
    results: list[Result] = []
    parts = together(rounds)
    for position, candidate in enumerate(present):
        waiting = sum(candidate.share for candidate in present[position:])
        # What the quick ones leave goes to those that come after them.
        seconds = (ends - time.monotonic()) * candidate.share / waiting
        if seconds < SECONDS_LEAST:
            reason = "No time was left for it; give the bake-off more minutes."
            results.append(Result(candidate, "not run", reason))
            continue
        try:
            observer.started(candidate, seconds)
            outcome = run_rounds(candidate, rounds, settings.seed, seconds, directory, observer)
            results.append(result_of(candidate, outcome, parts, problem))
            observer.ended(results[-1])
        except KeyboardInterrupt:
            results += [Result(candidate, "not run", STOPPED) for candidate in present[len(results) :]]
            return results, True
    return results, False


def run_rounds(
    candidate: Competitor,
    rounds: list[Split],
    seed: int,
    seconds: float,
    directory: Path,
    observer: Observer,
) -> Outcome:
    """What a candidate answers to the test parts of all rounds, or why it does not in one of them."""
    ends = time.monotonic() + seconds
    found: list[Answers] = []
    for number, parts in enumerate(rounds):

        def report(share: float, words: str, done: int = number) -> None:
            prefix = f"round {done + 1} of {len(rounds)}, " if len(rounds) > 1 else ""
            observer.progressed(candidate, (done + share) / len(rounds), prefix + words)

        folder = directory / (candidate.id if number == 0 else f"{candidate.id}-{number + 1}")
        folder.mkdir(parents=True, exist_ok=True)
        own = max(SECONDS_LEAST, (ends - time.monotonic()) / (len(rounds) - number))
        task = Trial(parts.train, parts.validation, parts.test, own, seed + number, folder)
        outcome = run_isolated(candidate.run, task, report)
        if outcome.answers is None:
            where = f"In round {number + 1} of {len(rounds)}: " if len(rounds) > 1 else ""
            return Outcome(None, where + outcome.reason)
        found.append(outcome.answers)
    return Outcome(joined(found))


def joined(rounds: list[Answers]) -> Answers:
    """The answers of all rounds, the test parts one behind the other; the training's mean, and the first's notes."""
    first = rounds[0]
    if len(rounds) == 1:
        return first
    return dataclasses.replace(
        first,
        predictions=np.concatenate([answers.predictions for answers in rounds]),
        training_seconds=float(np.mean([answers.training_seconds for answers in rounds])),
        latencies_ms=tuple(latency for answers in rounds for latency in answers.latencies_ms),
    )


def result_of(candidate: Competitor, outcome: Outcome, parts: Split, problem: Problem) -> Result:
    """A candidate's figures from its answers."""
    answers = outcome.answers
    if answers is None:
        return Result(candidate, "failed", outcome.reason)
    test, classes = parts.test, len(parts.test.labels)
    if answers.predictions.shape != test.targets.shape:
        reason = f"It gave {len(answers.predictions):,} answers to {len(test):,} test examples."
        return Result(candidate, "failed", reason)
    scores = score(answers.predictions, test.targets, classes, parts.test_groups)
    p50, p99 = np.percentile(answers.latencies_ms, [50, 99])
    return Result(
        candidate,
        "finished",
        **scores,
        training_seconds=answers.training_seconds,
        p50_ms=float(p50),
        p99_ms=float(p99),
        artefact_bytes=answers.artefact_bytes,
        notes=answers.notes,
        confusion=confusion(answers, test.targets, classes),
        predictions=answers.predictions,
        **priced(candidate, problem),
    )


def priced(candidate: Competitor, problem: Problem) -> dict[str, Any]:
    """The cost fields of a result; none for the baselines, which need no service."""
    volume = problem.predictions_per_month
    if not candidate.advised_as or not volume:
        return {}
    cost = monthly_cost(advised()[candidate.advised_as], problem, volume)
    return {
        "usd_per_month": cost.monthly_usd,
        "usd_per_thousand": cost.per_thousand(volume),
        "unknown_price": cost.unknown,
        "serving": cost.serving,
    }

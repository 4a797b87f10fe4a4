"""Runs the candidates one after the other within the time, and keeps what is finished when it is interrupted."""

from __future__ import annotations

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
from bakeoff.splits import Split, at_most, split
from bakeoff.statistics import score
from bakeoff.tasks import Trial
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
    """Runs the candidates on a split, as `run_all` does."""

    def __call__(
        self,
        present: list[Competitor],
        parts: Split,
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
        runner: where they run; one after the other on this machine when it is not given.

    Raises:
        ComparisonRefused: before anything runs, when a comparison on this data would mean nothing.
    """
    chosen = at_most(examples, settings.examples_most, settings.seed)
    parts = split(chosen, settings.seed)
    notes = list(parts.notes)
    if len(chosen) < len(examples):
        notes.append(f"{len(chosen):,} of the {len(examples):,} examples took part.")
    counts = np.bincount(chosen.targets, minlength=len(chosen.labels)).tolist()
    metric = metric_for(counts) if settings.metric == AUTO else settings.metric
    if settings.metric == AUTO and metric != "accuracy":
        notes.append(f"A class is rare, so {METRICS[metric]} decides, and not accuracy.")
    present, absent = entrants or candidates_for(examples, own_account=settings.own_account)
    started = time.monotonic()
    results, interrupted = (runner or run_all)(present, parts, problem, settings, directory, observer)
    # A stand-in says nothing about the accuracy of its service, so it can be no winner and no choice.
    finished = [
        result
        for result in results
        if result.finished and result.candidate.family != "constant" and not result.candidate.stand_in
    ]
    baseline = next(
        (result for result in results if result.finished and result.candidate.family == "constant"), None
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
    parts: Split,
    problem: Problem,
    settings: ContestSettings,
    directory: Path,
    observer: Observer,
) -> tuple[list[Result], bool]:
    """Every candidate's result, and whether a Ctrl-C ended the contest early."""
    ends = time.monotonic() + settings.seconds
    results: list[Result] = []
    for position, candidate in enumerate(present):
        waiting = sum(candidate.share for candidate in present[position:])
        # What the quick ones leave goes to those that come after them.
        seconds = (ends - time.monotonic()) * candidate.share / waiting
        if seconds < SECONDS_LEAST:
            reason = "No time was left for it; give the bake-off more minutes."
            results.append(Result(candidate, "not run", reason))
            continue
        folder = directory / candidate.id
        folder.mkdir(parents=True, exist_ok=True)
        task = Trial(parts.train, parts.validation, parts.test, seconds, settings.seed, folder)
        try:
            observer.started(candidate, seconds)
            outcome = run_isolated(
                candidate.run,
                task,
                lambda share, words, who=candidate: observer.progressed(who, share, words),
            )
            results.append(result_of(candidate, outcome, parts, problem))
            observer.ended(results[-1])
        except KeyboardInterrupt:
            results += [Result(candidate, "not run", STOPPED) for candidate in present[len(results) :]]
            return results, True
    return results, False


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
    """The cost fields of a result; none for the majority class, which needs no service."""
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

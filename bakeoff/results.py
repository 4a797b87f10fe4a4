"""What became of each candidate of a bake-off."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from bakeoff.candidates import Competitor
from bakeoff.statistics import Score
from bakeoff.tasks import Answers

Figure = TypeVar("Figure")


@dataclass(frozen=True)
class Result:
    """What became of one candidate; the figures are None where it did not finish.

    Attributes:
        status: `finished`, `failed` or `not run`.
        reason: a sentence where it did not finish.
        usd_per_month: at the caller's volume; None where it or a price is unknown, and `unknown_price` names that.
        confusion: rows are the truth, columns the answers, the last one for answers outside the classes.
        predictions: int [test].
    """

    candidate: Competitor
    status: str
    reason: str = ""
    accuracy: Score | None = None
    balanced_accuracy: Score | None = None
    macro_f1: Score | None = None
    training_seconds: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    artefact_bytes: int | None = None
    usd_per_month: float | None = None
    usd_per_thousand: float | None = None
    unknown_price: str = ""
    serving: str = ""
    notes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    predictions: np.ndarray | None = field(default=None, repr=False, compare=False)

    def score(self, metric: str) -> Score:
        """The figure of one of `bakeoff.statistics.METRICS`.

        Raises:
            ValueError: of a candidate that did not finish.
        """
        return known(getattr(self, metric))

    @property
    def finished(self) -> bool:
        """Whether it has figures."""
        return self.status == "finished"


def known(figure: Figure | None) -> Figure:
    """A figure of a candidate that finished.

    Raises:
        ValueError: of one that did not.
    """
    if figure is None:
        raise ValueError("A candidate that did not finish has no figures.")
    return figure


def confusion(answers: Answers, targets: np.ndarray, classes: int) -> tuple[tuple[int, ...], ...]:
    """Counts: rows are the truth, columns the answers, the last column for answers outside the classes."""
    answered = np.where(answers.predictions < 0, classes, answers.predictions)
    matrix = np.zeros((classes, classes + 1), int)
    np.add.at(matrix, (targets, answered), 1)
    return tuple(tuple(row) for row in matrix.tolist())

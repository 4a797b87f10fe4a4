"""Accuracy and macro F1 with bootstrap intervals, and whether two candidates differ on the same test examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model_code.evaluation.evaluate import confusion_matrix, macro_f1

RESAMPLES = 2_000
CONFIDENT = 0.05


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval over bootstrap resamples of the test examples (percentiles)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two candidates on the same test examples.

    Attributes:
        difference: of their accuracies, first minus second, with its paired bootstrap interval.
        p_value: two-sided, that they are equally good.
        method: how it was found.
    """

    difference: Score
    p_value: float
    method: str

    @property
    def told_apart(self) -> bool:
        """Whether the difference is more than chance makes."""
        return self.p_value < CONFIDENT


def score(
    predictions: np.ndarray, targets: np.ndarray, class_count: int, groups: np.ndarray
) -> dict[str, Score]:
    """`accuracy` and `macro_f1`; whole groups are resampled, since their members are no independent evidence.

    Args:
        predictions: int [N]; -1 is an answer outside the classes, always wrong.
        targets: int [N].
        class_count: number of classes.
        groups: int [N].
    """
    # An answer outside the classes has a column of its own.
    size = class_count + 1
    answered = np.where(predictions < 0, class_count, predictions)
    pairs = targets.astype(np.int64) * size + answered
    cells, cell_of = np.unique(pairs, return_inverse=True)
    by_group = counts_by_group(cell_of, len(cells), groups)
    rows, columns = cells // size, cells % size

    def figures(counts: np.ndarray) -> tuple[float, float]:
        matrix = np.zeros((size, size))
        matrix[rows, columns] = counts
        right = np.trace(matrix[:class_count, :class_count]) / counts.sum()
        return right, macro_f1(matrix) * size / class_count

    values = figures(by_group.sum(axis=0))
    resampled = np.array([figures(counts) for counts in resamples(by_group)])
    low, high = np.percentile(resampled, [2.5, 97.5], axis=0)
    return {
        name: Score(float(values[i]), float(low[i]), float(high[i]))
        for i, name in enumerate(("accuracy", "macro_f1"))
    }


def counts_by_group(cell_of: np.ndarray, cell_count: int, groups: np.ndarray) -> np.ndarray:
    """How many examples of each group lie in each cell, [groups, cells]."""
    _, members = np.unique(groups, return_inverse=True)
    flat = np.bincount(members * cell_count + cell_of, minlength=(int(members.max()) + 1) * cell_count)
    return flat.reshape(-1, cell_count)


def resamples(by_group: np.ndarray) -> np.ndarray:
    """Sums over RESAMPLES draws of as many groups, with replacement and a fixed seed, [RESAMPLES, cells].

    Groups that look alike are drawn together: where every group is one example, that is one draw over the cells.
    """
    kinds, sizes = np.unique(by_group, axis=0, return_counts=True)
    generator = np.random.default_rng(0)
    drawn = generator.multinomial(sizes.sum(), sizes / sizes.sum(), size=RESAMPLES)
    return drawn @ kinds


def compare(first: np.ndarray, second: np.ndarray, targets: np.ndarray, groups: np.ndarray) -> Comparison:
    """Compares two candidates' predictions, int [N] each.

    McNemar's exact test where every group is one example (McNemar 1947, Psychometrika 12); where groups hold several,
    which that test does not allow, the share of paired bootstrap resamples of groups on the other side of 0, doubled.
    """
    from scipy.stats import binomtest

    gains = (first == targets).astype(int) - (second == targets).astype(int)
    by_group = counts_by_group(gains + 1, 3, groups)
    drawn = resamples(by_group)
    differences = (drawn[:, 2] - drawn[:, 0]) / drawn.sum(axis=1)
    low, high = np.percentile(differences, [2.5, 97.5])
    difference = Score(float(gains.mean()), float(low), float(high))
    if len(by_group) == len(targets):
        won, lost = int((gains > 0).sum()), int((gains < 0).sum())
        p_value = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
        return Comparison(difference, p_value, "McNemar's exact test")
    one_sided = min((differences <= 0).mean(), (differences >= 0).mean())
    return Comparison(difference, float(min(1.0, 2 * one_sided)), "paired bootstrap over groups")


__all__ = ["Comparison", "Score", "compare", "confusion_matrix", "score"]

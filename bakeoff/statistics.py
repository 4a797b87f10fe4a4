"""Scores with intervals, and whether two candidates differ on the same test examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model_code.scores import balanced_accuracy, confusion_matrix, macro_f1

RESAMPLES = 2_000
CONFIDENT = 0.05
METRICS = ("accuracy", "balanced_accuracy", "macro_f1")
"""Those of `definitions.metrics` that need no probabilities, which the managed services do not give for every class."""


@dataclass(frozen=True)
class Score:
    """A figure with its 95 % interval, which is never of zero width."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """Two candidates on the same test examples.

    Attributes:
        difference: of their scores, first minus second, with its paired bootstrap interval (percentiles).
        p_value: two-sided, that they are equally good; above 0.
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
    """A score by each of METRICS; whole groups are resampled, since their members are no independent evidence.

    The bootstrap says how many independent examples would scatter as these groups do, and the interval is the exact
    binomial one for so many (Korn and Graubard 1998, Survey Methodology 24): resamples alone give a candidate that
    makes no mistake on ten examples an interval without a width.

    Args:
        predictions: int [N]; -1 is an answer outside the classes, always wrong.
        targets: int [N].
        class_count: number of classes.
        groups: int [N].
    """
    by_group, (pairs,) = cells_of(targets, [predictions], class_count, groups)

    def figures(counts: np.ndarray) -> list[float]:
        return [value_of(metric, matrix_of(pairs, counts, class_count)) for metric in METRICS]

    values = figures(by_group.sum(axis=0))
    variances = np.array([figures(counts) for counts in resamples(by_group)]).var(axis=0)
    return {
        name: with_interval(value, float(variance), len(by_group), len(targets))
        for name, value, variance in zip(METRICS, values, variances, strict=True)
    }


def with_interval(value: float, variance: float, groups: int, examples: int) -> Score:
    """A share with its exact interval, by its bootstrap variance over so many groups."""
    from scipy.stats import beta, norm, t

    # Groups that all scored the same say nothing of how they scatter: then each counts as one example.
    size = min(examples, value * (1 - value) / variance) if variance > 0 else groups
    # The variance is an estimate itself, and a bad one of few groups.
    size *= (norm.ppf(0.975) / t.ppf(0.975, max(1, groups - 1))) ** 2
    right, wrong = value * size, (1 - value) * size
    low = float(beta.ppf(0.025, right, wrong + 1)) if right > 0 else 0.0
    high = float(beta.ppf(0.975, right + 1, wrong)) if wrong > 0 else 1.0
    return Score(value, min(value, low), max(value, high))


def cells_of(
    targets: np.ndarray, answers: list[np.ndarray], class_count: int, groups: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """How many examples of each group have the same truth and the same answers of each candidate.

    Returns:
        The counts [groups, cells]; and for each candidate the place [cells] in its flat matrix [C, C + 1] of truths and
        answers, the last column for answers outside the classes.
    """
    size = class_count + 1
    pairs = [
        targets.astype(np.int64) * size + np.where(answered < 0, class_count, answered)
        for answered in answers
    ]
    cells, cell_of = np.unique(np.stack(pairs, axis=1), axis=0, return_inverse=True)
    return counts_by_group(cell_of.ravel(), len(cells), groups), list(cells.T)


def matrix_of(pairs: np.ndarray, counts: np.ndarray, class_count: int) -> np.ndarray:
    """One candidate's matrix [C + 1, C + 1] from the places and counts [cells] of `cells_of`; its last row is empty."""
    size = class_count + 1
    return np.bincount(pairs, counts, size**2).reshape(size, size)


def value_of(metric: str, matrix: np.ndarray) -> float:
    """One of METRICS from a matrix of `matrix_of`."""
    if metric == "accuracy":
        return float(np.trace(matrix[:-1, :-1]) / matrix.sum())
    if metric == "balanced_accuracy":
        return balanced_accuracy(matrix)
    # The mean is over the classes, and not over the answers outside them.
    return macro_f1(matrix) * len(matrix) / (len(matrix) - 1)


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


def compare(
    first: np.ndarray,
    second: np.ndarray,
    targets: np.ndarray,
    groups: np.ndarray,
    class_count: int,
    metric: str = "accuracy",
) -> Comparison:
    """Compares two candidates' predictions, int [N] each, by one of METRICS.

    Of accuracies McNemar's exact test where every group is one example (McNemar 1947, Psychometrika 12); of other
    metrics, and where groups hold several examples, which that test does not allow, the share of paired bootstrap
    resamples of groups on the other side of 0, doubled.

    Groups that test in several rounds are one group each here, so that their repeats are no further evidence.
    """
    from scipy.stats import binomtest

    by_group, places = cells_of(targets, [first, second], class_count, groups)

    def gain(counts: np.ndarray) -> float:
        one, other = (value_of(metric, matrix_of(pairs, counts, class_count)) for pairs in places)
        return one - other

    differences = np.array([gain(counts) for counts in resamples(by_group)])
    value, (low, high) = gain(by_group.sum(axis=0)), np.percentile(differences, [2.5, 97.5])
    # What so many groups that all agree leave open: they would be as they are by chance once in forty times.
    open_share = 1 - 0.025 ** (1 / len(by_group)) if low == high else 0.0
    difference = Score(value, max(-1.0, float(low) - open_share), min(1.0, float(high) + open_share))
    if metric == "accuracy" and len(by_group) == len(targets):
        gains = (first == targets).astype(int) - (second == targets).astype(int)
        won, lost = int((gains > 0).sum()), int((gains < 0).sum())
        p_value = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
        return Comparison(difference, p_value, "McNemar's exact test")
    # The data as they are count as one resample more, so that no p is 0 (Davison and Hinkley 1997, section 4.2.1).
    one_sided = (1 + min((differences <= 0).sum(), (differences >= 0).sum())) / (1 + RESAMPLES)
    return Comparison(difference, float(min(1.0, 2 * one_sided)), "paired bootstrap over groups")


__all__ = ["Comparison", "Score", "compare", "confusion_matrix", "score"]

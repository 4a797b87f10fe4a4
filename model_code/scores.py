"""Every figure of a classifier on labelled samples, of all of them or of any resample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

CALIBRATION_BINS = 15
RANKINGS = ("auc", "average_precision")
"""The metrics that look at the order of the scores alone."""


@dataclass(frozen=True)
class Predictions:
    """What a model says of N samples of C classes.

    Attributes:
        probabilities: [N, C].
        answers: the classes that it decides for, int [N]; not the likeliest ones where rare classes are preferred.
    """

    probabilities: np.ndarray
    answers: np.ndarray

    @staticmethod
    def likeliest(probabilities: np.ndarray) -> Predictions:
        """Those of a model that always answers the likeliest class."""
        return Predictions(probabilities, probabilities.argmax(axis=1))

    @property
    def scores(self) -> np.ndarray:
        """The probability of each answer, [N]."""
        return self.probabilities[np.arange(len(self.answers)), self.answers]


class Answered:
    """A model's predictions for samples whose classes are known.

    What does not change from one resample to the next, such as the order of the scores, is found once.
    """

    def __init__(self, predictions: Predictions, targets: np.ndarray) -> None:
        """Takes predictions for N samples and their classes, int [N]."""
        probabilities, answers = predictions.probabilities, predictions.answers
        self.class_count = probabilities.shape[1]
        self.targets = targets.astype(np.int64)
        self.pairs = self.targets * self.class_count + answers
        self.right = (answers == targets).astype(float)
        self.losses = -np.log(np.clip(probabilities[np.arange(len(targets)), self.targets], 1e-12, 1.0))
        self.confidence = predictions.scores
        # Of two classes both have one ranking; the rarer is the one that is looked for.
        rarer = int(np.bincount(self.targets, minlength=self.class_count).argmin())
        self.ranked_classes = [rarer] if self.class_count == 2 else range(self.class_count)
        self.places = {
            label: np.unique(-probabilities[:, label], return_inverse=True)[1].astype(np.int32)
            for label in self.ranked_classes
        }

    @property
    def ranked_numbers(self) -> int:
        """How many scores `rankings` looks at."""
        return len(self.targets) * len(self.ranked_classes)

    def figures(self, counts: np.ndarray | None = None) -> dict[str, float]:
        """All that needs no ranking: accuracy, balanced accuracy, macro F1, log loss and calibration error.

        Args:
            counts: how often each sample is in the resample, int [N]; once each where it is not given.
        """
        weights = np.ones(len(self.targets)) if counts is None else counts.astype(float)
        size, total = self.class_count, weights.sum()
        matrix = np.bincount(self.pairs, weights, size**2).reshape(size, size)
        return {
            "accuracy": float(np.trace(matrix) / total),
            "balanced_accuracy": balanced_accuracy(matrix),
            "macro_f1": macro_f1(matrix),
            "log_loss": float(self.losses @ weights / total),
            "calibration_error": calibration_error(self.confidence, self.right, weights),
        }

    def rankings(self, counts: np.ndarray | None = None) -> dict[str, float]:
        """The area under the ROC curve and the average precision: means over the classes, each against the others.

        Of two classes it is the rarer one's. A class that no sample, or every sample, is of does not count. See
        `figures` for the argument.
        """
        weights = np.ones(len(self.targets)) if counts is None else counts.astype(float)
        areas = [
            curve_areas(self.places[label], self.targets == label, weights) for label in self.ranked_classes
        ]
        known = [pair for pair in areas if pair is not None]
        auc, precision = np.mean(known, axis=0) if known else (0.5, 0.0)
        return {"auc": float(auc), "average_precision": float(precision)}


def score_of(metric: str, figures: Mapping[str, float]) -> float:
    """A metric's value on a scale from 0 to 1 of which more is better.

    Log loss becomes e to its negative: the geometric mean of the probabilities that the true classes were given.
    """
    return math.exp(-figures[metric]) if metric == "log_loss" else figures[metric]


def curve_areas(places: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[float, float] | None:
    """The area under the ROC curve and the average precision of one class; None where it or the rest is empty.

    Args:
        places: of the samples by falling score, from 0 on, the same for equal scores, int [N].
        positive: whether a sample is of the class, bool [N].
        weights: of the samples, float [N].
    """
    hits = np.bincount(places, weights * positive)
    misses = np.bincount(places, weights) - hits
    all_hits, all_misses = hits.sum(), misses.sum()
    if not all_hits or not all_misses:
        return None
    recalled, mistaken = hits.cumsum(), misses.cumsum()
    behind = all_misses - mistaken + misses / 2
    precision = np.divide(recalled, recalled + mistaken, out=np.zeros_like(recalled), where=recalled > 0)
    return float(hits @ behind / (all_hits * all_misses)), float(hits @ precision / all_hits)


def confusion_matrix(answers: np.ndarray, targets: np.ndarray, class_count: int) -> np.ndarray:
    """Counts [C, C]: rows are the truth, columns the answers."""
    pairs = targets.astype(np.int64) * class_count + answers
    return np.bincount(pairs, minlength=class_count**2).reshape(class_count, class_count)


def balanced_accuracy(matrix: np.ndarray) -> float:
    """The mean recall of the classes that occur, from counts [C, C] whose rows are the truth."""
    actual = matrix.sum(axis=1)
    present = actual > 0
    return float(np.mean(np.diag(matrix)[present] / actual[present]))


def macro_f1(matrix: np.ndarray) -> float:
    """The mean over classes of 2 TP / (2 TP + FP + FN); a class that neither occurs nor is answered counts 0."""
    true_positives = np.diag(matrix)
    denominators = matrix.sum(axis=0) + matrix.sum(axis=1)
    return float(
        np.mean(
            np.divide(2 * true_positives, denominators, out=np.zeros(len(matrix)), where=denominators > 0)
        )
    )


def calibration_error(confidence: np.ndarray, right: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Expected calibration error over CALIBRATION_BINS equal bins (Guo et al. 2017, arXiv 1706.04599).

    Args:
        confidence: in each answer, float [N].
        right: 1 where the answer was right, else 0, float [N].
        weights: of the samples, float [N]; 1 each where they are not given.
    """
    weights = np.ones(len(right)) if weights is None else weights
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=(confidence - right) * weights, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / weights.sum())

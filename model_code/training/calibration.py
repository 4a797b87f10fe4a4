"""From a network's logits to probabilities that hold, and from those to an answer that minds rare classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from definitions.metrics import AUTO, metric_for
from model_code.hyperparameters import Hyperparameters
from model_code.scores import balanced_accuracy, confusion_matrix, macro_f1

# More change nothing in the third digit of a temperature.
MOST_FITTED = 20_000
# Inverse temperatures that are tried lie between these.
COLDEST, HOTTEST = 20.0, 0.05
HALVINGS = 25
# To which power of its rarity a class is preferred; 1 is what balanced accuracy asks for where probabilities are right.
PREFERENCES = np.linspace(0.0, 1.5, 31)
OF_MATRIX = {"balanced_accuracy": balanced_accuracy, "macro_f1": macro_f1}
"""The metrics that a preference for rare classes can raise."""


@dataclass(frozen=True)
class Calibration:
    """What is done to the logits of a trained network where it is served.

    Attributes:
        temperature: the logits are divided by it.
        offsets: added to them behind that, one for each class.
        decision_weights: the class whose probability times its weight is the largest is the answer.
    """

    temperature: float
    offsets: list[float]
    decision_weights: list[float]

    @property
    def threshold(self) -> float | None:
        """The probability of the second of two classes from which on it is the answer; None of more classes."""
        if len(self.decision_weights) != 2:
            return None
        first, second = self.decision_weights
        return first / (first + second)


def unchanged(class_count: int) -> Calibration:
    """The calibration that does nothing."""
    return Calibration(1.0, [0.0] * class_count, [1.0] * class_count)


def metric_of(settings: Hyperparameters, class_counts: np.ndarray) -> str:
    """The metric by which the run's models are judged: the chosen one, or the one that suits the training classes."""
    return metric_for(class_counts.tolist()) if settings.metric == AUTO else settings.metric


def calibrate(
    logits: np.ndarray,
    targets: np.ndarray,
    *,
    class_counts: np.ndarray,
    offsets: np.ndarray,
    metric: str,
) -> Calibration:
    """Fits a calibration to samples that the network was not trained on.

    A loss with class weights teaches a network as though there were so much more of a class; offsets of the weights'
    negative logarithms take that back (Saerens, Latinne and Decaestecker 2002, Neural Computation 14), so that a
    probability is one of the data as it is. What the metric asks for rare classes is done by the decision weights.

    Args:
        logits: [N, C].
        targets: int [N].
        class_counts: of the training samples, int [C].
        offsets: of the logits, float [C].
        metric: one of `definitions.metrics.METRICS`.
    """
    inverse = inverse_temperature(logits, targets, offsets)
    # Figures that look at probabilities alone leave the answer to what suits the classes.
    decided_by = metric if metric in ("accuracy", *OF_MATRIX) else metric_for(class_counts.tolist())
    probabilities = softmax(logits * inverse + offsets)
    return Calibration(
        temperature=1.0 / inverse,
        offsets=offsets.tolist(),
        decision_weights=decision_weights(probabilities, targets, class_counts, decided_by).tolist(),
    )


def inverse_temperature(logits: np.ndarray, targets: np.ndarray, offsets: np.ndarray) -> float:
    """The factor of the logits with the least log loss (Guo et al. 2017, arXiv 1706.04599).

    Log loss is convex in it, so its slope is followed to 0. Targets are a little below 1, as in Platt (1999,
    "Probabilistic outputs for support vector machines"): a handful of right answers is no reason to be certain.
    """
    stride = -(-len(targets) // MOST_FITTED)
    logits, targets = logits[::stride].astype(np.float64), targets[::stride]
    count, class_count = logits.shape
    wanted = np.full((count, class_count), 1.0 / (class_count * (count + 2)))
    wanted[np.arange(count), targets] += 1.0 - 1.0 / (count + 2)
    low, high = np.log(HOTTEST), np.log(COLDEST)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        slope = ((softmax(logits * np.exp(middle) + offsets) - wanted) * logits).sum()
        low, high = (middle, high) if slope < 0 else (low, middle)
    return float(np.exp((low + high) / 2))


def decision_weights(
    probabilities: np.ndarray, targets: np.ndarray, class_counts: np.ndarray, metric: str
) -> np.ndarray:
    """Weights of the classes, float [C], with which the answers to these samples have the best value of a metric.

    One number is chosen, the power of a class's rarity that prefers it, so that a few samples of a rare class are
    enough; of two classes it is a threshold.
    """
    if metric == "accuracy":
        return np.ones(len(class_counts))
    rarity = class_counts.max() / class_counts
    values = [
        OF_MATRIX[metric](
            confusion_matrix((probabilities * rarity**preference).argmax(axis=1), targets, len(class_counts))
        )
        for preference in PREFERENCES
    ]
    # The middle of those that are as good as the best: its neighbours are good, too.
    best = np.flatnonzero(np.isclose(values, max(values)))
    return rarity ** PREFERENCES[best[len(best) // 2]]


def refined_loss(logits: np.ndarray, targets: np.ndarray, offsets: np.ndarray) -> float:
    """The mean log loss that is left at the best temperature.

    Networks grow too sure of themselves while they still learn; what one temperature will take back must not end
    training or choose its epoch (Berta et al. 2025, "Rethinking Early Stopping: Refine, Then Calibrate",
    arXiv 2501.19195).
    """
    inverse = inverse_temperature(logits, targets, offsets)
    return mean_loss(logits * inverse + offsets, targets)


def mean_loss(logits: np.ndarray, targets: np.ndarray) -> float:
    """The mean log loss of logits [N, C]."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(targets)), targets]))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities [N, C] of logits [N, C]."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)

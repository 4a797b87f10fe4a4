"""The metrics by which a model can be judged, and the one that suits a data set's classes."""

from __future__ import annotations

from collections.abc import Sequence

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "auc": "area under the ROC curve",
    "average_precision": "average precision",
    "log_loss": "mean likelihood (e to minus the log loss)",
}
"""By name, what its score is called in a sentence (`model_code.scores.score_of`)."""
AUTO = "auto"
# A class is rare below this share of all samples, and below this part of an even share where there are many classes.
RARE_SHARE = 0.10
RARE_PART = 0.5


def has_rare_class(counts: Sequence[int]) -> bool:
    """Whether accuracy hides what becomes of a class: the smallest of these numbers of samples is under 10 %."""
    return min(counts) < min(RARE_SHARE, RARE_PART / len(counts)) * sum(counts)


def metric_for(counts: Sequence[int]) -> str:
    """The metric that suits classes of so many samples: balanced accuracy where one of them is rare."""
    return "balanced_accuracy" if has_rare_class(counts) else "accuracy"

"""The figures of an evaluation with their spread, in the form that SageMaker's model registry shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from model_code.scores import Answered, Predictions, confusion_matrix, score_of

RESAMPLES = 1000
# Rankings of many classes and samples take long; so many numbers are ranked again in all resamples together.
MOST_RANKED = 50_000_000
FEWEST_RANKED_RESAMPLES = 20


def quality(predictions: Predictions, targets: np.ndarray, labels: Sequence[str], metric: str) -> dict:
    """Every figure, and the one that decides.

    Args:
        predictions: for N samples of C classes.
        targets: int [N].
        labels: C names.
        metric: one of `definitions.metrics.METRICS`.

    Returns:
        `multiclass_classification_metrics` or `binary_classification_metrics`, each metric with its value and the
        standard deviation and 95 % interval over bootstrap resamples; `gate`, the values alone; `metric`, and its
        `score` (`model_code.scores.score_of`).
    """
    matrix = confusion_matrix(predictions.answers, targets, len(labels))
    metrics = bootstrap(Answered(predictions, targets))
    values = {name: figure["value"] for name, figure in metrics.items()}
    # SageMaker names its F1 field for two classes f1 and for more weighted_f1; macro F1 is kept under its own name.
    problem = "binary" if len(labels) == 2 else "multiclass"
    return {
        f"{problem}_classification_metrics": {
            **metrics,
            "confusion_matrix": {
                truth: {label: int(matrix[row, column]) for column, label in enumerate(labels)}
                for row, truth in enumerate(labels)
            },
            "per_class": per_class(matrix, labels),
        },
        "gate": values,
        "metric": metric,
        "score": score_of(metric, values),
    }


def bootstrap(answered: Answered) -> dict[str, dict]:
    """The scalar figures with their spread over resamples of the samples, drawn with a fixed seed."""
    count = len(answered.targets)
    spreads = {
        **spread(answered.figures, count, RESAMPLES),
        **spread(answered.rankings, count, resamples_of(answered)),
    }
    values = {**answered.figures(), **answered.rankings()}
    return {
        name: {
            "value": value,
            "standard_deviation": float(np.std(spreads[name])),
            "interval_95": interval_95(spreads[name]),
        }
        for name, value in values.items()
    }


def resamples_of(answered: Answered) -> int:
    """How many resamples can be ranked."""
    return min(RESAMPLES, max(FEWEST_RANKED_RESAMPLES, MOST_RANKED // answered.ranked_numbers))


def spread(
    figures_of: Callable[[np.ndarray], dict[str, float]], count: int, resamples: int
) -> dict[str, list[float]]:
    """Figures of resamples of `count` samples, by name.

    Args:
        figures_of: from how often each sample is in a resample, int [count].
        count: of samples.
        resamples: how many, of a fixed seed.
    """
    generator = np.random.default_rng(0)
    resampled = [
        figures_of(np.bincount(generator.integers(0, count, count), minlength=count))
        for _ in range(resamples)
    ]
    return {name: [values[name] for values in resampled] for name in resampled[0]}


def interval_95(values: Sequence[float]) -> list[float]:
    """The bootstrap's percentile interval (Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13)."""
    return [float(bound) for bound in np.percentile(values, [2.5, 97.5])]


def per_class(matrix: np.ndarray, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of each class; 0 where the denominator is 0."""
    answered, actual, right = matrix.sum(axis=0), matrix.sum(axis=1), np.diag(matrix)
    return {
        label: {
            "precision": float(right[i] / answered[i]) if answered[i] else 0.0,
            "recall": float(right[i] / actual[i]) if actual[i] else 0.0,
            "f1": float(2 * right[i] / (answered[i] + actual[i])) if right[i] else 0.0,
            "support": int(actual[i]),
        }
        for i, label in enumerate(labels)
    }

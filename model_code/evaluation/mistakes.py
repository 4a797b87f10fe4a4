"""Samples of a test split that a person should look at: sure answers that are wrong, labels that may be wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from model_code.scores import Predictions

MOST_LISTED = 24


def worst_mistakes(predictions: Predictions, targets: np.ndarray) -> np.ndarray:
    """Positions of the wrong answers, the surest first, MOST_LISTED at most."""
    wrong = np.flatnonzero(predictions.answers != targets)
    return wrong[np.argsort(-predictions.scores[wrong], kind="stable")][:MOST_LISTED]


def suspected_labels(probabilities: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Samples whose label is likely to be wrong, by confident learning (Northcutt et al. 2021, arXiv 1911.00068).

    A class is confidently a sample's where its probability is no less than the mean that the class has over the samples
    that are labelled with it. A sample is suspected where the likeliest of its confident classes is not its label. That
    holds for samples that the model was not trained on.

    Args:
        probabilities: [N, C].
        targets: int [N].

    Returns:
        Positions of those that are suspected, the most suspected first, MOST_LISTED at most; and the class that each is
        likelier of.
    """
    counts = np.bincount(targets, minlength=probabilities.shape[1])
    own = probabilities[np.arange(len(targets)), targets]
    sums = np.bincount(targets, own, probabilities.shape[1])
    # Nothing is confidently of a class that no sample has.
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    likelier = confident.argmax(axis=1)
    suspected = np.flatnonzero((confident.max(axis=1) >= 0) & (likelier != targets))
    gaps = probabilities[suspected, likelier[suspected]] - own[suspected]
    suspected = suspected[np.argsort(-gaps, kind="stable")][:MOST_LISTED]
    return suspected, likelier[suspected]


def listed(
    predictions: Predictions, targets: np.ndarray, labels: list[str], places: list[str] | None
) -> dict[str, Any]:
    """Both as the report has them: by position in the split, and by file or row where those are known."""

    def row(position: int, **more: Any) -> dict[str, Any]:
        named = {"place": places[position]} if places else {}
        return {"position": int(position), **named, "label": labels[targets[position]], **more}

    suspected = zip(*suspected_labels(predictions.probabilities, targets), strict=True)
    return {
        "worst_mistakes": [
            row(i, answer=labels[predictions.answers[i]], score=round(float(predictions.scores[i]), 4))
            for i in worst_mistakes(predictions, targets)
        ],
        "suspected_labels": [
            row(i, likelier=labels[other], score=round(float(predictions.probabilities[i, other]), 4))
            for i, other in suspected
        ],
    }

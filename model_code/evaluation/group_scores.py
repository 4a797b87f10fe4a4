"""How well a model answers for each group of the test split, and how far the worst one stays behind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from model_code.evaluation.quality import RESAMPLES, interval_95, spread
from model_code.scores import Answered, Predictions, score_of

# A score of fewer samples says little of a group.
LEAST_SAMPLES = 20
# Others need samples of every class, which a group may not have.
COMPARABLE = ("accuracy", "balanced_accuracy", "log_loss")
MOST_LISTED = 50


def group_scores(
    predictions: Predictions, targets: np.ndarray, groups: Sequence[str], metric: str
) -> dict[str, Any]:
    """The score of each group by a metric, or by balanced accuracy where groups cannot be held to it.

    Args:
        predictions: for N samples.
        targets: int [N].
        groups: N names.
        metric: that the model is judged by.

    Returns:
        `metric`; `groups`, the worst first, MOST_LISTED at most, each with `group`, `samples`, `score` and its
        `interval_95` over bootstrap resamples; `too_small`, how many groups have fewer than LEAST_SAMPLES and are none
        of these; and `gap`, by how much the worst stays behind the score of all samples, None where no group is large
        enough.
    """
    metric = metric if metric in COMPARABLE else "balanced_accuracy"
    positions: dict[str, list[int]] = defaultdict(list)
    for position, group in enumerate(groups):
        positions[group].append(position)
    large = {group: np.array(own) for group, own in positions.items() if len(own) >= LEAST_SAMPLES}
    rows = [{"group": group, **score(predictions, targets, own, metric)} for group, own in large.items()]
    rows.sort(key=lambda row: row["score"])
    overall = score_of(metric, Answered(predictions, targets).figures())
    return {
        "metric": metric,
        "groups": rows[:MOST_LISTED],
        "too_small": len(positions) - len(large),
        "gap": max(0.0, overall - rows[0]["score"]) if rows else None,
    }


def score(predictions: Predictions, targets: np.ndarray, own: np.ndarray, metric: str) -> dict[str, Any]:
    """One group's figures."""
    part = Answered(Predictions(predictions.probabilities[own], predictions.answers[own]), targets[own])
    resampled = spread(lambda counts: {metric: score_of(metric, part.figures(counts))}, len(own), RESAMPLES)
    return {
        "samples": len(own),
        "score": score_of(metric, part.figures()),
        "interval_95": interval_95(resampled[metric]),
    }

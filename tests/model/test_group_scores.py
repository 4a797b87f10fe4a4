"""Scores by group: the worst first, only of groups that are large enough, and how far the worst stays behind."""

from __future__ import annotations

import numpy as np
import pytest

from model_code.evaluation.group_scores import LEAST_SAMPLES, group_scores
from model_code.scores import Predictions


def answers(rights: dict[str, tuple[int, int]]) -> tuple[Predictions, np.ndarray, list[str]]:
    """Groups with so many samples, of which so many are answered rightly; two classes, by turns."""
    targets, answered, groups = [], [], []
    for group, (right, count) in rights.items():
        for i in range(count):
            targets.append(i % 2)
            answered.append(i % 2 if i < right else 1 - i % 2)
            groups.append(group)
    probabilities = np.full((len(targets), 2), 0.1)
    probabilities[np.arange(len(targets)), answered] = 0.9
    return Predictions.likeliest(probabilities), np.array(targets), groups


def test_the_worst_group_comes_first_with_its_gap_to_all():
    predictions, targets, groups = answers({"ann": (38, 40), "ben": (20, 40), "cyd": (40, 40)})

    found = group_scores(predictions, targets, groups, "accuracy")

    assert [row["group"] for row in found["groups"]] == ["ben", "ann", "cyd"]
    worst = found["groups"][0]
    assert (worst["samples"], worst["score"]) == (40, 0.5)
    assert worst["interval_95"][0] < 0.5 < worst["interval_95"][1]
    assert found["gap"] == pytest.approx(98 / 120 - 0.5)


def test_a_group_of_few_samples_is_counted_and_no_worst_one():
    predictions, targets, groups = answers({"ann": (38, 40), "few": (0, LEAST_SAMPLES - 1)})

    found = group_scores(predictions, targets, groups, "accuracy")

    assert [row["group"] for row in found["groups"]] == ["ann"]
    assert (found["too_small"], found["gap"]) == (1, 0.0)


def test_no_group_of_enough_samples_has_no_gap():
    predictions, targets, groups = answers({"few": (3, 5)})

    assert group_scores(predictions, targets, groups, "accuracy")["gap"] is None


@pytest.mark.parametrize(("metric", "compared"), [("auc", "balanced_accuracy"), ("log_loss", "log_loss")])
def test_groups_are_held_to_a_metric_that_needs_no_sample_of_every_class(metric, compared):
    predictions, targets, groups = answers({"ann": (38, 40), "ben": (20, 40)})

    assert group_scores(predictions, targets, groups, metric)["metric"] == compared

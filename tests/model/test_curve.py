"""The learning curve: few points however many steps, the same in equal runs, read by TensorBoard."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from model_code.training.curve import EVENTS_FILE, MOST_POINTS, extended, write_events


def points(calls: int, steps: int = 20) -> list[dict[str, float]]:
    """A curve of so many calls whose losses fall."""
    curve: list[dict[str, float]] = []
    for call in range(calls):
        point = {"step": (call + 1) * steps, "steps": steps, "learning_rate": 0.1 / (call + 1)}
        means = {"train_loss": 1.0 / (call + 1), "train_objective": 2.0 / (call + 1), "train_accuracy": 0.5}
        curve = extended(curve, {**point, **means})
    return curve


@pytest.mark.parametrize("calls", [1, 7, MOST_POINTS, MOST_POINTS + 1, 3 * MOST_POINTS, 5_000])
def test_a_curve_of_any_length_has_few_points_that_cover_every_step(calls):
    curve = points(calls)

    assert len(curve) <= MOST_POINTS
    assert sum(point["steps"] for point in curve) == curve[-1]["step"] == calls * 20
    assert len({point["steps"] for point in curve[:-1]}) <= 1
    mean = sum(point["train_loss"] * point["steps"] for point in curve) / (calls * 20)
    assert mean == pytest.approx(np.mean([1.0 / (call + 1) for call in range(calls)]))


def test_a_curve_that_goes_on_from_a_checkpoint_is_that_of_a_run_left_alone():
    whole, kept = points(3 * MOST_POINTS), json.loads(json.dumps(points(MOST_POINTS + 7)))
    for call in range(MOST_POINTS + 7, 3 * MOST_POINTS):
        point = {"step": (call + 1) * 20, "steps": 20, "learning_rate": 0.1 / (call + 1)}
        means = {"train_loss": 1.0 / (call + 1), "train_objective": 2.0 / (call + 1), "train_accuracy": 0.5}
        kept = extended(kept, {**point, **means})

    assert kept == whole


def test_tensorboard_reads_both_losses_by_steps_and_validation_by_epochs(tmp_path):
    history = [{"epoch": 1, "validation_loss": 0.7, "validation_accuracy": 0.5}]
    write_events(points(3), [*history, {**history[0], "epoch": 1.5}], 40, tmp_path)

    found: dict[str, list[tuple[int, float]]] = {}
    for event in tf.compat.v1.train.summary_iterator(str(tmp_path / EVENTS_FILE)):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, round(value.simple_value, 4)))

    assert found["train/loss"] == [(20, 1.0), (40, 0.5), (60, 0.3333)]
    assert found["train/objective"] == [(20, 2.0), (40, 1.0), (60, 0.6667)]
    assert found["validation/loss"] == [(40, 0.7), (60, 0.7)]
    assert {"train/accuracy", "learning/rate", "validation/accuracy"} <= set(found)

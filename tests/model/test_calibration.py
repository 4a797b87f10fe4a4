"""Probabilities that hold, and answers that mind rare classes: one temperature, offsets and weights of the decision."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from definitions.metrics import METRICS, has_rare_class, metric_for
from model_code.hyperparameters import CnnHyperparameters
from model_code.scores import calibration_error
from model_code.training.calibration import (
    Calibration,
    calibrate,
    inverse_temperature,
    mean_loss,
    metric_of,
    refined_loss,
    softmax,
    unchanged,
)
from model_code.training.trainer import class_weights_of

NONE = np.zeros(3)


def logits_and_targets(count: int = 4000, shares=(0.5, 0.3, 0.2), seed: int = 0):
    """Logits whose softmax is the truth's very distribution, and targets drawn from it."""
    generator = np.random.default_rng(seed)
    logits = 1.5 * generator.normal(size=(count, len(shares))) + np.log(shares)
    drawn = (softmax(logits).cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
    return logits, drawn


def two_classes(count: int, share: float, seed: int):
    """Logits of a network that tells a rare class apart fairly well, and targets."""
    generator = np.random.default_rng(seed)
    targets = (generator.random(count) < share).astype(int)
    evidence = generator.normal(2.5 * targets - 1.25)
    # The log odds of two normal distributions 2.5 apart, with the share of the class in them.
    odds = 2.5 * evidence + np.log(share / (1 - share))
    return np.stack([np.zeros(count), odds], axis=1), targets


@settings(deadline=None, max_examples=10)
@given(st.floats(0.3, 4.0), st.integers(0, 100))
def test_the_temperature_by_which_logits_are_too_large_is_found(temperature, seed):
    logits, targets = logits_and_targets(seed=seed)

    assert 1 / inverse_temperature(logits * temperature, targets, NONE) == pytest.approx(
        temperature, rel=0.12
    )


def test_no_other_temperature_has_a_lower_loss():
    logits, targets = logits_and_targets()
    best = refined_loss(3 * logits, targets, NONE)

    assert best <= min(mean_loss(logits * one, targets) for one in np.geomspace(0.1, 10, 50)) + 1e-6


def test_a_calibrated_network_is_as_sure_as_it_is_right():
    logits, targets = logits_and_targets(8000)
    fitted = calibrate(
        3 * logits[:4000],
        targets[:4000],
        class_counts=np.bincount(targets),
        offsets=NONE,
        metric="accuracy",
    )

    probabilities = softmax(3 * logits[4000:] / fitted.temperature + fitted.offsets)

    right = (probabilities.argmax(axis=1) == targets[4000:]).astype(float)
    assert calibration_error(softmax(3 * logits[4000:]).max(axis=1), right) > 0.1
    assert calibration_error(probabilities.max(axis=1), right) < 0.03


def test_a_network_that_is_only_too_sure_of_itself_is_no_worse():
    logits, targets = logits_and_targets()

    assert mean_loss(8 * logits, targets) > mean_loss(logits, targets) + 0.1
    assert refined_loss(8 * logits, targets, NONE) == pytest.approx(
        refined_loss(logits, targets, NONE), rel=1e-3
    )


@pytest.mark.parametrize(("count", "surest"), [(10, 0.97), (1000, 0.9997)])
def test_a_few_right_answers_are_no_reason_to_be_certain(count, surest):
    logits = np.tile([[9.0, 0.0]], (count, 1))

    inverse = inverse_temperature(logits, np.zeros(count, int), np.zeros(2))

    assert softmax(logits * inverse).max() < surest


def test_what_class_weights_did_to_the_probabilities_is_taken_back():
    logits, targets = two_classes(20_000, 0.05, 0)
    counts, weights = np.bincount(targets), np.array([0.5, 10.0])

    fitted = calibrate(
        logits + np.log(weights), targets, class_counts=counts, offsets=-np.log(weights), metric="accuracy"
    )

    probabilities = softmax((logits + np.log(weights)) / fitted.temperature + fitted.offsets)
    assert fitted.temperature == pytest.approx(1.0, abs=0.05)
    assert probabilities[:, 1].mean() == pytest.approx(0.05, abs=0.005)


def test_a_rare_class_is_found_from_a_threshold_that_validation_chooses():
    logits, targets = two_classes(4000, 0.03, 1)
    fitted = calibrate(
        logits, targets, class_counts=np.bincount(targets), offsets=np.zeros(2), metric="balanced_accuracy"
    )
    others, truth = two_classes(4000, 0.03, 2)

    second = softmax(others / fitted.temperature)[:, 1]

    assert fitted.threshold < 0.2
    answers = second >= fitted.threshold
    decided = (softmax(others / fitted.temperature) * fitted.decision_weights).argmax(axis=1)
    np.testing.assert_array_equal(answers, decided)
    assert balanced_accuracy_score(truth, answers) > balanced_accuracy_score(truth, second >= 0.5) + 0.1


@pytest.mark.parametrize("metric", METRICS)
def test_only_for_accuracy_the_likeliest_class_of_a_rare_kind_decides(metric):
    logits, targets = two_classes(2000, 0.03, 1)

    fitted = calibrate(logits, targets, class_counts=np.bincount(targets), offsets=np.zeros(2), metric=metric)

    assert (fitted.threshold == 0.5) is (metric == "accuracy")


def test_of_more_classes_there_is_no_threshold():
    assert unchanged(2).threshold == 0.5
    assert Calibration(1.0, [0.0] * 3, [1.0] * 3).threshold is None


@pytest.mark.parametrize(
    ("counts", "rare"),
    [
        ((90, 10), False),
        ((91, 9), True),
        ((450, 450, 80), True),
        ([100] * 10, False),
        ([101] * 9 + [91], False),
        ([100] * 9 + [40], True),
        ([50] * 30, False),
    ],
)
def test_a_class_is_rare_below_a_tenth_where_an_even_share_would_be_far_more(counts, rare):
    assert has_rare_class(counts) is rare
    assert metric_for(counts) == ("balanced_accuracy" if rare else "accuracy")
    weights = class_weights_of(CnnHyperparameters(), np.array(counts))
    assert (weights is not None) is rare


def test_a_metric_that_was_chosen_decides():
    counts = np.array([990, 10])
    assert metric_of(CnnHyperparameters(), counts) == "balanced_accuracy"
    assert metric_of(CnnHyperparameters(metric="accuracy"), counts) == "accuracy"


def test_class_weights_are_of_a_mean_of_one_and_can_be_had_or_left_out():
    counts = np.array([60, 40])
    assert class_weights_of(CnnHyperparameters(class_weights="none"), np.array([990, 10])) is None
    weights = class_weights_of(CnnHyperparameters(class_weights="balanced"), counts)
    assert (weights @ counts) / 100 == pytest.approx(1.0)
    assert weights[1] > 1 > weights[0]

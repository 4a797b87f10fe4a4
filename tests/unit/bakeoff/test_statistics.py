"""Intervals and paired tests, against figures worked out by hand and by SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.statistics import compare, score
from model_code.scores import balanced_accuracy, confusion_matrix, macro_f1


def alone(count: int) -> np.ndarray:
    """Every example is evidence of its own."""
    return np.arange(count)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=5, max_size=60))
def test_the_figures_are_those_of_the_evaluation_job_and_lie_in_their_intervals(pairs):
    targets, predictions = (np.array(values) for values in zip(*pairs, strict=True))
    figures = score(predictions, targets, 3, alone(len(pairs)))
    assert figures["accuracy"].value == pytest.approx((targets == predictions).mean())
    assert figures["macro_f1"].value == pytest.approx(macro_f1(confusion_matrix(predictions, targets, 3)))
    matrix = confusion_matrix(predictions, targets, 3)
    assert figures["balanced_accuracy"].value == pytest.approx(balanced_accuracy(matrix))
    assert figures["accuracy"].low <= figures["accuracy"].value <= figures["accuracy"].high


def test_an_interval_is_that_of_the_binomial_distribution():
    targets = np.zeros(400, int)
    predictions = (np.arange(400) < 80).astype(int)
    figures = score(predictions, targets, 2, alone(400))["accuracy"]
    # 0.8 plus and minus 1.96 times the root of 0.8 * 0.2 / 400
    assert (figures.low, figures.high) == (pytest.approx(0.7608, abs=0.006), pytest.approx(0.8392, abs=0.006))


@pytest.mark.parametrize(("groups", "low"), [(10, 0.692), (200, 0.982)])
def test_a_candidate_without_a_mistake_is_not_certain(groups, low):
    """The exact binomial bound: of so many without a mistake, 0.025 to the power of one over their number."""
    targets = np.arange(groups) % 2
    figures = score(targets, targets, 2, alone(groups))["accuracy"]
    assert (figures.value, figures.high) == (1.0, 1.0)
    # Student's t makes it a little wider than the binomial alone where there are few.
    assert 0.025 ** (1 / groups) - 0.11 < figures.low <= low


def test_ten_people_of_whom_all_are_right_say_less_than_their_thousand_examples():
    targets = np.arange(1_000) % 2
    people = score(targets, targets, 2, np.arange(1_000) % 10)["accuracy"]
    assert people.low < 0.75 < 0.99 < score(targets, targets, 2, alone(1_000))["accuracy"].low


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 9)), min_size=5, max_size=60))
def test_no_interval_is_of_zero_width_and_no_p_is_zero(triples):
    first, second, groups = (np.array(values) for values in zip(*triples, strict=True))
    targets = np.zeros(len(triples), int)
    assert all(figure.low < figure.high for figure in score(first, targets, 2, groups).values())
    for groups_of in (groups, alone(len(triples))):
        found = compare(first, second, targets, groups_of, 2)
        assert -1 <= found.difference.low < found.difference.high <= 1
        assert 0 < found.p_value <= 1


def test_copies_are_no_evidence():
    targets, predictions = np.zeros(400, int), (np.arange(400) < 80).astype(int)
    single = score(predictions, targets, 2, alone(400))["accuracy"]
    grouped = score(predictions, targets, 2, np.arange(400) // 20)["accuracy"]
    assert grouped.high - grouped.low > 3 * (single.high - single.low)


def test_an_answer_outside_the_classes_is_wrong_and_counts_for_no_class():
    figures = score(np.array([0, 1, -1, -1]), np.array([0, 1, 0, 1]), 2, alone(4))
    assert figures["accuracy"].value == 0.5
    # each class: 2 * 1 / (2 * 1 + 0 + 1)
    assert figures["macro_f1"].value == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("won", "lost", "p_value"), [(9, 1, 22 / 1024), (5, 5, 1.0), (0, 0, 1.0), (6, 0, 2 / 64)]
)
def test_mcnemars_test_is_the_binomial_of_the_disagreements(won, lost, p_value):
    targets = np.zeros(50, int)
    first, second = np.zeros(50, int), np.zeros(50, int)
    second[:won] = 1
    first[won : won + lost] = 1
    figures = compare(first, second, targets, alone(50), 2)
    assert figures.p_value == pytest.approx(p_value)
    assert figures.difference.value == pytest.approx((won - lost) / 50)
    assert figures.told_apart == (p_value < 0.05)


def test_groups_that_agree_in_themselves_are_one_piece_of_evidence_each():
    targets = np.zeros(60, int)
    first, second = np.zeros(60, int), np.zeros(60, int)
    second[:20] = 1
    alone_found = compare(first, second, targets, alone(60), 2)
    grouped = compare(first, second, targets, np.arange(60) // 20, 2)
    assert alone_found.told_apart and not grouped.told_apart
    assert grouped.method == "paired bootstrap over groups"


def test_recall_of_a_rare_class_beats_the_most_frequent_one_unlike_accuracy():
    """Half of twenty frauds found for forty false alarms, against none found at all."""
    targets = (np.arange(1_000) < 20).astype(int)
    none, some = np.zeros(1_000, int), ((np.arange(1_000) >= 10) & (np.arange(1_000) < 60)).astype(int)

    by_accuracy = compare(some, none, targets, alone(1_000), 2)
    balanced = compare(some, none, targets, alone(1_000), 2, "balanced_accuracy")

    assert by_accuracy.difference.value == pytest.approx(-0.03)
    assert balanced.difference.value == pytest.approx((0.5 + 940 / 980) / 2 - 0.5)
    assert balanced.told_apart
    assert balanced.method == "paired bootstrap over groups"

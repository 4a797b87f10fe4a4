"""The comparison of a new model with the released one: paired, honest about chance, and only where it can be made."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from definitions.metrics import METRICS
from model_code.evaluation.comparison import compare, difference
from model_code.scores import Answered, Predictions, score_of


def right_answers(share: float, count: int, seed: int) -> np.ndarray:
    """Which of `count` answers were right."""
    return np.random.default_rng(seed).random(count) < share


def answered(right: np.ndarray) -> Answered:
    """Samples of the first of two classes that were answered rightly or not."""
    answers = np.where(right, 0, 1)
    return Answered(Predictions(np.eye(2)[answers], answers), np.zeros(len(right), int))


def gained(first: np.ndarray, other: np.ndarray) -> dict:
    """By how much the accuracy of one model differs from another's."""
    return difference(answered(first), answered(other), "accuracy")


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(5, 200))
def test_exchanging_the_models_turns_the_difference_round(seed, other_seed, count):
    first, other = right_answers(0.8, count, seed), right_answers(0.6, count, other_seed)
    there, back = gained(first, other)["difference"], gained(other, first)["difference"]
    assert there["value"] == pytest.approx(first.mean() - other.mean())
    assert back["value"] == pytest.approx(-there["value"])
    assert back["interval_95"] == pytest.approx([-bound for bound in reversed(there["interval_95"])])
    assert there["interval_95"][0] <= there["interval_95"][1]


def test_a_model_does_not_differ_from_itself():
    right = right_answers(0.7, 100, 0)
    assert gained(right, right) == {
        "score": right.mean(),
        "difference": {"value": 0.0, "interval_95": [0.0, 0.0]},
    }


def test_the_interval_is_as_wide_as_the_paired_deviation_says():
    first, other = right_answers(0.8, 4000, 1), right_answers(0.75, 4000, 2)
    low, high = gained(first, other)["difference"]["interval_95"]
    deviation = np.std(first.astype(float) - other.astype(float)) / np.sqrt(4000)
    assert high - low == pytest.approx(2 * 1.96 * deviation, rel=0.15)


def test_what_both_find_hard_does_not_widen_the_interval():
    champion = right_answers(0.6, 2000, 3)
    better = champion.copy()
    better[np.flatnonzero(~champion)[:40]] = True
    low, high = gained(better, champion)["difference"]["interval_95"]
    assert 0.01 < low < 0.02 < high < 0.03


@pytest.mark.parametrize("metric", METRICS)
def test_models_are_compared_by_the_metric_that_decides(metric):
    generator = np.random.default_rng(0)
    targets = (np.arange(200) < 20).astype(int)
    sure, unsure = (
        1 / (1 + np.exp(-generator.normal(strength * (2 * targets - 1)))) for strength in (2.0, 0.2)
    )
    good, bad = (
        Answered(Predictions.likeliest(np.stack([1 - first, first], axis=1)), targets)
        for first in (sure, unsure)
    )

    comparison = difference(good, bad, metric)

    scores = [score_of(metric, {**first.figures(), **first.rankings()}) for first in (good, bad)]
    assert comparison["score"] == scores[1]
    assert comparison["difference"]["value"] == pytest.approx(scores[0] - scores[1])
    assert 0 < comparison["difference"]["interval_95"][0] < scores[0] - scores[1]


def test_an_artefact_stands_beside_itself_on_the_test_split(trained):
    comparison = compare(trained.artefact, trained.artefact, trained.channels / "test", "accuracy")
    assert (comparison["comparable"], comparison["difference"]["value"]) == (True, 0.0)
    assert 0 <= comparison["score"] <= 1


@pytest.mark.parametrize("fault", ["other classes", "no model"])
def test_a_champion_that_cannot_answer_is_not_comparable_and_says_why(trained, tmp_path, fault):
    champion = tmp_path / "champion"
    shutil.copytree(trained.artefact, champion)
    if fault == "other classes":
        (champion / "labels.json").write_text('["a", "b", "c"]')
    else:
        shutil.rmtree(champion / "1")
    comparison = compare(trained.artefact, champion, trained.channels / "test", "accuracy")
    assert comparison["comparable"] is False
    assert {"other classes": "other classes", "no model": "1/saved_model.pb"}[fault] in comparison["reason"]

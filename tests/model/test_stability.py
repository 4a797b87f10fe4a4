"""The population stability index and its bins, against figures worked out by hand and its properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_code.evaluation.population_stability import (
    BINS,
    counts_of,
    population_stability_index,
    reference_of,
)

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12)
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def test_the_index_is_the_one_worked_out_by_hand():
    e, o = (50.5 / 101, 50.5 / 101), (25.5 / 101, 75.5 / 101)
    by_hand = sum((b - a) * math.log(b / a) for a, b in zip(e, o, strict=True))
    assert population_stability_index([50, 50], [25, 75]) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.2687, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(COUNTS, st.data())
def test_the_index_is_symmetric_and_never_below_zero(expected, data):
    observed = data.draw(st.lists(st.integers(0, 1000), min_size=len(expected), max_size=len(expected)))
    index = population_stability_index(expected, observed)
    assert index >= 0
    assert index == pytest.approx(population_stability_index(observed, expected))
    assert population_stability_index(expected, expected) == 0


@settings(max_examples=40, deadline=None)
@given(NUMBERS, NUMBERS)
def test_every_value_is_in_one_bin(values, later):
    reference = reference_of(values)
    assert sum(reference["counts"]) == len(values)
    assert sum(counts_of(later, reference)) == len(later)
    assert len(counts_of(later, reference)) == len(reference["counts"])


def test_many_different_numbers_are_binned_by_deciles():
    reference = reference_of([float(i) for i in range(1000)])
    assert len(reference["edges"]) == BINS - 1
    assert reference["counts"] == [100] * BINS


def test_what_was_the_same_for_all_is_noticed_when_it_changes_either_way():
    reference = reference_of([32.0] * 500)
    for other in (16.0, 64.0):
        assert population_stability_index(reference["counts"], counts_of([other] * 500, reference)) > 0.25
    assert population_stability_index(reference["counts"], counts_of([32.0] * 500, reference)) == 0


def test_a_label_that_never_occurred_before_is_counted():
    reference = reference_of(["cat"] * 50 + ["dog"] * 50)
    assert reference["categories"] == ["cat", "dog"]
    assert counts_of(["dog", "emu"], reference) == [0, 1, 1]


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, 0.0, 0.05), (1.0, 0.25, 3.0)])
def test_the_same_distribution_is_stable_and_a_shift_by_its_spread_is_not(shift, low, high):
    generator = np.random.default_rng(0)
    reference = reference_of(generator.normal(size=2000).tolist())
    later = (generator.normal(size=500) + shift).tolist()
    assert low <= population_stability_index(reference["counts"], counts_of(later, reference)) < high

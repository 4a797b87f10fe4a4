"""Where examples have a time, the latest test, and what belongs together stays together."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bakeoff.errors import ComparisonRefused
from bakeoff.examples import Examples
from bakeoff.time_split import rounds_of


def timed(times, targets, sources=None) -> Examples:
    """Examples with a time each."""
    names = tuple(f"class {i}" for i in range(max(targets) + 1))
    texts = [f"text {i}" for i in range(len(times))]
    return Examples("text", texts, np.array(targets, np.int32), names, sources, times=np.array(times, float))


def test_where_examples_have_a_time_the_latest_test_and_those_before_them_validate():
    times = np.random.default_rng(0).permutation(300)
    (parts,) = rounds_of(timed(times, [i % 2 for i in range(300)]), 0, seconds=1e6)

    assert sorted(parts.test.times) == list(range(200, 300))
    assert sorted(parts.validation.times) == list(range(175, 200))
    assert sorted(parts.train.times) == list(range(175))
    assert "The latest 100 examples test, and the others train." in parts.notes


def test_a_source_whose_last_example_is_among_the_latest_tests_whole():
    examples = timed(
        list(range(400)), [i % 2 for i in range(400)], np.arange(400) % 40 + 40 * (np.arange(400) > 200)
    )
    (parts,) = rounds_of(examples, 0, seconds=0.0)

    assert not set(parts.test.sources.tolist()) & set(parts.train.sources.tolist())
    assert max(parts.train.times) < max(parts.test.times)


def test_a_class_that_only_a_later_time_knows_is_named():
    with pytest.raises(
        ComparisonRefused, match="The training part would hold no .*'class 1', because .* another time"
    ):
        rounds_of(timed(list(range(300)), [int(i >= 200) for i in range(300)]), 0, seconds=0.0)


def test_without_times_chance_divides():
    examples = dataclasses.replace(timed(list(range(300)), [i % 2 for i in range(300)]), times=None)
    (parts,) = rounds_of(examples, 0, seconds=0.0)

    assert len(parts.test) == 100
    assert not any("latest" in note for note in parts.notes)

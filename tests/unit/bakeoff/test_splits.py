"""One split for all: no leak, every class everywhere, and a refusal where a test would mean nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.errors import ComparisonRefused
from bakeoff.examples import Examples, fingerprints
from bakeoff.splits import at_most, rounds_of, split, together


def texts(contents, targets, sources=None) -> Examples:
    names = tuple(f"class {i}" for i in range(max(targets) + 1))
    return Examples("text", list(contents), np.array(targets, np.int32), names, sources)


def numbered(count: int, classes: int = 2) -> Examples:
    return texts([f"text {i}" for i in range(count)], [i % classes for i in range(count)])


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 2)), min_size=150, max_size=400), st.integers(0, 5)
)
def test_the_same_content_is_never_in_two_parts(drawn, seed):
    # Numbers repeat, so contents do, some of them under other labels.
    examples = texts(
        [f"Text  {n}" if i % 2 else f"text {n}" for i, (n, _) in enumerate(drawn)], [t for _, t in drawn]
    )
    try:
        parts = split(examples, seed)
    except ComparisonRefused:
        return
    contents = [set(fingerprints(part)) for part in (parts.train, parts.validation, parts.test)]
    assert not (contents[0] & contents[1] or contents[0] & contents[2] or contents[1] & contents[2])
    assert sum(len(part) for part in (parts.train, parts.validation, parts.test)) == len(examples)
    assert set(parts.train.targets) == set(parts.test.targets) == {0, 1, 2} & set(examples.targets.tolist())


def test_a_source_is_in_one_part_only():
    sources = np.arange(600) // 20
    parts = split(texts([f"text {i}" for i in range(600)], [i % 3 for i in range(600)], sources), 0)
    contents = [set(part.sources.tolist()) for part in (parts.train, parts.validation, parts.test)]
    assert not (contents[0] & contents[1] or contents[0] & contents[2] or contents[1] & contents[2])
    assert len(set(parts.test_groups.tolist())) == len(contents[2])


def test_a_third_of_a_small_set_tests_and_classes_keep_their_shares():
    examples = texts([f"text {i}" for i in range(300)], [int(i % 10 == 0) for i in range(300)])
    parts = split(examples, 0)
    assert len(parts.test) == 100
    assert parts.test.targets.sum() == 10


def test_the_same_seed_gives_the_same_split_and_another_another():
    first, again, other = (split(numbered(200), seed).test.contents for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(
    ("count", "seconds", "rounds"),
    [(199, 1_200, 10), (199, 300, 5), (499, 3_600, 5), (500, 3_600, 1), (199, 299, 1)],
)
def test_few_examples_test_in_several_rounds_if_there_is_time(count, seconds, rounds):
    found = rounds_of(numbered(count), 0, seconds)
    assert len(found) == rounds
    if rounds > 1:
        tested = together(found)
        times = np.bincount(tested.test_groups)
        assert (times == rounds // 5).all() and len(times) == count
        assert f"in {rounds} rounds" in tested.notes[-1]
        assert [int(number) for number in np.unique(tested.rounds)] == list(range(rounds))
        for parts in found:
            assert not set(parts.train.contents) & set(parts.test.contents)


@pytest.mark.parametrize(("classes", "each"), [(10, 10), (20, 7), (8, 5)])
@pytest.mark.parametrize("seconds", [0, 1_200])
def test_many_classes_of_few_examples_each_are_split_too(classes, each, seconds):
    for parts in rounds_of(numbered(classes * each, classes), 0, seconds):
        assert set(parts.train.targets) == set(range(classes))
        assert len(parts.validation) and len(parts.test)


def test_every_source_tests_once_whatever_the_time():
    examples = texts(
        [f"text {i}" for i in range(3_000)], [i % 2 for i in range(3_000)], np.arange(3_000) % 10
    )
    found = rounds_of(examples, 0, 1.0)
    assert len(found) == 5 and len(together(found).test) == 3_000
    for parts in found:
        assert not set(parts.train.sources.tolist()) & set(parts.test.sources.tolist())


def test_fewer_than_ten_sources_allow_no_claim():
    examples = texts([f"text {i}" for i in range(900)], [i % 2 for i in range(900)], np.arange(900) % 9)
    with pytest.raises(ComparisonRefused, match="There are 9 sources .* needs 10"):
        split(examples, 0)


def test_rows_of_few_values_repeat_without_being_copies():
    """As of the Titanic's passengers, of whom nothing is known but class, age group and sex."""
    rows = np.array([[i % 3, i % 2] for i in range(600)], object)
    examples = Examples(
        "tabular", rows, (np.arange(600) % 2).astype(np.int32), ("no", "yes"), None, (True, True)
    )
    parts = split(examples, 0)
    assert len(parts.test) == 200 and len(set(parts.test_groups.tolist())) == 200
    assert "Most rows repeat" in parts.notes[-1] and "more than once" not in " ".join(parts.notes)


def test_copies_and_torn_labels_are_told():
    examples = texts([*(f"text {i}" for i in range(100)), "text 0", "TEXT 1 "], [*([0, 1] * 50), 0, 0])
    notes = " ".join(split(examples, 0).notes)
    assert "2 of 102 examples are there more than once" in notes
    assert "1 content carries more than one label" in notes


@pytest.mark.parametrize(
    ("examples", "sentence"),
    [
        (texts([f"text {i}" for i in range(100)], [0] * 100), "are of one class"),
        (texts(["the same"] * 100, [0, 1] * 50), "All 100 examples are the same"),
        (numbered(20), "a test part needs 40"),
        (
            texts([f"text {i % 12}" for i in range(120)], [i % 2 for i in range(120)]),
            "There are 12 different examples",
        ),
        (
            texts([f"text {i}" for i in range(100)], [int(i < 3) for i in range(100)]),
            "The class 'class 1' has 3 different examples",
        ),
        (
            texts([f"text {i}" for i in range(100)], [i % 2 for i in range(100)], np.arange(100) % 2),
            "There are 2 sources",
        ),
        (
            texts([f"text {i}" for i in range(100)], [int(i < 10) for i in range(100)], np.arange(100) // 10),
            "no example of the class",
        ),
    ],
)
def test_a_comparison_that_would_mean_nothing_is_refused(examples, sentence):
    with pytest.raises(ComparisonRefused, match=sentence):
        split(examples, 0)


def test_fewer_examples_keep_the_shares_of_the_classes():
    examples = texts([f"text {i}" for i in range(1_000)], [int(i % 4 == 0) for i in range(1_000)])
    chosen = at_most(examples, 100, 0)
    assert (len(chosen), int(chosen.targets.sum())) == (100, 25)


def test_fewer_examples_take_whole_sources():
    examples = texts(
        [f"text {i}" for i in range(1_000)], [i % 2 for i in range(1_000)], np.arange(1_000) // 20
    )
    chosen = at_most(examples, 300, 0)
    assert all((chosen.sources == source).sum() == 20 for source in set(chosen.sources.tolist()))
    assert 300 <= len(chosen) <= 320

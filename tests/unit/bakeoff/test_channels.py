"""What a job on another machine reads is what was written here, whatever it holds, and no pickle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakeoff.channels import read_answers, read_examples, write_answers, write_examples
from bakeoff.examples import Examples
from bakeoff.tasks import Answers

TARGETS = np.array([0, 1, 1], np.int32)
LABELS = ("no", "ja ☃")


def round_trip(examples: Examples, directory) -> Examples:
    write_examples(directory, examples)
    return read_examples(directory)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(), min_size=3, max_size=3))
def test_any_texts_come_back(tmp_path_factory, texts):
    returned = round_trip(Examples("text", texts, TARGETS, LABELS), tmp_path_factory.mktemp("texts"))
    assert (returned.contents, returned.labels) == (texts, LABELS)
    assert returned.targets.tolist() == TARGETS.tolist()


def test_images_come_back(tmp_path):
    images = [b"\x89PNG one", b"", b"\x00\xff"]
    assert round_trip(Examples("image", images, TARGETS, LABELS), tmp_path).contents == images


def test_series_of_other_lengths_come_back(tmp_path):
    series = [np.full((steps, 2), steps, np.float32) for steps in (3, 1, 5)]
    returned = round_trip(Examples("time_series", series, TARGETS, LABELS), tmp_path)
    for content, other in zip(returned.contents, series, strict=True):
        np.testing.assert_array_equal(content, other)


def test_series_of_one_length_come_back_as_one_array(tmp_path):
    series = np.arange(30, dtype=np.float32).reshape(3, 5, 2)
    returned = round_trip(Examples("time_series", series, TARGETS, LABELS), tmp_path)
    np.testing.assert_array_equal(returned.contents, series)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(width=64), min_size=3, max_size=3),
    st.lists(st.none() | st.text(), min_size=3, max_size=3),
)
def test_tables_come_back_with_what_is_missing(tmp_path_factory, numbers, words):
    rows = np.empty((3, 2), object)
    rows[:, 0], rows[:, 1] = words, numbers
    written = Examples("tabular", rows, TARGETS, LABELS, None, (False, True))
    returned = round_trip(written, tmp_path_factory.mktemp("table"))
    assert returned.numeric == (False, True)
    assert returned.contents[:, 0].tolist() == words
    np.testing.assert_array_equal(returned.contents[:, 1].astype(float), numbers)


def test_a_table_of_numbers_alone_comes_back(tmp_path):
    rows = np.arange(6.0).reshape(3, 2).astype(object)
    returned = round_trip(Examples("tabular", rows, TARGETS, LABELS, None, (True, True)), tmp_path)
    assert returned.contents.tolist() == rows.tolist()


def test_answers_come_back(tmp_path):
    written = Answers(np.array([0, -1, 1]), 1.5, (0.25, 3.0), 1_000, ("A note.",))
    write_answers(tmp_path, written)
    returned = read_answers((tmp_path / "answers.json").read_bytes())
    assert returned.predictions.tolist() == [0, -1, 1]
    assert vars(returned) | {"predictions": 0} == vars(written) | {"predictions": 0}


@pytest.mark.parametrize("text", [b"", b"[]", b'{"predictions": [0]}', b"\xff"])
def test_what_are_no_answers_is_refused(text):
    with pytest.raises(ValueError):
        read_answers(text)

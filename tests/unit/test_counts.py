"""Numbers of things in sentences."""

from __future__ import annotations

import pytest

from definitions.counts import counted


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((1, "object"), "1 object"),
        ((0, "object"), "0 objects"),
        ((2_000, "object"), "2,000 objects"),
        ((1, "batch", "batches"), "1 batch"),
        ((2, "batch", "batches"), "2 batches"),
    ],
)
def test_one_of_something_has_the_word_for_one(words, said):
    assert counted(*words) == said

"""Batch, epochs and lengths follow the data, so that ten photos are learnt from as well as a hundred thousand."""

from __future__ import annotations

import pytest

from model_code.fitted import fitted
from model_code.hyperparameters import KINDS, build


@pytest.mark.parametrize(
    ("feature", "count", "size", "expected"),
    [
        ("image", 6, 4000, {"batch_size": "16", "epochs": "100", "image_size": "64"}),
        ("image", 50_000, 32, {"batch_size": "128", "epochs": "5", "image_size": "32"}),
        ("text", 3_000, 17, {"batch_size": "32", "epochs": "17", "sequence_length": "32"}),
        ("text", 100_000, 900, {"batch_size": "128", "epochs": "5", "sequence_length": "200"}),
        ("sequence", 500, 2, {"batch_size": "16", "epochs": "49", "sequence_length": "4"}),
    ],
)
def test_hyperparameters_follow_the_data(feature, count, size, expected):
    found = fitted(feature, count, size)

    assert expected.items() <= found.items()
    build(KINDS["cnn" if feature == "image" else "rnn"], found)


def test_a_smaller_batch_learns_in_smaller_steps():
    rates = [float(fitted("image", count, 32)["learning_rate"]) for count in (100, 2_000, 50_000)]

    assert rates == sorted(rates) and rates[-1] == 0.4


@pytest.mark.parametrize(("count", "epochs"), [(7, "100"), (200, "100"), (50_000, "40")])
def test_a_pretrained_network_keeps_its_own_size_and_rate(count, epochs):
    found = fitted("image", count, 32, pretrained=True)

    assert found == {"pretrained": "true", "batch_size": found["batch_size"], "epochs": epochs}
    assert build(KINDS["cnn"], found).image_size == 160

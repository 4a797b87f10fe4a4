"""The traditional baselines: features that mean what they say, and classifiers that learn the same channels."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from model_code import baselines
from model_code.baselines import CELL_PIXELS, ORIENTATIONS, colour_histogram, measure, oriented_gradients


def stripes(horizontal: bool) -> np.ndarray:
    """An image of stripes, 8 pixels a period."""
    wave = (127 + 120 * np.sin(np.arange(32) * 2 * np.pi / 8)).astype(np.uint8)
    grey = np.tile(wave[:, None] if horizontal else wave, (1, 32) if horizontal else (32, 1))
    return np.stack([grey] * 3, axis=-1)[None]


@pytest.mark.parametrize(("horizontal", "orientation"), [(False, 0), (True, ORIENTATIONS // 2)])
def test_stripes_have_one_orientation(horizontal, orientation):
    histogram = oriented_gradients(stripes(horizontal)).reshape(-1, ORIENTATIONS).sum(axis=0)

    assert histogram.argmax() == orientation
    assert histogram[[orientation, (orientation + 1) % ORIENTATIONS]].sum() > 0.99 * histogram.sum()


def test_an_even_image_has_no_gradient_and_one_colour():
    image = np.full((1, 32, 32, 3), (255, 0, 64), np.uint8)

    assert not oriented_gradients(image).any()
    histogram = colour_histogram(image)[0]
    assert histogram[(3 * 4 + 0) * 4 + 1] == 1.0
    assert histogram.sum() == 1.0


def test_brightness_does_not_change_the_gradients_much():
    image = np.random.default_rng(0).integers(
        0, 100, (1, 4 * CELL_PIXELS, 4 * CELL_PIXELS, 3), dtype=np.uint8
    )

    np.testing.assert_allclose(oriented_gradients(image), oriented_gradients(image * 2), atol=0.002)


@pytest.mark.parametrize(("name", "kind"), [("cnn", "cnn"), ("rnn", "rnn"), ("sensor", "rnn")])
def test_every_baseline_learns_the_channels(channels, name, kind):
    reports = measure(kind, channels[name] / "train", channels[name] / "test")

    assert reports
    for model, report in reports.items():
        assert report["gate"]["accuracy"] >= 0.9, model


def test_the_command_writes_the_figures(channels, tmp_path, monkeypatch, capsys):
    words = [
        "--kind",
        "rnn",
        "--train",
        str(channels["rnn"] / "train"),
        "--test",
        str(channels["rnn"] / "test"),
    ]
    monkeypatch.setattr(sys, "argv", ["baselines", *words, "--output", str(tmp_path / "out")])

    baselines.run()

    report = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    accuracy = report["logistic_regression"]["gate"]["accuracy"]
    assert capsys.readouterr().out == f"logistic_regression accuracy={accuracy:.4f}\n"

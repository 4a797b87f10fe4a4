"""The documents quote the recorded demo, which reached what it promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORD = json.loads((ROOT / "docs" / "demo.json").read_text())


@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_the_page_of_the_models_quotes_the_recorded_run(kind):
    words = (ROOT / "docs" / "models.md").read_text()
    model = RECORD["models"][kind]
    low, high = model["accuracy_interval_95"]
    assert f"{model['accuracy']:.4f} ({low:.4f} to {high:.4f})" in words
    assert f"{model['train_samples']:,} {'images' if kind == 'cnn' else 'reviews'}" in words


def test_the_readme_shows_the_recorded_run():
    words = (ROOT / "README.md").read_text()
    assert f"{RECORD['seconds_after_data']:.0f} s after the data was there" in words


def test_the_recorded_run_reached_what_the_demo_promises():
    assert RECORD["seconds_after_data"] <= 360
    assert RECORD["models"]["cnn"]["accuracy"] >= 0.70
    assert RECORD["models"]["rnn"]["accuracy"] >= 0.87
    assert RECORD["models"]["cnn"]["test_samples"] == 10_000
    assert RECORD["models"]["rnn"]["test_samples"] >= 5_000

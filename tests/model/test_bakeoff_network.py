"""The bake-off's network: the real training job, started, stopped and measured as the bake-off does it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from bakeoff import network
from bakeoff.errors import CandidateFailed
from bakeoff.examples import Examples
from bakeoff.splits import split
from bakeoff.tasks import Trial
from model_code.data.images import png


@pytest.fixture(autouse=True)
def few_updates(monkeypatch):
    """As many as these easy examples need."""
    monkeypatch.setattr("model_code.fitted.UPDATES_WANTED", 300)


@pytest.fixture
def task(tmp_path) -> Trial:
    """Zeros and ones of scikit-learn's digits as PNG files."""
    digits = load_digits(n_class=2)
    files = [png((image * 15.9).astype(np.uint8)) for image in digits.images[:200]]
    parts = split(Examples("image", files, digits.target[:200].astype(np.int32), ("zero", "one")), 0)
    return Trial(parts.train, parts.validation, parts.test, 3_600.0, 0, tmp_path)


def test_the_cnn_is_trained_by_the_real_job_and_measured_as_it_would_be_served(task):
    told = []
    answers = network.network(task, lambda share, words: told.append((share, words)))
    assert (answers.predictions == task.test.targets).mean() >= 0.9
    assert (task.directory / "model" / "1" / "saved_model.pb").is_file()
    assert answers.artefact_bytes > 100_000 and len(answers.latencies_ms) == len(task.test)
    assert any("epoch 2 of" in words and "validation_accuracy" in words for _, words in told)
    assert [share for share, _ in told] == sorted(share for share, _ in told)


def test_a_job_that_fails_gives_its_own_reason(task):
    (task.directory / "train").mkdir()
    (task.directory / "train" / "labels.json").write_text("no JSON")
    with pytest.raises(CandidateFailed, match="The training job failed: .*labels.json cannot be read"):
        network.train(task.directory, {"kind": "cnn", "epochs": "1"}, lambda *_: None)


def test_training_that_would_not_be_done_in_time_ends_with_a_model(task):
    network.write_channels(task.directory, task.train, task.validation)
    settings = {"kind": "cnn", "epochs": "1000", "width": "4", "image_size": "16", "batch_size": "32"}
    done = network.train(task.directory, {**settings, "max_seconds": "1"}, lambda *_: None)
    assert 0 < done < 1000 and (task.directory / "model" / "1" / "saved_model.pb").is_file()


@pytest.mark.parametrize("layers", ["gru", "conv1d"])
def test_both_networks_of_steps_read_series(layers, tmp_path):
    targets = (np.arange(200) % 2).astype(np.int32)
    phases = np.random.default_rng(0).uniform(0, 6, (200, 1))
    waves = np.sin(np.linspace(0, 12, 24)[None] * (1 + 2 * targets[:, None]) + phases)[..., None]
    parts = split(Examples("time_series", waves.astype(np.float32), targets, ("slow", "quick")), 0)
    answers = network.network(
        Trial(parts.train, parts.validation, parts.test, 3_600.0, 0, tmp_path), lambda *_: None, layers
    )
    assert f"layers {layers}" in answers.notes[-1]
    assert (answers.predictions == parts.test.targets).mean() >= 0.9

"""A training job under SageMaker's own toolkit, from its channels to the artefact or to the reason why not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from model_code.training.metrics import METRIC_DEFINITIONS


def test_a_job_trains_reports_its_metrics_and_leaves_the_artefact(make_job):
    job = make_job("cnn")

    finished = job.run([str(Path(sys.executable).with_name("train"))])

    assert finished.returncode == 0, finished.stdout[-2000:]
    assert job.failure == ""
    model = job.base / "model"
    for part in ("1/saved_model.pb", "code/inference.py", "labels.json", "model_card.json"):
        assert (model / part).is_file(), part
    history = json.loads((job.base / "output" / "data" / "history.json").read_text())
    assert [row["epoch"] for row in history] == [1, 2]
    for name, pattern in METRIC_DEFINITIONS.items():
        values = [float(value) for value in re.findall(pattern, finished.stdout)]
        assert len(values) == len(history), name
        if name in history[0]:
            assert values == pytest.approx([row[name] for row in history], rel=1e-4), name


def test_values_that_are_json_encoded_are_read_alike(make_job):
    job = make_job("cnn")
    file = job.base / "input" / "config" / "hyperparameters.json"
    encoded = {name: json.dumps(value) for name, value in json.loads(file.read_text()).items()}
    file.write_text(json.dumps({**encoded, "epochs": '"0"'}))

    assert job.run().returncode == 1
    assert job.failure == "The hyperparameter epochs is 0; it has to be between 1 and 1000."


def test_a_missing_channel_fails_with_one_sentence(make_job):
    job = make_job("rnn", without=["validation"])

    assert job.run().returncode == 1
    assert job.failure == (
        "The job has no channel 'validation'. It needs the channels train, validation and code."
    )
    assert not list((job.base / "model").iterdir())


WITHOUT_TENSORFLOW = "import sys; sys.modules['tensorflow'] = None; from model_code.train import run; run()"


def test_a_hyperparameter_out_of_range_fails_before_the_script_loads_tensorflow(make_job):
    """The script alone: the toolkit imports TensorFlow for reasons of its own."""
    job = make_job("cnn")

    finished = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, "--kind", "cnn", "--learning_rate", "-1"],
        env=job.script_environment(),
        capture_output=True,
        text=True,
    )

    sentence = "The hyperparameter learning_rate is -1; it has to be between 1e-06 and 10."
    assert (finished.returncode, finished.stdout) == (1, f"The training job failed: {sentence}\n")
    assert job.failure == sentence

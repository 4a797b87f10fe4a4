"""Whatever ends a job early ends it with status 1 and one sentence that SageMaker shows as its FailureReason."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from model_code import train
from model_code.baselines import train as baselines
from model_code.data.records import write_split
from model_code.evaluation import evaluate
from model_code.failures import REASON_CHARACTERS
from model_code.training import trainer

from .conftest import DIGITS, KIND_OF_CHANNELS, TINY

IMAGES = [b"no image"] * 48
SHORT = [np.ones((4, 3), np.float32)] * 47
LONG = [*SHORT, np.ones((100_000, 3), np.float32)]
EMPTY = [*SHORT, np.ones((0, 3), np.float32)]


@pytest.fixture
def run_job(tmp_path, channels, monkeypatch, capsys):
    """Runs the training script on a channel of samples and returns the failure that SageMaker would show."""
    monkeypatch.setattr(train.signal, "signal", lambda *_: None)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))

    def run(
        name: str, samples: list | None = None, targets: list[int] | None = None, feature: str = ""
    ) -> str:
        directory = channels[name] / "train"
        labels = list(DIGITS) if name == "cnn" else ["slow", "fast"]
        if samples is not None:
            directory = tmp_path / "samples"
            write_split(directory, feature, samples, targets, labels)
        monkeypatch.setenv("SM_CHANNEL_TRAIN", str(directory))
        monkeypatch.setenv("SM_CHANNEL_VALIDATION", str(channels[name] / "validation"))
        given = {**TINY[name], "kind": KIND_OF_CHANNELS[name], "mixed_precision": "float32"}
        words = [word for key, value in given.items() for word in (f"--{key}", value)]
        monkeypatch.setattr(sys, "argv", ["train.py", *words])
        with pytest.raises(SystemExit) as ended:
            train.run()
        reason = (tmp_path / "output" / "failure").read_text()
        assert ended.value.code == 1
        assert f"The training job failed: {reason}" in capsys.readouterr().out
        assert not (tmp_path / "model").exists()
        return reason

    return run


@pytest.mark.parametrize(
    ("name", "samples", "targets", "feature", "sentence"),
    [
        ("cnn", IMAGES, [0, 1, 2] * 16, "image", "A sample is no PNG or JPEG image that can be decoded: "),
        ("cnn", IMAGES, [0, 1] * 24, "image", "The channel train has no sample of the class 'two'."),
        ("cnn", IMAGES, [0, 1, 3] * 16, "image", "Record 2 of "),
        ("sensor", EMPTY, [0, 1] * 24, "sequence", "Record 47 of "),
        (
            "sensor",
            LONG,
            [0, 1] * 24,
            "sequence",
            "Record 47 of the channel train has 100,000 steps, but the ",
        ),
    ],
    ids=["corrupt image", "empty class", "label out of range", "sequence of length 0", "sequence of 100,000"],
)
def test_a_channel_that_cannot_be_learned_from_fails_the_job(
    run_job, name, samples, targets, feature, sentence
):
    reason = run_job(name, samples, targets, feature)

    assert reason.startswith(sentence)
    assert "\n" not in reason
    assert len(reason) < REASON_CHARACTERS


def test_a_loss_that_is_no_number_fails_the_job(run_job, monkeypatch):
    monkeypatch.setattr(trainer, "learning_rate_at", lambda *_: float("nan"))

    reason = run_job("sensor")

    assert reason.startswith("The loss or a weight was no longer a number by step ")


def test_a_text_of_a_hundred_thousand_words_and_an_empty_one_are_learned_from(channels, tmp_path):
    """They are cut and padded: only a sequence of numbers that is too long is a mistake."""
    from model_code.hyperparameters import KINDS, build
    from model_code.training.tasks import load_task

    write_split(tmp_path, "text", [b"good " * 100_000, b""] * 16, [1, 0] * 16, ["negative", "positive"])

    task = load_task(build(KINDS["rnn"], TINY["rnn"]), tmp_path, channels["rnn"] / "validation")

    assert task.train.inputs.all(axis=1).tolist() == [True, False] * 16


def test_a_damaged_test_split_fails_the_evaluation(trained, tmp_path, monkeypatch, capsys):
    samples = {"image": b"no image", "text": b"good", "sequence": np.ones((100_000, 3), np.float32)}
    feature = trained.task.feature
    if feature == "text":
        pytest.skip("every text is one that can be read")
    write_split(tmp_path / "test", feature, [samples[feature]], [0], trained.task.labels)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    words = [
        "--model",
        str(trained.artefact),
        "--test",
        str(tmp_path / "test"),
        "--output",
        str(tmp_path / "out"),
    ]
    monkeypatch.setattr(sys, "argv", ["evaluate.py", *words])

    with pytest.raises(SystemExit) as ended:
        evaluate.run()

    reason = (tmp_path / "output" / "message").read_text()
    assert ended.value.code == 1
    assert reason.startswith("The model refuses a test sample in batch 0: ")
    assert f"The evaluation failed: {reason.splitlines()[0]}" in capsys.readouterr().out


def test_a_class_without_samples_fails_the_baselines(tmp_path, monkeypatch, capsys):
    write_split(tmp_path, "text", [b"good", b"bad"], [1, 1], ["negative", "positive"])
    words = [
        "--kind",
        "rnn",
        "--train",
        str(tmp_path),
        "--test",
        str(tmp_path),
        "--output",
        str(tmp_path / "out"),
    ]
    monkeypatch.setattr(sys, "argv", ["baselines.py", *words])

    with pytest.raises(SystemExit) as ended:
        baselines.run()

    assert ended.value.code == 1
    assert "The channel train has no sample of the class 'negative'" in capsys.readouterr().err

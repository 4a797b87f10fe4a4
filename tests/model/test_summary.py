"""What a person is shown of an evaluation: little, whatever was measured, and nothing that acts."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from model_code.data.images import png
from model_code.data.records import Split
from model_code.evaluation.mistakes import listed
from model_code.evaluation.quality import quality
from model_code.evaluation.summary import (
    CHANNELS_SHOWN,
    CLASSES_SHOWN,
    MISTAKES_SHOWN,
    PICTURE_PIXELS,
    POINTS_SHOWN,
    TEXT_CHARACTERS,
    summary_of,
)
from model_code.scores import Predictions


@pytest.fixture
def summed_up(monkeypatch):
    """Sums up a model that takes each sample for the class after its own, of so many classes."""
    monkeypatch.setattr("model_code.evaluation.quality.RESAMPLES", 2)

    def run(samples: list, feature: str, classes: int = 2, places: list[str] | None = None) -> dict:
        labels = [f"class {number}" for number in range(classes)]
        targets = np.arange(len(samples)) % classes
        probabilities = np.eye(classes)[(targets + 1) % classes] * 0.5 + 0.5 / classes
        predictions = Predictions.likeliest(probabilities)
        report = {
            **quality(predictions, targets, labels, "accuracy"),
            "labels": labels,
            "samples": len(samples),
            **listed(predictions, targets, labels, places),
        }
        return summary_of(report, Split(samples, targets, labels, feature))

    return run


def test_the_figures_are_those_of_the_report_and_rows_are_the_truth(summed_up):
    found = summed_up([b"one", b"two", b"three"], "text", 3)

    assert (found["metric"], found["score"], found["samples"]) == ("accuracy", 0.0, 3)
    assert found["figures"]["accuracy"] == {"value": 0.0, "interval_95": [0.0, 0.0]}
    assert found["matrix"]["counts"] == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert found["classes"][0] == {
        "label": "class 0",
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
        "support": 1,
    }
    first = {"label": "class 0", "answer": "class 1", "score": 0.6667, "place": "number 0 of the split"}
    assert found["mistakes"][0] == {**first, "text": "one"}


def test_of_many_classes_the_worst_are_shown_and_no_matrix(summed_up):
    found = summed_up([b"text"] * 60, "text", 30)

    assert (len(found["classes"]), found["classes_in_all"]) == (CLASSES_SHOWN, 30)
    assert found["matrix"] is None
    assert len(found["mistakes"]) == MISTAKES_SHOWN


def test_a_large_picture_becomes_a_small_one_and_a_tiny_one_stays(summed_up):
    noise = np.random.default_rng(0).integers(0, 256, (900, 600, 3), np.uint8)
    found = summed_up([png(noise), png(noise[:8, :8])], "image")

    contents = [base64.b64decode(one["png_base64"]) for one in found["mistakes"]]
    sizes = [Image.open(io.BytesIO(content)).size for content in contents]
    assert sizes == [(PICTURE_PIXELS * 600 // 900, PICTURE_PIXELS), (8, 8)]
    assert len(contents[0]) < 28_000


def test_texts_and_places_are_cut_and_control_nothing(summed_up):
    place = "\u202efolder\x1b[2J/" + "a" * 200
    found = summed_up([b"A\n film \xff\x1b " + b"long " * 900, b"short"], "text", places=[place, "b"])

    first, second = found["mistakes"]
    assert first["text"].startswith("A film \ufffd\\x1b long") and len(first["text"]) == TEXT_CHARACTERS
    assert first["place"].startswith("\\u202efolder\\x1b[2J/a") and len(first["place"]) == 80
    assert (second["text"], second["place"]) == ("short", "b")


def test_of_a_sequence_its_length_and_the_course_of_each_channel_are_shown(summed_up):
    rising = np.stack([np.arange(12), np.full(12, 7.0), np.full(12, np.nan)], axis=1).astype(np.float32)
    found = summed_up([rising, np.zeros((24, 1), np.float32)], "sequence")["mistakes"]

    assert [one["steps"] for one in found] == [12, 24]
    assert found[0]["lines"] == [[round(step / 11, 2) for step in range(12)], [0.5] * 12, []]


def test_of_a_long_recording_with_many_channels_few_numbers_are_shown(summed_up):
    recordings = [np.random.default_rng(0).normal(0, 1e-9, (50_000, 40)).astype(np.float32)] * 2
    lines = summed_up(recordings, "sequence")["mistakes"][0]["lines"]

    assert [len(line) for line in lines] == [POINTS_SHOWN] * CHANNELS_SHOWN
    assert all((min(line), max(line)) == (0.0, 1.0) for line in lines)


def test_a_summary_fits_into_an_answer_whatever_the_samples_are(summed_up):
    """A function answers 6 MB at most (AWS Lambda quotas)."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 96, 96, 3), np.uint8)
    found = summed_up([png(one) for one in noise], "image", 20, ["p" * 500] * 20)

    assert len(json.dumps(found)) < 500_000

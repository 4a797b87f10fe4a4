"""The drift job over records as SageMaker's data capture writes them."""

from __future__ import annotations

import base64
import io
import json
import sys

import numpy as np
import pytest

from model_code import inference
from model_code.data.records import Split
from model_code.evaluation import drift
from model_code.evaluation.captures import Asked
from model_code.evaluation.drift import baseline_of, measure
from model_code.evaluation.known_input import BYTES_AT_MOST, known_input_of
from model_code.failures import JobFailed
from model_code.scores import Predictions

from .conftest import png, rule_made_reviews

LABELS = ["negative", "positive"]
VERSION = "3"
CYRILLIC = "Фильм был чудесный и очень трогательный".encode()


def probabilities_of(targets: list[int]) -> np.ndarray:
    """A model's that is always right and mostly sure."""
    scores = 0.9 + 0.09 * np.random.default_rng(1).random(len(targets))
    rows = np.repeat((1 - scores)[:, None], 2, axis=1)
    rows[np.arange(len(targets)), targets] = scores
    return rows


def reviews(count: int) -> Split:
    texts, targets = rule_made_reviews(count)
    return Split(texts, np.array(targets, np.int32), LABELS, "text")


def exchange(body: bytes, content_type: str, predictions: list[dict], *, plain: bool = False) -> str:
    """A line of data capture; what SageMaker was told is JSON it writes as it is, all else in base64."""

    def side(mode: str, kind: str, content: bytes) -> dict:
        data = content.decode() if plain else base64.b64encode(content).decode()
        encoding = "JSON" if plain else "BASE64"
        return {"observedContentType": kind, "mode": mode, "data": data, "encoding": encoding}

    answer = json.dumps({"predictions": predictions}).encode()
    captured = {
        "endpointInput": side("INPUT", content_type, body),
        "endpointOutput": side("OUTPUT", "application/json", answer),
    }
    return json.dumps({"captureData": captured, "eventMetadata": {"eventId": "1"}, "eventVersion": "0"})


def prediction(target: int, score: float = 0.95, version: str = VERSION) -> dict:
    return {"label": LABELS[target], "score": score, "model_version": version}


def captured(tmp_path, lines: list[str]):
    hour = tmp_path / "captured" / "13"
    hour.mkdir(parents=True, exist_ok=True)
    (hour / "01-02-003-abc.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path / "captured"


@pytest.fixture
def baseline(tmp_path):
    split = reviews(600)
    (tmp_path / "baseline.json").write_text(
        json.dumps(baseline_of(split, Predictions.likeliest(probabilities_of(split.targets.tolist()))))
    )
    return tmp_path / "baseline.json"


def traffic(texts: list[bytes], targets: list[int], *, version: str = VERSION) -> list[str]:
    scores = probabilities_of(targets).max(axis=1).tolist()
    return [
        exchange(text, "text/plain", [prediction(target, score, version)])
        for text, target, score in zip(texts, targets, scores, strict=True)
    ]


def test_traffic_like_the_test_split_is_stable(tmp_path, baseline):
    texts, targets = rule_made_reviews(400)
    figures = measure(captured(tmp_path, traffic(texts, targets)), baseline, VERSION, 200)
    assert (figures["samples"], figures["enough"]) == (400, True)
    assert figures["input"]["index"] < 0.1
    assert figures["prediction"]["index"] < 0.1


def test_other_inputs_and_the_same_answers_are_a_drift_of_inputs_alone(tmp_path, baseline):
    _, targets = rule_made_reviews(400)
    figures = measure(captured(tmp_path, traffic([CYRILLIC] * 400, targets)), baseline, VERSION, 200)
    assert figures["input"]["index"] > 0.25
    assert figures["traits"]["input.foreign_share"] > 0.25
    assert figures["prediction"]["index"] < 0.1


def test_the_same_inputs_and_other_answers_are_a_drift_of_predictions_alone(tmp_path, baseline):
    texts, _ = rule_made_reviews(400)
    figures = measure(captured(tmp_path, traffic(texts, [0] * 400)), baseline, VERSION, 200)
    assert figures["prediction"] == {
        "trait": "prediction.label",
        "index": figures["traits"]["prediction.label"],
    }
    assert figures["prediction"]["index"] > 0.25
    assert figures["input"]["index"] < 0.1


def test_of_a_few_requests_nothing_is_said(tmp_path, baseline):
    texts, targets = rule_made_reviews(199)
    figures = measure(captured(tmp_path, traffic(texts, targets)), baseline, VERSION, 200)
    assert figures == {"samples": 199, "unread": 0, "others": 0, "enough": False}


def test_what_another_version_answered_is_left_out(tmp_path, baseline):
    texts, targets = rule_made_reviews(300)
    lines = [*traffic(texts, targets), *traffic([CYRILLIC] * 300, targets, version="2")]
    figures = measure(captured(tmp_path, lines), baseline, VERSION, 200)
    assert (figures["samples"], figures["others"]) == (300, 300)
    assert figures["input"]["index"] < 0.1


def test_requests_with_several_instances_count_each(tmp_path, baseline):
    texts, targets = rule_made_reviews(300)
    pairs = list(zip(texts, targets, strict=True))
    lines = [
        exchange(
            json.dumps({"instances": [{"text": text.decode()} for text, _ in pairs[i : i + 3]]}).encode(),
            "application/json",
            [prediction(target) for _, target in pairs[i : i + 3]],
            plain=True,
        )
        for i in range(0, 300, 3)
    ]
    assert measure(captured(tmp_path, lines), baseline, VERSION, 200)["samples"] == 300


def test_what_cannot_be_read_is_counted_and_nothing_of_it_is_told(tmp_path, baseline, capsys, monkeypatch):
    texts, targets = rule_made_reviews(200)
    marked = "a-secret-of-a-customer"
    lines = [
        *traffic(texts, targets),
        exchange(marked.encode(), "text/csv", [prediction(0)]),
        exchange(f'{{"{marked}": 1}}'.encode(), "application/json", [prediction(0)], plain=True),
        exchange(marked.encode(), "text/plain", []),
    ]
    words = ["drift", "--captured", str(captured(tmp_path, lines)), "--baseline", str(baseline)]
    monkeypatch.setattr(
        sys,
        "argv",
        [*words, "--version", VERSION, "--least-samples", "200", "--output", str(tmp_path / "out")],
    )
    drift.run()
    report = (tmp_path / "out" / "drift.json").read_text()
    assert json.loads(report)["unread"] == 3
    assert marked not in report + capsys.readouterr().out


def test_a_line_that_is_no_record_fails_the_job_without_repeating_it(tmp_path, baseline):
    with pytest.raises(JobFailed, match=r"Line 1 of 01-02-003-abc\.jsonl is no record") as failure:
        measure(captured(tmp_path, ["a-secret-of-a-customer"]), baseline, VERSION, 1)
    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("content", ["", "[]", '{"feature": "text"}'])
def test_a_baseline_that_is_none_fails_the_job(tmp_path, content):
    (tmp_path / "baseline.json").write_text(content)
    with pytest.raises(JobFailed, match=r"baseline\.json is no baseline"):
        measure(tmp_path, tmp_path / "baseline.json", VERSION, 1)


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def test_images_and_sequences_are_watched_too(tmp_path):
    generator = np.random.default_rng(0)
    targets = [i % 2 for i in range(120)]
    dark = [png(generator.integers(0, 100, (8, 8, 3), np.uint8)) for _ in targets]
    bright = [png(generator.integers(150, 255, (8, 8, 3), np.uint8)) for _ in targets]
    calm = [generator.normal(size=(20, 2)).astype(np.float32) for _ in targets]
    wild = [one * 5 for one in calm]
    for feature, before, after, content_type, body, trait in (
        ("image", dark, bright, "image/png", bytes, "input.brightness"),
        ("sequence", calm, wild, "application/x-npy", npy, "input.channel1_spread"),
    ):
        split = Split(before, np.array(targets, np.int32), LABELS, feature)
        place = tmp_path / feature
        place.mkdir()
        (place / "baseline.json").write_text(
            json.dumps(baseline_of(split, Predictions.likeliest(probabilities_of(targets))))
        )
        for samples, moved in ((before, False), (after, True)):
            lines = [
                exchange(body(sample), content_type, [prediction(target)])
                for sample, target in zip(samples, targets, strict=True)
            ]
            figures = measure(captured(place, lines), place, VERSION, 100)
            assert (figures["traits"][trait] > 0.25) is moved, figures


def test_the_known_input_is_the_surest_right_answer_that_the_container_takes():
    split = reviews(50)
    probabilities = np.full((50, 2), 0.5)
    wrong, right = 7, 31
    probabilities[wrong, 1 - split.targets[wrong]] = 1.0
    probabilities[right, split.targets[right]] = 0.9
    known = known_input_of(split, Predictions.likeliest(probabilities))
    assert known["label"] == LABELS[split.targets[right]]
    passed = inference.input_handler(io.BytesIO(known["request"].encode()), Asked("application/json"))
    (instance,) = json.loads(passed)["instances"]
    assert base64.b64decode(instance["text"]["b64"]) == split.samples[right]


def test_without_a_right_answer_of_moderate_size_the_known_input_has_no_label():
    split = Split([b"x" * BYTES_AT_MOST, b"short"], np.array([0, 0], np.int32), LABELS, "text")
    known = known_input_of(split, Predictions.likeliest(np.array([[0.9, 0.1], [0.4, 0.6]])))
    assert (json.loads(known["request"]), known["label"]) == ({"instances": [{"text": "short"}]}, "")
    wrong_too = Predictions.likeliest(np.array([[0.9, 0.1], [0.6, 0.4]]))
    assert known_input_of(split, wrong_too)["label"] == "negative"


def test_without_a_sample_of_moderate_size_there_is_no_known_input():
    split = Split([b"x" * BYTES_AT_MOST], np.array([0], np.int32), LABELS, "text")
    assert known_input_of(split, Predictions.likeliest(np.array([[0.9, 0.1]]))) is None

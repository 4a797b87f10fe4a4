"""Which samples are asked about, in what form, and what the report makes of the answers."""

from __future__ import annotations

import base64
import io
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cli.local.report import ModelReport, confusion_rows, draw_curve, write_report
from cli.recognize import samples
from cli.recognize.request import Reply, describe_answer, questions_about
from cli.recognize.subjects import Subject
from cli.shared.errors import CommandFailed


def png(size: tuple[int, int] = (32, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def sample(truth: str, prediction: str = "cat", text: str | None = None) -> dict:
    made = {"position": 7, "truth": truth, "prediction": prediction, "score": 0.9}
    return {**made, "text": text} if text else {**made, "image_png_base64": base64.b64encode(png()).decode()}


def test_samples_of_different_classes_come_first():
    asked = samples.varied([sample("cat"), sample("cat"), sample("dog"), sample("ship")])
    assert [sample["truth"] for sample in asked][:3] == ["cat", "dog", "ship"]


@given(st.lists(st.sampled_from(["", "good ", "é" * 3_000, "x" * 5_000, "x" * 5_001])))
def test_no_text_is_asked_about_that_the_managed_service_would_refuse(texts):
    asked = samples.varied([{"truth": "positive", "text": text} for text in texts])
    assert all(len(sample["text"].encode()) <= 5_000 for sample in asked)
    assert len(asked) == min(samples.SAMPLES_PER_KIND, sum(len(text.encode()) <= 5_000 for text in texts))


def test_a_small_image_is_enlarged_for_the_managed_service_only():
    own, managed = samples.image_questions(sample("cat"))
    assert Image.open(io.BytesIO(own.body)).size == (32, 32)
    assert Image.open(io.BytesIO(managed.body)).size == (128, 128)


def test_an_endpoint_that_contradicts_the_evaluation_of_its_artefact_fails_the_demo(monkeypatch):
    answer = {
        "operation": "image-class",
        "backend": "sagemaker",
        "model": {"name": "recognition-dev-cnn", "version": "1"},
        "stand_in": None,
        "results": [{"label": "dog", "score": 0.8}],
        "details": {},
    }
    monkeypatch.setattr(samples, "ask", lambda target, question: Reply(200, answer, 0.01))
    with pytest.raises(CommandFailed, match="says dog, but the evaluation of the same artefact said cat"):
        samples.ask_about_samples(None, "cnn", [sample("cat")], print)


@pytest.mark.parametrize(
    ("content_type", "paths"),
    [
        ("image/jpeg", ["/images/labels", "/images/class"]),
        ("text/plain; charset=utf-8", ["/texts/sentiment", "/texts/class"]),
        ("application/json", ["/sequences/class"]),
    ],
)
def test_a_subject_is_asked_about_by_its_kind(content_type, paths):
    asked = questions_about(Subject(b"content", content_type))
    assert [question.path for question in asked] == paths
    assert {(question.body, question.content_type) for question in asked} == {(b"content", content_type)}


def test_an_error_of_the_api_is_shown_by_its_sentence():
    reply = Reply(503, {"error": {"code": "ModelNotReleased", "message": "No model is released yet."}}, 0.1)
    assert describe_answer(reply) == ("–", "503: No model is released yet.", "")


@pytest.fixture
def model() -> ModelReport:
    metrics = {
        "accuracy": {"value": 0.75, "standard_deviation": 0.01},
        "macro_f1": {"value": 0.74, "standard_deviation": 0.01},
        "log_loss": {"value": 0.6, "standard_deviation": 0.01},
        "confusion_matrix": {"cat": {"cat": 3, "dog": 1}, "dog": {"cat": 0, "dog": 0}},
    }
    card = {"name": "CIFAR-10", "source": "a public set", "licence": "MIT", "split_rule": "the set's own"}
    history = [
        {"epoch": 1.0, "train_loss": 1.5, "validation_loss": 1.2, "validation_accuracy": 0.5},
        {"epoch": 2.0, "train_loss": 1.1, "validation_loss": 0.9, "validation_accuracy": 0.7},
    ]
    evaluation = {"multiclass_classification_metrics": metrics, "samples": 4}
    curve = [
        {"step": step, "train_loss": loss, "train_accuracy": 1 - loss / 2}
        for step, loss in ((20, 1.5), (40, 1.1), (60, 0.8))
    ]
    samples = [sample("cat", "<script>")]
    return ModelReport("cnn", "1", card, evaluation, samples, history, curve, {"epochs": "2"})


def marks_of(svg: str, colour: str) -> int:
    """How many points are marked in a colour, over both pictures and their legends."""
    return len(re.findall(f"<use [^>]*fill: {colour}", svg))


def test_one_epoch_is_drawn_as_a_curve_by_its_steps(model):
    svg = draw_curve(model.history[:1], model.curve)
    in_legends = 2
    assert marks_of(svg, "#3b82f6") == 2 * len(model.curve) + in_legends
    assert marks_of(svg, "#f59e0b") == 2 + in_legends


def test_a_run_without_a_curve_shows_what_was_measured_after_its_epochs(model):
    svg = draw_curve(model.history, [])
    assert marks_of(svg, "#3b82f6") == 0
    assert marks_of(svg, "#f59e0b") == 2 * (len(model.history) + 1)


def test_the_confusion_matrix_shows_shares_and_survives_an_empty_class(model):
    cat, dog = confusion_rows(model)
    assert [cell["share"] for cell in cat["cells"]] == [0.75, 0.25]
    assert [cell["share"] for cell in dog["cells"]] == [0.0, 0.0]


def test_the_report_stands_alone_and_escapes_what_it_shows(model, tmp_path):
    page = write_report(
        tmp_path, [model], [], steps={"A step": 1.0}, seconds=1.0, embedded_aws=True
    ).read_text()
    assert not re.findall(r"(?:src|href)=[\"'](?!data:|#)", page)
    assert "<script>" not in page
    assert "0.7500" in page
    assert json.loads((tmp_path / "report.json").read_text())["models"][0]["evaluation"] == model.evaluation

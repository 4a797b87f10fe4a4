"""The evaluation's figures agree with scikit-learn's, and the job measures the artefact that is served."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn import metrics

import model_code
from model_code.evaluation.evaluate import evaluate
from model_code.evaluation.files import PLOT_FILES, write_report
from model_code.evaluation.mistakes import MOST_LISTED
from model_code.evaluation.quality import quality
from model_code.failures import JobFailed
from model_code.scores import Predictions, calibration_error, score_of

LABELS = ["cat", "dog", "eel"]


def answers(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that favour the truth, and the truth."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, 3, count)
    logits = generator.normal(size=(count, 3)) + 1.5 * np.eye(3)[targets]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), targets


def report_of(probabilities: np.ndarray, targets: np.ndarray, metric: str = "accuracy") -> dict:
    """The report of a model that answers the likeliest class."""
    labels = LABELS if probabilities.shape[1] == 3 else ["no", "yes"]
    return quality(Predictions.likeliest(probabilities), targets, labels, metric)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10_000), st.integers(1, 80))
def test_the_figures_are_scikit_learns(seed, count):
    probabilities, targets = answers(count, seed)
    predictions = probabilities.argmax(axis=1)

    figures = report_of(probabilities, targets)["multiclass_classification_metrics"]

    assert figures["accuracy"]["value"] == pytest.approx(metrics.accuracy_score(targets, predictions))
    expected_f1 = metrics.f1_score(targets, predictions, average="macro", labels=[0, 1, 2], zero_division=0)
    assert figures["macro_f1"]["value"] == pytest.approx(expected_f1)
    expected_loss = metrics.log_loss(targets, probabilities, labels=[0, 1, 2])
    assert figures["log_loss"]["value"] == pytest.approx(expected_loss)
    with warnings.catch_warnings():
        # Of classes that do not occur.
        warnings.simplefilter("ignore")
        balanced = metrics.balanced_accuracy_score(targets, predictions)
    assert figures["balanced_accuracy"]["value"] == pytest.approx(balanced)
    matrix = metrics.confusion_matrix(targets, predictions, labels=[0, 1, 2])
    rows = figures["confusion_matrix"]
    assert [[rows[truth][answer] for answer in LABELS] for truth in LABELS] == matrix.tolist()
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        targets, predictions, labels=[0, 1, 2], zero_division=0
    )
    for i, label in enumerate(LABELS):
        assert figures["per_class"][label] == pytest.approx(
            {"precision": precision[i], "recall": recall[i], "f1": f1[i], "support": support[i]}
        )


def test_the_interval_and_the_deviation_are_those_of_a_binomial():
    probabilities, targets = answers(2000)

    accuracy = report_of(probabilities, targets)["multiclass_classification_metrics"]["accuracy"]

    expected = np.sqrt(accuracy["value"] * (1 - accuracy["value"]) / 2000)
    assert accuracy["standard_deviation"] == pytest.approx(expected, rel=0.1)
    low, high = accuracy["interval_95"]
    assert high - low == pytest.approx(2 * 1.96 * expected, rel=0.15)
    assert low < accuracy["value"] < high


def test_the_gate_reads_the_same_figures():
    report = report_of(*answers(50))

    figures = report["multiclass_classification_metrics"]
    assert report["gate"] == {name: figures[name]["value"] for name in report["gate"]}
    assert "accuracy" in report["gate"]


def test_two_classes_are_a_binary_problem():
    probabilities, targets = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])

    assert "binary_classification_metrics" in report_of(probabilities, targets)


@pytest.mark.parametrize("levels", [4, 1_000_000])
def test_the_rankings_are_scikit_learns_also_where_scores_are_equal(levels):
    probabilities, targets = answers(200)
    probabilities = np.round(probabilities * levels) / levels

    gate = report_of(probabilities, targets)["gate"]

    truth = np.eye(3)[targets]
    assert gate["auc"] == pytest.approx(metrics.roc_auc_score(truth, probabilities, average="macro"))
    expected = metrics.average_precision_score(truth, probabilities, average="macro")
    assert gate["average_precision"] == pytest.approx(expected)


def test_of_two_classes_the_average_precision_is_the_rarer_ones():
    generator = np.random.default_rng(0)
    targets = (generator.random(300) < 0.1).astype(int)
    second = 1 / (1 + np.exp(-generator.normal(2.0 * targets - 2)))

    gate = report_of(np.stack([1 - second, second], axis=1), targets)["gate"]

    assert gate["average_precision"] == pytest.approx(metrics.average_precision_score(targets, second))
    assert gate["auc"] == pytest.approx(metrics.roc_auc_score(targets, second))


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "macro_f1", "auc", "average_precision"])
def test_a_metrics_score_is_its_value(metric):
    report = report_of(*answers(60), metric)

    assert (report["metric"], report["score"]) == (metric, report["gate"][metric])


def test_the_score_of_the_log_loss_is_better_the_more_it_is():
    assert score_of("log_loss", {"log_loss": 0.0}) == 1.0
    assert score_of("log_loss", {"log_loss": 2.0}) < score_of("log_loss", {"log_loss": 1.0})


def test_what_a_model_answers_against_the_likelier_class_is_what_is_measured():
    probabilities, targets = np.array([[0.8, 0.2], [0.9, 0.1]]), np.array([1, 0])

    report = quality(Predictions(probabilities, np.array([1, 0])), targets, ["no", "yes"], "accuracy")

    assert report["gate"]["accuracy"] == 1.0
    # It is right each time, with scores of 0.2 and 0.9.
    assert report["gate"]["calibration_error"] == pytest.approx((0.8 + 0.1) / 2)


def test_a_network_that_is_as_sure_as_it_is_right_has_no_calibration_error():
    confidence = np.full(1000, 0.8)
    right = np.arange(1000) < 800

    assert calibration_error(confidence, right.astype(float)) == pytest.approx(0.0)
    assert calibration_error(np.full(1000, 1.0), right.astype(float)) == pytest.approx(0.2)


def test_the_job_reads_the_archive_and_measures_what_it_serves(trained, tmp_path):
    (tmp_path / "model").mkdir()
    with tarfile.open(tmp_path / "model" / "model.tar.gz", "w:gz") as archive:
        archive.add(trained.artefact, arcname=".")

    evaluate(tmp_path / "model", trained.channels / "test", tmp_path / "output", plots=True)

    # The tiny network's card has no curve.
    for name in PLOT_FILES[:-1]:
        with Image.open(tmp_path / "output" / name) as picture:
            assert len(picture.convert("L").getcolors(256)) > 2, f"{name} is not blank"
    report = json.loads((tmp_path / "output" / "evaluation.json").read_text())
    gate = json.loads((tmp_path / "output" / "gate.json").read_text())
    measured = hashlib.sha256((tmp_path / "model" / "model.tar.gz").read_bytes()).hexdigest()
    assert gate == {
        "gate": report["gate"],
        "metric": "accuracy",
        "score": report["gate"]["accuracy"],
        "artefact_sha256": measured,
    }
    baseline = json.loads((tmp_path / "output" / "baseline.json").read_text())
    known = json.loads((tmp_path / "output" / "known_input.json").read_text())
    assert (baseline["feature"], baseline["samples"]) == (trained.task.feature, 100)
    assert known["label"] in report["labels"]
    assert list(json.loads(known["request"])["instances"][0]) == [trained.task.feature]
    samples = json.loads((tmp_path / "output" / "samples.json").read_text())
    assert report["samples"] == 100
    wrong = [row for row in report["worst_mistakes"] if row["label"] == row["answer"]]
    mistakes = round(100 * (1 - report["gate"]["accuracy"]))
    assert len(report["worst_mistakes"]) == min(mistakes, MOST_LISTED) and not wrong
    page = (tmp_path / "output" / "report.html").read_text()
    assert "The surest wrong answers" in page and page.count("data:image/png") >= 3
    assert report["labels"] == trained.task.labels
    figures = next(value for key, value in report.items() if key.endswith("_classification_metrics"))
    assert sum(count for row in figures["confusion_matrix"].values() for count in row.values()) == 100
    assert len(samples) >= 16
    for sample in samples:
        assert {sample["truth"], sample["prediction"]} <= set(report["labels"])
        if trained.task.feature == "image":
            assert base64.b64decode(sample["image_png_base64"]).startswith(b"\x89PNG")
        elif trained.task.feature == "text":
            assert sample["text"].startswith("The ")
        else:
            assert 12 <= len(sample["sequence"]) <= 24
            assert all(len(step) == 3 for step in sample["sequence"])


def test_a_channel_of_other_classes_is_refused(trained, tmp_path):
    test = tmp_path / "test"
    test.mkdir()
    for file in (trained.channels / "test").iterdir():
        (test / file.name).write_bytes(file.read_bytes())
    (test / "labels.json").write_text(json.dumps(list(reversed(trained.task.labels))))

    with pytest.raises(JobFailed, match="names other classes in its labels.json than the model"):
        evaluate(trained.artefact, test, tmp_path / "output")


def test_a_failed_job_leaves_its_sentence_and_exit_status(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.tar.gz").write_bytes(b"no archive")
    words = ["--model", "model", "--test", "test", "--output", "out"]

    finished = subprocess.run(
        [sys.executable, "-m", "model_code.evaluation.evaluate", *words],
        cwd=tmp_path,
        env={
            **os.environ,
            "SAGEMAKER_BASE_DIR": str(tmp_path),
            "PYTHONPATH": str(Path(model_code.__file__).parents[1]),
        },
    )

    assert finished.returncode == 1
    sentence = (tmp_path / "output" / "message").read_text()
    assert sentence.startswith("model.tar.gz is no readable tar archive")


def test_a_thousand_classes_fit_into_what_a_state_holds(monkeypatch, tmp_path):
    """262,144 bytes (Step Functions quotas), of which the matrix of all classes has many times as much."""
    monkeypatch.setattr("model_code.evaluation.quality.RESAMPLES", 2)
    labels = [f"class name {number:04d}" for number in range(1_000)]
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(1_000), 2_000)
    targets = generator.integers(0, 1_000, 2_000)
    report = quality(Predictions.likeliest(probabilities), targets, labels, "accuracy")
    difference = {"value": 0.01, "interval_95": [-0.01, 0.02]}
    champion = {"comparable": True, "score": 0.5, "difference": difference}
    write_report({**report, "champion": champion}, tmp_path)
    assert (tmp_path / "evaluation.json").stat().st_size > 262_144
    assert (tmp_path / "gate.json").stat().st_size < 10_000
    found = json.loads((tmp_path / "gate.json").read_text())
    assert found == {**{name: report[name] for name in ("gate", "metric", "score")}, "champion": champion}

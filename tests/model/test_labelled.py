"""The job of labels that arrive later, over records of data capture and of ground truth."""

from __future__ import annotations

import json
import sys

import pytest

from model_code.evaluation import labelled
from model_code.evaluation.labelled import measure
from model_code.evaluation.truth import labels_below, line_of
from model_code.failures import JobFailed

CLASSES = ["bird", "cat", "dog"]
VERSION = "3"


def exchange(number: int, answer: str, score: float = 0.8, version: str = VERSION, **told) -> str:
    """A line of data capture about one answer; the request's id is its number."""
    rest = (1 - score) / 2
    probabilities = {name: score if name == answer else rest for name in CLASSES}
    prediction = {"label": answer, "score": score, "probabilities": probabilities, "model_version": version}
    answered = {
        "observedContentType": "application/json",
        "encoding": "JSON",
        "data": json.dumps({"predictions": told.pop("predictions", [prediction])}),
    }
    told = {"eventId": f"event-{number}", "inferenceId": f"request-{number}", **told}
    return json.dumps(
        {"captureData": {"endpointOutput": answered}, "eventMetadata": told, "eventVersion": "0"}
    )


@pytest.fixture
def job(tmp_path):
    """Measures exchanges against labels by request id; the evaluation's scores are those of a good model."""

    def run(exchanges: list[str], *files: dict[str, str], metric: str = "accuracy", least_samples: int = 20):
        (tmp_path / "captured" / "13").mkdir(parents=True)
        (tmp_path / "captured" / "13" / "01.jsonl").write_text("\n".join(exchanges) + "\n")
        for number, labels in enumerate(files):
            folder = tmp_path / "labels" / f"0{number}"
            folder.mkdir(parents=True)
            lines = "".join(f"{line_of(request_id, label)}\n" for request_id, label in labels.items())
            (folder / "1.jsonl").write_text(lines)
        gate = {"accuracy": 0.9, "balanced_accuracy": 0.88, "macro_f1": 0.87}
        evaluation = {"labels": CLASSES, "metric": metric, "gate": gate}
        (tmp_path / "evaluation.json").write_text(json.dumps(evaluation))
        places = (tmp_path / name for name in ("captured", "labels", "evaluation.json"))
        return measure(*places, VERSION, least_samples)

    return run


def truths(count: int, wrong: int) -> dict[str, str]:
    """Labels of `count` requests that were answered `cat`: the first `wrong` were a dog."""
    return {f"request-{i}": "dog" if i < wrong else "cat" for i in range(count)}


def test_answers_as_right_as_on_the_test_split_have_no_drift(job):
    report = job([exchange(i, "cat") for i in range(100)], truths(100, wrong=10))
    assert (report["samples"], report["enough"], report["metric"]) == (100, True, "accuracy")
    assert (report["score"], report["accuracy"], report["score_drift"]) == (0.9, 0.9, 0.0)


def test_answers_that_are_surely_worse_have_drifted_by_what_chance_does_not_explain(job):
    report = job([exchange(i, "cat") for i in range(100)], truths(100, wrong=40))
    low, high = report["interval_95"]
    assert low < 0.6 < high < 0.75
    assert report["score_on_test"] == 0.9
    assert report["score_drift"] == pytest.approx(0.9 - high)


def test_answers_that_are_surer_than_right_are_badly_calibrated(job):
    report = job([exchange(i, "cat", score=0.9) for i in range(100)], truths(100, wrong=40))
    assert report["calibration_error"] == pytest.approx(0.3)


def test_the_worst_classes_come_first_with_what_was_answered_instead(job):
    report = job([exchange(i, "cat" if i < 60 else "bird") for i in range(100)], truths(100, wrong=30))
    assert report["worst_classes"] == [
        {"label": "dog", "recall": 0.0, "samples": 30, "answered_instead": "cat"},
        {"label": "cat", "recall": 30 / 70, "samples": 70, "answered_instead": "bird"},
    ]


def test_a_metric_that_a_day_without_some_class_would_lower_gives_way(job):
    """Macro F1 counts a class that is not there as missed."""
    report = job([exchange(i, "cat") for i in range(40)], truths(40, wrong=0), metric="macro_f1")
    assert (report["metric"], report["score"], report["score_on_test"]) == ("balanced_accuracy", 1.0, 0.88)


def test_what_cannot_be_joined_is_counted_and_left_out(job):
    exchanges = [
        *(exchange(i, "cat") for i in range(30)),
        exchange(30, "cat", version="2"),
        exchange(31, "cat", predictions=[]),
        exchange(34, "fish"),
        exchange(32, "cat"),
        exchange(33, "cat"),
    ]
    labels = truths(32, wrong=0) | {"request-32": "horse", "another-day's": "cat"}
    report = job(exchanges, labels)
    assert {name: report[name] for name in ("samples", "answered", "unread", "others", "unknown")} == {
        "samples": 30,
        "answered": 32,
        "unread": 2,
        "others": 1,
        "unknown": 1,
    }


def test_the_samples_of_one_request_are_labelled_each_by_its_number(job):
    def predictions(*answers: str) -> list[dict]:
        return [
            {
                "label": answer,
                "model_version": VERSION,
                "probabilities": {name: 0.8 if name == answer else 0.1 for name in CLASSES},
            }
            for answer in answers
        ]

    exchanges = [exchange(i, "cat", predictions=predictions("cat", "dog", "bird")) for i in range(20)]
    labels = {f"request-{i}#{number}": "cat" for i in range(20) for number in (1, 2)}
    # Of several samples the request's id alone names none.
    report = job(exchanges, labels | truths(20, wrong=0))
    counted = {name: report[name] for name in ("samples", "answered", "unread", "unknown", "accuracy")}
    assert counted == {"samples": 40, "answered": 60, "unread": 0, "unknown": 0, "accuracy": 0.5}


def test_of_a_few_labels_nothing_is_said(job):
    report = job([exchange(i, "cat") for i in range(100)], truths(19, wrong=19))
    assert report == {"samples": 19, "answered": 100, "unread": 0, "others": 0, "unknown": 0, "enough": False}


def test_a_label_that_is_told_again_counts_as_it_was_told_last(job):
    report = job([exchange(i, "cat") for i in range(30)], truths(30, wrong=30), truths(30, wrong=0))
    assert report["accuracy"] == 1.0


def test_a_request_without_an_id_of_its_own_is_named_by_sagemakers(job):
    exchanges = [exchange(i, "cat", inferenceId=None) for i in range(30)]
    report = job(exchanges, {f"event-{i}": "cat" for i in range(30)})
    assert report["samples"] == 30


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"groundTruthData": {"data": "cat", "encoding": "BASE64"}}', b"\xff", b"[" * 100_000],
    ids=["half", "a list", "another encoding", "no text", "nested"],
)
def test_a_line_that_is_no_label_ends_the_job_with_its_place(tmp_path, line):
    (tmp_path / "07.jsonl").write_bytes(line_of("1", "cat").encode() + b"\n" + line + b"\n")
    with pytest.raises(JobFailed, match=r"Line 2 of 07\.jsonl is no label"):
        labels_below(tmp_path)


def test_without_an_evaluation_of_classes_the_job_says_so(tmp_path, monkeypatch):
    (tmp_path / "evaluation.json").write_text('{"labels": []}')
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    words = {
        "--captured": tmp_path,
        "--labels": tmp_path,
        "--evaluation": tmp_path,
        "--version": "3",
        "--least-samples": "20",
        "--output": tmp_path / "out",
    }
    monkeypatch.setattr(sys, "argv", ["labelled", *(str(word) for pair in words.items() for word in pair)])
    with pytest.raises(SystemExit):
        labelled.run()
    assert "evaluation.json is no evaluation" in (tmp_path / "output" / "failure").read_text()

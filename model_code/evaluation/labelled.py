"""The job of labels that arrive later: holds a day's answers against them, and against the test split's score."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from model_code.evaluation.captures import SAMPLES_AT_MOST, files_of, predictions_of
from model_code.evaluation.files import EVALUATION_FILE, LABELLED_FILE, LABELLED_FOLDER
from model_code.evaluation.group_scores import COMPARABLE
from model_code.evaluation.quality import RESAMPLES, interval_95, per_class, spread
from model_code.evaluation.truth import labels_below
from model_code.failures import JobFailed, reported
from model_code.scores import Answered, Predictions, confusion_matrix, score_of

WORST_LISTED = 5


@dataclass
class Joined:
    """The answers of one version to which a label came.

    Attributes:
        probabilities: of the classes, in their order.
        answers: numbers of classes.
        targets: likewise, of the labels.
        answered: predictions of the version, with a label or without.
        unread: exchanges whose answer is no predictions of these classes.
        others: exchanges that another version of the model answered.
        unknown: labels that are none of the classes.
    """

    probabilities: list[list[float]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    answered: int = 0
    unread: int = 0
    others: int = 0
    unknown: int = 0


def run() -> None:
    """Runs the job and ends the process: 0, or 1 with a failure reason."""
    parser = argparse.ArgumentParser(
        description="Holds what an endpoint answered against labels that arrived later.",
        epilog="Example: python3 -m model_code.evaluation.labelled --captured captured --labels labels "
        "--evaluation evaluation.json --version 3 --least-samples 100 --output out",
    )
    parser.add_argument("--captured", type=Path, required=True, help="what SageMaker's data capture wrote")
    parser.add_argument("--labels", type=Path, required=True, help="ground truth records by request id")
    parser.add_argument("--evaluation", type=Path, required=True, help="the version's, or its directory")
    parser.add_argument(
        "--version", required=True, help="of the model; what another one answered is left out"
    )
    parser.add_argument("--least-samples", type=int, required=True, help="with fewer nothing is said")
    parser.add_argument("--output", type=Path, required=True, help=f"where {LABELLED_FILE} goes")
    words = parser.parse_args()
    with reported("The job of later labels"):
        LABELLED_FOLDER.check(words.output)
        report = measure(words.captured, words.labels, words.evaluation, words.version, words.least_samples)
    LABELLED_FOLDER.prepare(words.output)
    (words.output / LABELLED_FILE).write_text(
        json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8"
    )
    print(f"labelled: {json.dumps(report)}", flush=True)


def measure(
    captured: Path, labels: Path, evaluation: Path, version: str, least_samples: int
) -> dict[str, Any]:
    """How well `version` answered by the labels that came; nothing of any request is in it.

    Returns:
        `samples`, those that have a label; `answered`, `unread`, `others` and `unknown` (see `Joined`); `enough`. Where
        there is enough, `metric`, its `score` with its `interval_95` and the test split's as `score_on_test`;
        `score_drift`, how far that one lies above the interval; `accuracy`, `calibration_error`; and `worst_classes`
        by their recall, each with `label`, `recall`, `samples` and `answered_instead`, its most frequent mistake.

    Raises:
        JobFailed: when the captured data, the labels or the evaluation cannot be read.
    """
    known = read_evaluation(evaluation)
    joined = join(captured, labels_below(labels), known["labels"], version)
    counted = {
        "samples": len(joined.targets),
        **{name: getattr(joined, name) for name in ("answered", "unread", "others", "unknown")},
    }
    if len(joined.targets) < max(least_samples, 1):
        return {**counted, "enough": False}
    predictions = Predictions(np.array(joined.probabilities), np.array(joined.answers, np.int64))
    targets = np.array(joined.targets, np.int64)
    answered = Answered(predictions, targets)
    figures = answered.figures()
    # A day has not every class: what counts a class that is not there as missed would tell of that alone.
    metric = known["metric"] if known["metric"] in COMPARABLE else "balanced_accuracy"
    score, on_test = score_of(metric, figures), score_of(metric, known["gate"])
    interval = interval_95(
        spread(lambda counts: {metric: score_of(metric, answered.figures(counts))}, len(targets), RESAMPLES)[
            metric
        ]
    )
    return {
        **counted,
        "enough": True,
        "metric": metric,
        "score": score,
        "interval_95": interval,
        "score_on_test": on_test,
        "score_drift": max(0.0, on_test - interval[1]),
        "accuracy": figures["accuracy"],
        "calibration_error": figures["calibration_error"],
        "worst_classes": worst_classes(
            confusion_matrix(predictions.answers, targets, len(known["labels"])), known["labels"]
        ),
    }


def worst_classes(matrix: np.ndarray, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The classes that were missed, by their recall, WORST_LISTED at most, from counts [C, C] by truth and answer."""
    rows = [
        {
            "label": label,
            "recall": scores["recall"],
            "samples": scores["support"],
            "answered_instead": labels[int(np.where(np.arange(len(labels)) == i, -1, matrix[i]).argmax())],
        }
        for i, (label, scores) in enumerate(per_class(matrix, labels).items())
        if scores["support"] and scores["recall"] < 1
    ]
    return sorted(rows, key=lambda row: (row["recall"], -row["samples"]))[:WORST_LISTED]


def join(captured: Path, labels: dict[str, str], classes: Sequence[str], version: str) -> Joined:
    """The answers of `version` with the labels of the same requests; of very many a seeded choice of files."""
    joined, numbers = Joined(), {label: number for number, label in enumerate(classes)}
    for exchanges in files_of(captured):
        for request_id, exchange in exchanges:
            take(joined, exchange, request_id, labels, numbers, version)
        if len(joined.targets) >= SAMPLES_AT_MOST:
            break
    return joined


def take(
    joined: Joined,
    exchange: dict[str, Any],
    request_id: str,
    labels: dict[str, str],
    numbers: dict[str, int],
    version: str,
) -> None:
    """Adds the predictions of one exchange, or counts it where there is nothing to hold them against."""
    try:
        predictions = predictions_of(exchange["endpointOutput"])
        versions = {prediction.get("model_version") for prediction in predictions}
        if versions - {version}:
            joined.others += 1
            return
        answers = [numbers[prediction["label"]] for prediction in predictions]
        probabilities = [
            [float(prediction["probabilities"][name]) for name in numbers] for prediction in predictions
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        answers, probabilities = [], []
    if not answers:
        joined.unread += 1
        return
    joined.answered += len(answers)
    for position, sample_id in enumerate(ids_of(request_id, len(answers))):
        label = labels.get(sample_id)
        if label is None:
            continue
        if label not in numbers:
            joined.unknown += 1
            continue
        joined.probabilities.append(probabilities[position])
        joined.answers.append(answers[position])
        joined.targets.append(numbers[label])


def ids_of(request_id: str, count: int) -> list[str]:
    """By which labels name a request's samples: its id, or where it has several, that with `#1`, `#2` and so on."""
    return [request_id] if count == 1 else [f"{request_id}#{number}" for number in range(1, count + 1)]


def read_evaluation(file: Path) -> dict[str, Any]:
    """The classes and the scores that an evaluation wrote; see `measure` for what is raised."""
    place = file / EVALUATION_FILE if file.is_dir() else file
    try:
        report = json.loads(place.read_bytes())
        return {name: report[name] for name in ("labels", "metric", "gate")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobFailed(f"{place.name} is no evaluation of a model ({type(error).__name__}).") from error


if __name__ == "__main__":
    run()

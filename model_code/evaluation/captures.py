"""Reads what SageMaker's data capture writes: JSON Lines, a request and its answer in each."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from model_code import inference
from model_code.failures import JobFailed

SAMPLES_AT_MOST = 20_000


@dataclass
class Captured:
    """What was read.

    Attributes:
        feature: `image`, `text` or `sequence`; empty when nothing was read.
        samples: as `model_code.evaluation.features` takes them.
        labels: of the predictions, as many as samples.
        scores: likewise.
        unread: exchanges whose request or answer is in a form that is not read here.
        others: exchanges that another version of the model answered.
    """

    feature: str = ""
    samples: list[Any] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    unread: int = 0
    others: int = 0


@dataclass(frozen=True)
class Asked:
    """What the container's own reader of requests wants to know of one."""

    request_content_type: str
    accept_header: None = None


def read_captures(directory: Path, version: str) -> Captured:
    """The exchanges below a directory that `version` answered; of very many a seeded choice of files.

    Raises:
        JobFailed: when a file is no JSON Lines.
    """
    exchanged = Captured()
    for exchanges in files_of(directory):
        for _, captured in exchanges:
            take(exchanged, captured, version)
        if len(exchanged.samples) >= SAMPLES_AT_MOST:
            break
    return exchanged


def files_of(directory: Path) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    """The exchanges of each file below a directory, the files in a seeded order; see `exchanges_of`."""
    files = sorted(directory.rglob("*.jsonl"))
    for i in np.random.default_rng(0).permutation(len(files)):
        yield exchanges_of(files[i])


def exchanges_of(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The id and the `captureData` of each line; see `read_captures` for what is raised.

    The id is the caller's InferenceId, or SageMaker's own where he gave none.
    """
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = json.loads(line)
                told = record["eventMetadata"]
                yield str(told.get("inferenceId") or told["eventId"]), record["captureData"]
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                # Neither the line nor the error's text: both may hold what a customer sent.
                raise JobFailed(
                    f"Line {number} of {file.name} is no record of SageMaker's data capture."
                ) from error


def take(taken: Captured, captured: dict[str, Any], version: str) -> None:
    """Adds one exchange, or counts it where it is not read."""
    try:
        feature, samples = samples_of(captured["endpointInput"])
        predictions = predictions_of(captured["endpointOutput"])
        labels = [str(prediction["label"]) for prediction in predictions]
        scores = [float(prediction["score"]) for prediction in predictions]
        versions = {prediction.get("model_version") for prediction in predictions}
    except (inference.Refused, KeyError, TypeError, ValueError, AttributeError):
        taken.unread += 1
        return
    if len(samples) != len(predictions) or taken.feature not in ("", feature):
        taken.unread += 1
    elif versions != {version}:
        taken.others += 1
    else:
        taken.feature = feature
        taken.samples += samples
        taken.labels += labels
        taken.scores += scores


def content_of(side: dict[str, Any]) -> bytes:
    """A request's or an answer's body; SageMaker writes as it is what it was told is JSON or CSV, else base64."""
    if side["encoding"] == "BASE64":
        return base64.b64decode(side["data"], validate=True)
    return side["data"].encode()


def samples_of(side: dict[str, Any]) -> tuple[str, list[Any]]:
    """The feature and the samples of a request, by the reader with which the model itself reads it."""
    rows = json.loads(
        inference.input_handler(io.BytesIO(content_of(side)), Asked(side["observedContentType"]))
    )["instances"]
    (feature,) = rows[0]
    if feature == "sequence":
        # The reader pads the sequences of one request behind with steps of NaN.
        return feature, [without_padding(row[feature]) for row in rows]
    return feature, [base64.b64decode(row[feature]["b64"]) for row in rows]


def without_padding(steps: list[list[float]]) -> np.ndarray:
    """A sequence's own steps."""
    values = np.asarray(steps, float)
    return values[~np.isnan(values).all(axis=1)]


def predictions_of(side: dict[str, Any]) -> list[dict[str, Any]]:
    """The predictions of an answer in JSON or JSON Lines."""
    content = content_of(side).decode()
    if inference.media_type(side["observedContentType"]) == inference.JSON_LINES_TYPE:
        return [json.loads(line) for line in content.split("\n") if line.strip()]
    return json.loads(content)["predictions"]

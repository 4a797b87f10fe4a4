"""Labels that arrive after the answer, in the form of SageMaker Model Monitor's ground truth: JSON Lines by request."""

from __future__ import annotations

import json
from pathlib import Path

from definitions.labels import line_of
from model_code.failures import JobFailed


def labels_below(directory: Path) -> dict[str, str]:
    """By request id the label; of several for one request the last, in the order of the files' paths.

    Raises:
        JobFailed: when a line is no such label.
    """
    labels: dict[str, str] = {}
    for file in sorted(directory.rglob("*.jsonl")):
        for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                truth = record["groundTruthData"]
                if truth["encoding"] != "CSV":
                    raise ValueError
                labels[str(record["eventMetadata"]["eventId"])] = str(truth["data"])
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise JobFailed(
                    f"Line {number} of {file.name} is no label: it has to be like {line_of('<request id>', '<label>')}."
                ) from error
    return labels

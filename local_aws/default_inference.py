"""The handlers of an artefact that has none: the inference container's own way from a request to its signature.

As deep-learning-containers has it (scripts/docker/tensorflow/inference/sagemaker/tensorflowServing.js): JSON that
names instances goes to TensorFlow Serving as it is, and other JSON, JSON lines and CSV become instances.
"""

from __future__ import annotations

import csv
import json
import re
from typing import Any

JSON_TYPES = ("application/json", "application/jsonlines", "application/jsons")
OF_TENSORFLOW_SERVING = re.compile(r'"(instances|inputs|examples)"\s*:')
# One value ends and the next begins without a comma.
LINES = re.compile(r"[}\]]\s*[\[{]")
ROWS = re.compile(r"\s*\[\s*\[")


class Refused(Exception):
    """What the container answers instead of a prediction, with the HTTP `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def input_handler(data: Any, context: Any) -> str:
    """The question for TensorFlow Serving.

    Raises:
        Refused: with 415 for another content type.
    """
    content, content_type = data.read().decode(), context.request_content_type
    if content_type == "text/csv":
        rows = [instance(row) for row in csv.reader(content.splitlines()) if row]
        return f'{{"instances": [{", ".join(rows)}]}}'
    if content_type not in JSON_TYPES:
        raise Refused(415, f"Unsupported Media Type: {content_type or 'Unknown'}")
    if OF_TENSORFLOW_SERVING.search(content):
        return content
    if LINES.search(content):
        values = [line for line in content.splitlines() if line.strip()]
        return f'{{"instances": [{", ".join(values)}]}}'
    return f'{{"instances": {content if ROWS.match(content) else f"[{content}]"}}}'


def output_handler(answer: Any, context: Any) -> tuple[bytes, str]:
    """TensorFlow Serving's answer as it is.

    Raises:
        Refused: with its error.
    """
    if answer.status_code != 200:
        raise Refused(answer.status_code, answer.json()["error"])
    accepted = (context.accept_header or "").replace(" ", "").split(",")
    is_asked_for = accepted[0] if set(accepted) & set(JSON_TYPES[:2]) else JSON_TYPES[0]
    return answer.content, is_asked_for


def instance(row: list[str]) -> str:
    """A line of CSV as JSON; all of its fields are texts unless the first is a number."""
    try:
        float(row[0])
    except ValueError:
        row = [json.dumps(field) for field in row]
    return f"[{', '.join(row)}]" if len(row) > 1 else row[0]

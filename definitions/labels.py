"""Labels that arrive after the answer: their form by request id, their place in the data bucket, and their bounds."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping

from definitions.names import LABELS_PREFIX

REQUEST_ID = r"[\x21-\x7e][\x20-\x7e]{0,71}"
"""SageMaker's InferenceId (API reference, InvokeEndpoint), 64 printable characters at most, and a sample's number."""
LABEL_CHARACTERS = 256
LABELS_AT_MOST = 1_000
"""In one call of the API."""


def line_of(request_id: str, label: str) -> str:
    """A label as a line (SageMaker developer guide, Ingest ground truth labels and merge them with predictions)."""
    return json.dumps(
        {
            "groundTruthData": {"data": label, "encoding": "CSV"},
            "eventMetadata": {"eventId": request_id},
            "eventVersion": "0",
        },
        ensure_ascii=False,
    )


def file_of(labels: Mapping[str, str]) -> bytes:
    """Labels by request id, as JSON Lines."""
    return "".join(f"{line_of(request_id, label)}\n" for request_id, label in labels.items()).encode()


def new_key(endpoint: str) -> str:
    """A key of an endpoint's labels; a later one is behind an earlier one, so that the last label counts."""
    moment = datetime.datetime.now(datetime.UTC)
    return f"{LABELS_PREFIX}/{endpoint}/{moment:%Y/%m/%d/%H%M%S.%f}-{uuid.uuid4().hex}.jsonl"

"""A request whose answer is known: what a release asks the endpoint before it believes that a version serves."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from model_code.scores import Predictions

if TYPE_CHECKING:
    from model_code.data.records import Split

# The release machine carries it in a state, which holds 256 KiB in all (Step Functions quotas).
BYTES_AT_MOST = 64 * 1024


def known_input_of(split: Split, predictions: Predictions) -> dict[str, Any] | None:
    """The test sample that the model is surest of among those that it answers rightly; any, where none is right.

    Args:
        split: N samples.
        predictions: the model's of them.

    Returns:
        `request`, the body as JSON text, and `label`, the answer, empty where it is not right; None when no sample
        makes a request of at most BYTES_AT_MOST.
    """
    answers = predictions.answers
    confidence = np.where(answers == split.targets, predictions.scores, -1.0)
    for i in np.argsort(-confidence, kind="stable"):
        request = json.dumps({"instances": [instance_of(split.samples[i], split.feature)]})
        if len(request.encode()) <= BYTES_AT_MOST:
            return {"request": request, "label": split.labels[answers[i]] if confidence[i] >= 0 else ""}
    return None


def instance_of(sample: bytes | np.ndarray, feature: str) -> dict[str, Any]:
    """A sample as the endpoint takes it in JSON."""
    if isinstance(sample, np.ndarray):
        return {"sequence": sample.tolist()}
    if feature == "image":
        return {"image": {"b64": base64.b64encode(sample).decode()}}
    return {"text": sample.decode("utf-8", "replace")}

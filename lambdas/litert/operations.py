"""The operations of our own networks, answered in this process."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from definitions.networks import KINDS, kind_of_feature
from lambdas.common.answers import Answer, Result
from lambdas.common.bodies import ImageBody, SequenceBody, TextBody, read_image, read_sequence, read_text
from lambdas.common.costs import cost_of
from lambdas.common.operations import Operation
from lambdas.common.options import read_options
from lambdas.custom.idle_endpoints import ENDPOINT, request_of
from lambdas.custom.later_labels import LABELS
from lambdas.custom.operations import IMAGE_CLASS as ASKED_IMAGE_CLASS
from lambdas.custom.operations import SEQUENCE_CLASS as ASKED_SEQUENCE_CLASS
from lambdas.custom.operations import TEXT_CLASS as ASKED_TEXT_CLASS
from lambdas.custom.operations import reading_of, unreadable
from lambdas.litert.released import Released

BACKEND = "litert"
RELEASED = {kind: Released(kind) for kind in KINDS}


def classify_image(operation: Operation, event: dict[str, Any]) -> Answer:
    """Our network's classes for the event's image; see `predict` for errors."""
    refuse_other_endpoints(operation, event)
    return predict("image", read_image(event, operation.body_as(ImageBody)).content)


def classify_text(operation: Operation, event: dict[str, Any]) -> Answer:
    """Our network's classes for the event's text; see `predict` for errors."""
    refuse_other_endpoints(operation, event)
    return predict("text", read_text(event, operation.body_as(TextBody)).text)


def classify_sequence(operation: Operation, event: dict[str, Any]) -> Answer:
    """Our network's classes for the event's sequence; see `predict` for errors."""
    refuse_other_endpoints(operation, event)
    return predict("sequence", read_sequence(event, operation.body_as(SequenceBody)))


def refuse_other_endpoints(operation: Operation, event: dict[str, Any]) -> None:
    """Refuses what is asked of an endpoint: this function answers in its place.

    Raises:
        RequestRefused: 400 when an option is wrong or chooses an endpoint.
    """
    if endpoint := read_options(operation.options, event).get(ENDPOINT.name):
        request_of(endpoint, "")


def predict(feature: str, sample: bytes | str | list[list[float]]) -> Answer:
    """One prediction.

    Args:
        feature: what the sample is: `image`, `text` or `sequence`.
        sample: an image's bytes, a text, or the steps of a sequence.

    Raises:
        RequestRefused: 503 when nothing is released or it cannot be loaded, 400 when the model cannot read the sample
            or reads another feature.
        ClientError: when a service refuses.
    """
    released = RELEASED[kind_of_feature(feature)]
    model, version = released.present()
    if model.feature != feature:
        raise unreadable(feature)
    # Only a loaded model has put the compiled packages on the path.
    import numpy as np

    from serving.preprocessing import Unreadable

    given = np.array(sample, np.float32) if feature == "sequence" else sample
    try:
        probabilities = model.probabilities([given])
    except Unreadable as error:
        raise unreadable(feature) from error
    results = [
        Result(label, score) for label, score in zip(model.labels, probabilities[0].tolist(), strict=True)
    ]
    reading = reading_of(results, model.labels[int(model.decide(probabilities)[0])])
    return Answer(BACKEND, reading, released.group, version, None, cost_of(None, None, 1))


OPERATIONS = (
    replace(ASKED_IMAGE_CLASS, run=classify_image),
    replace(ASKED_TEXT_CLASS, run=classify_text),
    replace(ASKED_SEQUENCE_CLASS, run=classify_sequence),
    LABELS,
)

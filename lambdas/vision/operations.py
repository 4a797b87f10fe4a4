"""Rekognition's operations on one image: what is asked and what its answer means in our format. A row an operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lambdas.common.answers import Answer, Result, stand_in_of
from lambdas.common.bodies import read_image
from lambdas.common.clients import client

# Rekognition refuses images with a side below 80 pixels (Amazon Rekognition quotas).
MINIMUM_PIXELS = 80
MAXIMUM_LABELS = 20
MINIMUM_CONFIDENCE_PERCENT = 50


@dataclass(frozen=True)
class ImageOperation:
    """One operation.

    Attributes:
        name: in answers.
        method: of the boto3 client.
        results: reads the service's answer.
        version_member: of the answer that holds the model's version.
        options: of the call beside the image.
    """

    name: str
    method: str
    results: Callable[[dict[str, Any]], list[Result]]
    version_member: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


def labels(answer: dict[str, Any]) -> list[Result]:
    """Each label, with a box for each instance that Rekognition located."""
    found = []
    for label in answer["Labels"]:
        instances = label.get("Instances", [])
        for instance in instances:
            found.append(Result(label["Name"], share(instance), box(instance)))
        if not instances:
            found.append(Result(label["Name"], share(label)))
    return found


def texts(answer: dict[str, Any]) -> list[Result]:
    """The lines of text in the image."""
    lines = [one for one in answer["TextDetections"] if one["Type"] == "LINE"]
    return [Result(one["DetectedText"], share(one), box(one["Geometry"])) for one in lines]


def faces(answer: dict[str, Any]) -> list[Result]:
    """Where faces are; nothing about whose."""
    return [Result("Face", share(one), box(one)) for one in answer["FaceDetails"]]


def moderation(answer: dict[str, Any]) -> list[Result]:
    """What a moderator would want to see."""
    return [Result(one["Name"], share(one)) for one in answer["ModerationLabels"]]


def share(one: dict[str, Any]) -> float:
    """Rekognition's percent as 0 to 1."""
    return one["Confidence"] / 100


def box(one: dict[str, Any]) -> dict[str, float]:
    """A bounding box in our names."""
    return {name.lower(): value for name, value in one["BoundingBox"].items()}


OPERATIONS = {
    "labels": ImageOperation(
        "image-labels",
        "detect_labels",
        labels,
        "LabelModelVersion",
        {"MaxLabels": MAXIMUM_LABELS, "MinConfidence": MINIMUM_CONFIDENCE_PERCENT},
    ),
    "text": ImageOperation("image-text", "detect_text", texts, "TextModelVersion"),
    "faces": ImageOperation("image-faces", "detect_faces", faces),
    "moderation": ImageOperation(
        "image-moderation",
        "detect_moderation_labels",
        moderation,
        "ModerationModelVersion",
        {"MinConfidence": MINIMUM_CONFIDENCE_PERCENT},
    ),
}


def recognize(operation: ImageOperation, event: dict[str, Any]) -> Answer:
    """Asks Rekognition about the event's image.

    Raises:
        RequestRefused: when the image is not one that Rekognition takes.
        ClientError: when Rekognition refuses.
    """
    image = read_image(event, minimum_pixels=MINIMUM_PIXELS)
    answer = getattr(client("rekognition"), operation.method)(
        Image={"Bytes": image.content}, **operation.options
    )
    version = answer.get(operation.version_member) if operation.version_member else None
    return Answer(operation.results(answer), operation.method, version, stand_in_of(answer))

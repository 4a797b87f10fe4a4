"""The contract of `model_code.inference` over a model in this process: the same bodies, answers and refusals.

Well-formed bodies take a short way. Whatever that way does not understand goes through `model_code.inference` itself,
so that no refusal and no odd body is decided in two places.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from definitions.content import content_type_of
from model_code import inference
from model_code.inference import Refused
from serving.model import Model
from serving.preprocessing import Unreadable

UTF8_NAMES = ("", "utf-8", "utf8")


@dataclass(frozen=True, slots=True)
class InferenceRequest:
    """A prediction asked for; the attributes' names are those of the container's context."""

    body: bytes
    request_content_type: str | None
    accept_header: str | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: its samples, at least one, and the content type that its answer has."""

    samples: list[Any]
    wanted: str


def read(model: Model, request: InferenceRequest) -> Asked:
    """A request's samples and its answer's type.

    Raises:
        Refused: with the status and the sentence for the caller.
    """
    wanted = inference.answer_type(request)
    return Asked(samples_of(request, model), wanted)


def predict(model: Model, samples: Sequence[Any]) -> np.ndarray:
    """Probabilities float32 [N, C] of samples, of whichever requests they are.

    Raises:
        Refused: when a sample cannot become an input, whosever it is.
    """
    try:
        return model.probabilities(samples)
    except Unreadable as error:
        raise Refused(str(error)) from None


def samples_of(request: InferenceRequest, model: Model) -> list[Any]:
    """The samples of a body: bytes of images, texts, or float arrays [steps, channels].

    Raises:
        Refused: as `model_code.inference.input_handler`, and when the samples are not of the model's feature.
    """
    kind = content_type_of(request.request_content_type)
    content_type = kind.media_type
    feature, body = model.feature, request.body
    # What comes below reads UTF-8.
    if not body or kind.charset.lower() not in UTF8_NAMES:
        return carefully(request, feature)
    samples = None
    if content_type == inference.JSON_TYPE:
        samples = from_json(body, model)
    elif content_type == inference.JSON_LINES_TYPE:
        samples = from_json_lines(body, model)
    elif content_type == inference.NPY_TYPE and feature == "sequence":
        samples = from_npy(body)
    elif content_type in inference.IMAGE_TYPES and feature == "image":
        samples = [body]
    return carefully(request, feature) if samples is None else samples


def carefully(request: InferenceRequest, feature: str) -> list[Any]:
    """The samples by way of the container's own handler; see `samples_of` for what is raised."""
    sent = json.loads(inference.input_handler(io.BytesIO(request.body), request))["instances"]
    if feature not in sent[0]:
        raise Refused(f"The model takes no {next(iter(sent[0]))}; it takes {feature}s.")
    if feature == "sequence":
        return [np.array(instance["sequence"], np.float32) for instance in sent]
    contents = [base64.b64decode(instance[feature]["b64"]) for instance in sent]
    return contents if feature == "image" else [content.decode() for content in contents]


def from_json(body: bytes, model: Model) -> list[Any] | None:
    """The samples of a JSON body; None for what is not plainly well-formed."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(content) is not dict:
        return None
    return from_instances(content.get("instances", [content]), body, model)


def from_json_lines(body: bytes, model: Model) -> list[Any] | None:
    """The samples of a JSON Lines body; None for what is not plainly well-formed."""
    try:
        instances = [orjson.loads(line) for line in body.split(b"\n") if line.strip()]
    except orjson.JSONDecodeError:
        return None
    return from_instances(instances, body, model)


def from_instances(instances: Any, body: bytes, model: Model) -> list[Any] | None:
    """The samples of parsed instances; None for what is not plainly well-formed."""
    if type(instances) is not list:
        return None
    if model.feature == "sequence" and (b"true" in body or b"false" in body):
        # NumPy would take them for numbers.
        return None
    samples = []
    for instance in instances:
        if type(instance) is not dict or len(instance) != 1 or model.feature not in instance:
            return None
        sample = plain_sample(instance[model.feature], model)
        if sample is None:
            return None
        samples.append(sample)
    return samples or None


def plain_sample(value: Any, model: Model) -> Any:
    """One instance's sample; None for what is not plainly well-formed."""
    if model.feature == "text":
        return value if type(value) is str else None
    if model.feature == "image":
        content = value.get("b64") if type(value) is dict else None
        if type(content) is not str:
            return None
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            return None
    try:
        steps = np.array(value)
    except ValueError:
        return None
    if steps.ndim != 2 or steps.dtype.kind not in "if" or steps.shape[1] != model.channels:
        return None
    return within_float32(steps)


def within_float32(values: np.ndarray) -> np.ndarray | None:
    """Numbers as float32; None when one of them is none or does not fit."""
    if not values.size or not (np.abs(values) <= inference.LARGEST_FLOAT32).all():
        return None
    return values.astype(np.float32)


def from_npy(body: bytes) -> list[np.ndarray] | None:
    """The sequences of a NumPy file; None for what is not plainly well-formed."""
    size = 2 if body[6:7] == b"\x01" else 4
    stop = 8 + size + int.from_bytes(body[8 : 8 + size], "little")
    if stop > inference.HEADER_BYTES:
        return None
    kind, shape, start = npy_header(body[:stop])
    if len(shape) not in (2, 3) or len(body) - start != math.prod(shape) * np.dtype(kind).itemsize:
        return None
    values = within_float32(np.frombuffer(body, kind, offset=start))
    return None if values is None else list(values.reshape(-1, *shape[-2:]))


@lru_cache(maxsize=64)
def npy_header(head: bytes) -> tuple[str, tuple[int, ...], int]:
    """`model_code.inference.npy_header`, which clients send the same of again and again."""
    return inference.npy_header(head)


def written(probabilities: np.ndarray, model: Model, version: str | None, wanted: str) -> bytes:
    """Probabilities float32 [N, C] of a model as the body of an answer of the content type `wanted`."""
    if wanted == inference.NPY_TYPE:
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, probabilities, allow_pickle=False)
        return buffer.getvalue()
    labels = model.labels
    predictions = [
        {
            "label": labels[index],
            "score": row[index],
            "probabilities": dict(zip(labels, row, strict=True)),
            "model_version": version,
        }
        for index, row in zip(model.decide(probabilities).tolist(), probabilities.tolist(), strict=True)
    ]
    if wanted == inference.JSON_LINES_TYPE:
        return b"\n".join(orjson.dumps(prediction) for prediction in predictions)
    return orjson.dumps({"predictions": predictions})

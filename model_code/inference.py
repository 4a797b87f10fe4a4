"""The TensorFlow inference container's hooks: from a request's body to TensorFlow Serving's JSON and back.

It is copied into the artefact as `code/inference.py`, and the one file of the project that it imports into `code/lib`,
where the container finds it; beside that it needs the standard library and, where it is there, falcon. The container
answers falcon's errors with their own status and any other with 500; it logs an error's text either way, so no sentence
here repeats anything of the request.
"""

from __future__ import annotations

import array
import ast
import base64
import json
import math
import os
import re
import sys
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

from definitions import content

try:
    from falcon import HTTPError  # pyright: ignore[reportMissingImports]  # in the container alone
except ImportError:  # outside the container, a server reads the status from the error

    class HTTPError(Exception):
        """What the container's web framework offers, as far as it is used here."""

        def __init__(self, status, description=None):
            super().__init__(description)
            self.status = status
            self.description = description


IMAGE_TYPES = ("image/png", "image/jpeg", "application/x-image")
JSON_TYPE = "application/json"
JSON_LINES_TYPE = "application/jsonlines"
TEXT_TYPE = "text/plain"
NPY_TYPE = "application/x-npy"
TAKEN_TYPES = (*IMAGE_TYPES, TEXT_TYPE, JSON_TYPE, JSON_LINES_TYPE, NPY_TYPE)
ANSWERED_TYPES = (JSON_TYPE, JSON_LINES_TYPE, NPY_TYPE)
WEIGHT = re.compile(r";\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)
LARGEST_FLOAT32 = 3.4028234663852886e38
# The number types of NumPy's file format and of Python's arrays.
ARRAY_CODES = {"f4": "f", "f8": "d", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I"}
# NumPy itself trusts no longer header.
HEADER_BYTES = 10_000


class Refused(HTTPError, ValueError):  # pyright: ignore[reportGeneralTypeIssues]  # which one says where it runs
    """A request that the model does not take; `status` is an HTTP status line, `str()` the sentence."""

    def __init__(self, sentence, status="400 Bad Request"):
        super().__init__(status, description=sentence)

    def __str__(self):
        return self.description


def input_handler(data, context):
    """Turns a request into the body for TensorFlow Serving's predict.

    Args:
        data: the request's body, a stream.
        context: the container's context with `request_content_type`.

    Returns:
        JSON text with `instances`. Sequences of one request are padded behind to the longest with steps of NaN, which
        TensorFlow Serving reads.

    Raises:
        Refused: 415 when the content type, 400 when the body is not one that the model takes, 406 when no type that the
            caller accepts can be answered in.
    """
    answer_type(context)
    kind = content.content_type_of(context.request_content_type)
    content_type = kind.media_type
    if content_type not in TAKEN_TYPES:
        sentence = f"The content type is not one that the model takes; it takes {', '.join(TAKEN_TYPES)}."
        raise Refused(sentence, "415 Unsupported Media Type")
    body = data.read()
    if not body:
        raise Refused("The request has an empty body.")
    if content_type in IMAGE_TYPES:
        return instances([{"image": encoded(body)}])
    if content_type == NPY_TYPE:
        return instances([{"sequence": sequence} for sequence in sequences_of_npy(body)])
    text = text_of(body, kind.charset)
    if content_type == TEXT_TYPE:
        return instances([{"text": encoded(text.encode())}])
    if content_type == JSON_TYPE:
        value = parsed(text, "The body")
        if isinstance(value, dict) and "instances" not in value:
            return instances([instance(value, "The body")])
        if not isinstance(value, dict) or not isinstance(value["instances"], list):
            raise Refused('The JSON body has to be an object like {"instances": [{"text": "…"}]}.')
        return instances(
            [instance(sample, f"Instance {i}") for i, sample in enumerate(value["instances"], start=1)]
        )
    lines = [line for line in text.split("\n") if line.strip()]
    return instances(
        [instance(parsed(line, f"Line {i}"), f"Line {i}") for i, line in enumerate(lines, start=1)]
    )


def output_handler(response, context):
    """Turns TensorFlow Serving's answer into the response.

    Args:
        response: the answer, with `status_code` and `content`.
        context: the container's context with `accept_header`.

    Returns:
        JSON text with `predictions`, each with `label`, `score`, `probabilities` by label and `model_version` (the
        container's MODEL_VERSION, null where it has none); and its content type. In JSON Lines, one prediction a
        line; as a NumPy file, float32 [N, C], the probabilities alone in the order of labels.json. Callers who accept
        anything are answered in the type in which they asked.

    Raises:
        Refused: with TensorFlow Serving's own words when it refused the instances.
    """
    if response.status_code != 200:
        status = HTTPStatus(response.status_code)
        raise Refused(response.content.decode("utf-8", "replace"), f"{status.value} {status.phrase}")
    answers = json.loads(response.content)["predictions"]
    wanted = answer_type(context)
    if wanted == NPY_TYPE:
        return npy_of([answer["probabilities"] for answer in answers]), NPY_TYPE
    labels = json.loads(Path(__file__).parent.with_name("labels.json").read_text(encoding="utf-8"))
    version = os.environ.get("MODEL_VERSION")
    predictions = [
        {
            **answer,
            "probabilities": dict(zip(labels, answer["probabilities"], strict=True)),
            "model_version": version,
        }
        for answer in answers
    ]
    if wanted == JSON_LINES_TYPE:
        return "\n".join(json.dumps(prediction) for prediction in predictions), JSON_LINES_TYPE
    return json.dumps({"predictions": predictions}), JSON_TYPE


def media_type(header):
    """A header's media type, without its parameters."""
    return content.content_type_of(header).media_type


def answer_type(context):
    """The content type to answer in: of those that the caller accepts the one he likes best, or the request's."""
    asked = media_type(context.request_content_type)
    in_kind = asked if asked in ANSWERED_TYPES else JSON_TYPE
    for accepted in accepted_types(context.accept_header or "*/*"):
        if accepted in ANSWERED_TYPES:
            return accepted
        if accepted in ("*/*", "application/*", ""):
            return in_kind
    raise Refused(f"The model answers in {', '.join(ANSWERED_TYPES)} only.", "406 Not Acceptable")


# Clients send the same few again and again.
@lru_cache(maxsize=64)
def accepted_types(header):
    """The media types of an Accept header that are not refused by it, the best liked first (RFC 9110, 12.4.2).

    One that is too long to be read is disregarded, as 12.5.1 allows.
    """
    if len(header) > content.LONGEST_HEADER:
        return ["*/*"]
    liked = []
    for part in header.split(","):
        weight = WEIGHT.search(part)
        if weight is None or float(weight[1]) > 0:
            liked.append((float(weight[1]) if weight else 1.0, media_type(part)))
    return [media for _, media in sorted(liked, key=lambda pair: -pair[0])]


def instances(rows):
    """TensorFlow Serving's row format."""
    if not rows:
        raise Refused("There is no instance in the request.")
    if any(list(row) != list(rows[0]) for row in rows):
        raise Refused("The instances of one request have to be all images, all texts or all sequences.")
    if "sequence" in rows[0]:
        rows = padded(rows)
    return json.dumps({"instances": rows})


def padded(rows):
    """Sequences padded behind to the longest, since a tensor's rows are of one length."""
    channels = len(rows[0]["sequence"][0])
    if any(len(row["sequence"][0]) != channels for row in rows):
        raise Refused("The sequences of one request have to have the same number of channels.")
    longest = max(len(row["sequence"]) for row in rows)
    gap = [math.nan] * channels
    return [{"sequence": row["sequence"] + [gap] * (longest - len(row["sequence"]))} for row in rows]


def instance(value, where):
    """One instance: `{"text": "…"}`, `{"image": {"b64": "…"}}` or `{"sequence": [[…], …]}`."""
    if isinstance(value, dict) and list(value) == ["text"] and isinstance(value["text"], str):
        if "\0" in value["text"]:
            raise Refused(f"{where} holds a zero character, which no text has.")
        try:
            return {"text": encoded(value["text"].encode())}
        except UnicodeEncodeError as error:
            raise Refused(f"{where} holds half of a surrogate pair, which is no text.") from error
    if isinstance(value, dict) and list(value) == ["image"] and isinstance(value["image"], dict):
        image = value["image"].get("b64")
        if isinstance(image, str):
            try:
                return {"image": encoded(content.from_base64(image))}
            except content.NotBase64 as error:
                raise Refused(f"The image of {where} is not base64.") from error
    if isinstance(value, dict) and list(value) == ["sequence"]:
        return {"sequence": checked_sequence(value["sequence"], where)}
    raise Refused(
        f'{where} has to be {{"text": "…"}}, {{"image": {{"b64": "…"}}}} or {{"sequence": [[…], …]}}.'
    )


def checked_sequence(steps, where):
    """Steps of one or more channels each, all of them numbers that float32 holds."""
    if not isinstance(steps, list) or not steps or not all(isinstance(step, list) for step in steps):
        raise Refused(
            f"The sequence of {where} has to be a list of at least one step, each a list of numbers."
        )
    channels = len(steps[0])
    for position, step in enumerate(steps, start=1):
        if not channels or len(step) != channels:
            raise Refused(
                f"Step {position} of the sequence of {where} has {len(step)} channels"
                + (f", the first {channels}." if channels else ".")
            )
        if not all(type(value) in (int, float) and abs(value) <= LARGEST_FLOAT32 for value in step):
            raise Refused(f"Step {position} of the sequence of {where} holds what is no number of 32 bits.")
    # TensorFlow Serving refuses whole numbers that float32 does not hold exactly, from 16,777,216 on.
    return [[float(value) for value in step] for step in steps]


def sequences_of_npy(body):
    """The sequences of a NumPy file of one [steps, channels] or several [N, steps, channels]."""
    kind, shape, start = npy_header(body)
    if len(shape) not in (2, 3) or 0 in shape:
        raise Refused(
            "The NumPy array has to have the shape [steps, channels] or [N, steps, channels], none of them 0."
        )
    values = array.array(ARRAY_CODES[kind[1:]])
    content = body[start:]
    if len(content) != math.prod(shape) * values.itemsize:
        raise Refused("The NumPy file has not as many bytes as its header says.")
    values.frombytes(content)
    if (kind[0] == ">") != (sys.byteorder == "big") and values.itemsize > 1:
        values.byteswap()
    flat, (steps, channels) = values.tolist(), shape[-2:]
    rows = [flat[i : i + channels] for i in range(0, len(flat), channels)]
    sequences = [rows[i : i + steps] for i in range(0, len(rows), steps)]
    return [checked_sequence(sequence, f"number {i}") for i, sequence in enumerate(sequences, start=1)]


def npy_header(body):
    """Type, shape and length of the header of a NumPy file; its format is numpy.lib.format's, 1.0 to 3.0."""
    sizes = {1: 2, 2: 4, 3: 4}
    if body[:6] != b"\x93NUMPY" or len(body) < 12 or body[6] not in sizes:
        raise Refused("The body is no NumPy file.")
    start = 8 + sizes[body[6]]
    stop = start + int.from_bytes(body[8:start], "little")
    try:
        header = ast.literal_eval(body[start : min(stop, start + HEADER_BYTES)].decode("utf-8").strip())
        kind, in_columns, shape = header["descr"], header["fortran_order"], header["shape"]
        known = kind[0] in "<>|" and kind[1:] in ARRAY_CODES
        fits = type(shape) is tuple and all(type(length) is int and length >= 0 for length in shape)
    except (ValueError, SyntaxError, KeyError, TypeError, IndexError, MemoryError, RecursionError):
        raise Refused("The header of the NumPy file cannot be read.") from None
    if not known or not fits or in_columns:
        raise Refused(
            "The NumPy array has to be of 32- or 64-bit floats or small integers, row by row (C order)."
        )
    return kind, shape, stop


def npy_of(rows):
    """A NumPy file, float32 [N, C]."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header = header.ljust(117) + "\n"
    values = array.array("f", [value for row in rows for value in row])
    if sys.byteorder == "big":
        values.byteswap()
    length = len(header).to_bytes(2, "little")
    return b"\x93NUMPY\x01\x00" + length + header.encode("latin-1") + values.tobytes()


def encoded(value):
    """Bytes as TensorFlow Serving's JSON takes them."""
    return {"b64": base64.b64encode(value).decode()}


def text_of(body, charset):
    """The body's text, without a byte order mark."""
    try:
        return content.text_of(body, charset)
    except content.UnknownCharset as error:
        raise Refused(str(error), "415 Unsupported Media Type") from None
    except (content.WrongBytes, content.NotText) as error:
        raise Refused(str(error)) from None


def parsed(text, where):
    """The JSON value of a text."""
    try:
        return content.json_of(text)
    except content.NotJson as error:
        raise Refused(f"{where} {error}") from None

"""The TensorFlow inference container's hooks: from a request's body to TensorFlow Serving's JSON and back.

It stands alone: it is copied into the artefact as `code/inference.py` and imports the standard library and, where it is
there, falcon. The container answers falcon's errors with their own status and any other with 500; it logs an error's
text either way, so no sentence here repeats anything of the request.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from pathlib import Path

try:
    from falcon import HTTPError
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
TAKEN_TYPES = (*IMAGE_TYPES, TEXT_TYPE, JSON_TYPE, JSON_LINES_TYPE)


class Refused(HTTPError, ValueError):
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
        JSON text with `instances`.

    Raises:
        Refused: 415 when the content type, 400 when the body is not one that the model takes.
    """
    content_type = (context.request_content_type or "").partition(";")[0].strip().lower()
    if content_type not in TAKEN_TYPES:
        sentence = f"The content type is not one that the model takes; it takes {', '.join(TAKEN_TYPES)}."
        raise Refused(sentence, "415 Unsupported Media Type")
    body = data.read()
    if not body:
        raise Refused("The request has an empty body.")
    if content_type in IMAGE_TYPES:
        return instances([{"image": encoded(body)}])
    text = utf8(body)
    if content_type == TEXT_TYPE:
        return instances([{"text": encoded(text.encode())}])
    if content_type == JSON_TYPE:
        content = parsed(text, "The body")
        if not isinstance(content, dict) or not isinstance(content.get("instances"), list):
            raise Refused('The JSON body has to be an object like {"instances": [{"text": "…"}]}.')
        return instances([instance(one, f"instances[{i}]") for i, one in enumerate(content["instances"])])
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
        line, when that is what the caller accepts.

    Raises:
        Refused: with TensorFlow Serving's own words when it refused the instances.
    """
    if response.status_code != 200:
        raise Refused(response.content.decode("utf-8", "replace"), str(response.status_code))
    labels = json.loads(Path(__file__).parent.with_name("labels.json").read_text(encoding="utf-8"))
    version = os.environ.get("MODEL_VERSION")
    predictions = [
        {
            **one,
            "probabilities": dict(zip(labels, one["probabilities"], strict=True)),
            "model_version": version,
        }
        for one in json.loads(response.content)["predictions"]
    ]
    if context.accept_header == JSON_LINES_TYPE:
        return "\n".join(json.dumps(one) for one in predictions), JSON_LINES_TYPE
    return json.dumps({"predictions": predictions}), JSON_TYPE


def instances(rows):
    """TensorFlow Serving's row format."""
    if not rows:
        raise Refused("There is no instance in the request.")
    if any(list(row) != list(rows[0]) for row in rows):
        raise Refused("The instances of one request have to be all images or all texts.")
    return json.dumps({"instances": rows})


def instance(one, where):
    """One instance: `{"text": "…"}` or `{"image": {"b64": "…"}}`."""
    if isinstance(one, dict) and list(one) == ["text"] and isinstance(one["text"], str):
        try:
            return {"text": encoded(one["text"].encode())}
        except UnicodeEncodeError as error:
            raise Refused(f"{where} holds half of a surrogate pair, which is no text.") from error
    if isinstance(one, dict) and list(one) == ["image"] and isinstance(one["image"], dict):
        content = one["image"].get("b64")
        if isinstance(content, str):
            try:
                return {"image": encoded(base64.b64decode(content, validate=True))}
            except (binascii.Error, ValueError) as error:
                raise Refused(f"The image of {where} is not base64.") from error
    raise Refused(f'{where} has to be {{"text": "…"}} or {{"image": {{"b64": "…"}}}}.')


def encoded(content):
    """Bytes as TensorFlow Serving's JSON takes them."""
    return {"b64": base64.b64encode(content).decode()}


def utf8(body):
    """The body's text."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"The body is not UTF-8: byte {error.start} is wrong.") from None


def parsed(text, where):
    """The JSON value of a text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise Refused(f"{where} is not JSON: {error.msg} at character {error.pos}.") from None
    except RecursionError:
        raise Refused(f"{where} is nested too deeply.") from None

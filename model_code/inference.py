"""The TensorFlow inference container's hooks: from a request's body to TensorFlow Serving's JSON and back.

It stands alone, with the standard library only: it is copied into the artefact as `code/inference.py`. The container
answers a ValueError raised here with an error status and its message; nothing of the request is logged.
"""

from __future__ import annotations

import base64
import json

IMAGE_TYPES = ("image/png", "image/jpeg", "application/x-image")
JSON_TYPE = "application/json"
JSON_LINES_TYPE = "application/jsonlines"
TEXT_TYPE = "text/plain"


def input_handler(data, context):
    """Turns a request into the body for TensorFlow Serving's predict.

    Args:
        data: the request's body, a stream.
        context: the container's context with `request_content_type`.

    Returns:
        JSON text with `instances`.

    Raises:
        ValueError: when the content type or the body is not one that the model takes.
    """
    content_type = (context.request_content_type or "").partition(";")[0].strip().lower()
    body = data.read()
    if not body:
        raise ValueError("The request has an empty body.")
    if content_type in IMAGE_TYPES:
        return instances([{"image": encoded(body)}])
    if content_type == TEXT_TYPE:
        return instances([{"text": encoded(utf8(body).encode())}])
    if content_type == JSON_TYPE:
        content = parsed(utf8(body), "The body")
        if not isinstance(content, dict) or not isinstance(content.get("instances"), list):
            raise ValueError('The JSON body has to be an object like {"instances": [{"text": "…"}]}.')
        return instances([instance(one, f"instances[{i}]") for i, one in enumerate(content["instances"])])
    if content_type == JSON_LINES_TYPE:
        lines = [line for line in utf8(body).splitlines() if line.strip()]
        return instances(
            [instance(parsed(line, f"Line {i}"), f"Line {i}") for i, line in enumerate(lines, start=1)]
        )
    taken = ", ".join((*IMAGE_TYPES, TEXT_TYPE, JSON_TYPE, JSON_LINES_TYPE))
    raise ValueError(f"The content type is '{content_type}'; the model takes {taken}.")


def output_handler(response, context):
    """Turns TensorFlow Serving's answer into the response.

    Args:
        response: the answer, with `status_code` and `content`.
        context: the container's context with `accept_header`.

    Returns:
        JSON text with `predictions`, and its content type.

    Raises:
        ValueError: with TensorFlow Serving's own words when it refused the instances.
    """
    if response.status_code != 200:
        raise ValueError(response.content.decode("utf-8", "replace"))
    predictions = json.loads(response.content)["predictions"]
    if context.accept_header == JSON_LINES_TYPE:
        return "\n".join(json.dumps(one) for one in predictions), JSON_LINES_TYPE
    return json.dumps({"predictions": predictions}), JSON_TYPE


def instances(rows):
    """TensorFlow Serving's row format."""
    if not rows:
        raise ValueError("There is no instance in the request.")
    return json.dumps({"instances": rows})


def instance(one, where):
    """One instance: `{"text": "…"}` or `{"image": {"b64": "…"}}`."""
    if isinstance(one, dict) and list(one) == ["text"] and isinstance(one["text"], str):
        return {"text": encoded(one["text"].encode("utf-8", "strict"))}
    if isinstance(one, dict) and list(one) == ["image"] and isinstance(one["image"], dict):
        content = one["image"].get("b64")
        if isinstance(content, str):
            return {"image": {"b64": content}}
    raise ValueError(f'{where} has to be {{"text": "…"}} or {{"image": {{"b64": "…"}}}}.')


def encoded(content):
    """Bytes as TensorFlow Serving's JSON takes them."""
    return {"b64": base64.b64encode(content).decode()}


def utf8(body):
    """The body's text."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"The body is not UTF-8: byte {error.start} is wrong.") from error


def parsed(text, where):
    """The JSON value of a text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where} is not JSON: {error.msg} at character {error.pos}.") from error

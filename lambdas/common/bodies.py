"""Reads an image or a text out of an API Gateway event, in the two forms that the API takes, and checks it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.validation import SchemaValidationError, validate

from lambdas.common.errors import RequestRefused, bad_request, too_large
from lambdas.common.images import ImageHeader, read_header

# Rekognition's limit for image bytes in a request (Amazon Rekognition quotas).
IMAGE_BYTES = 5 * 1024 * 1024
IMAGE_TYPES = ("image/png", "image/jpeg")
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
IMAGE_SCHEMA = {
    "type": "object",
    "properties": {"image": {"type": "string"}},
    "required": ["image"],
    "additionalProperties": False,
}
TEXT_SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "language_code": {"type": "string", "pattern": "^[a-z]{2}(-[A-Z]{2})?$"},
    },
    "required": ["text"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class ImageRequest:
    """An image as sent, with its media type."""

    content: bytes
    header: ImageHeader


@dataclass(frozen=True)
class TextRequest:
    """A text with the code of its language."""

    text: str
    language_code: str


def read_image(event: dict[str, Any], *, minimum_pixels: int) -> ImageRequest:
    """The image of a request: raw bytes with an image media type, or JSON `{"image": "<base64>"}`.

    Raises:
        RequestRefused: 400, 413 or 415 naming the field.
    """
    content_type = media_type(event)
    if content_type in IMAGE_TYPES:
        content, field = raw_body(event), "body"
    elif content_type == JSON_TYPE:
        field = "image"
        try:
            content = base64.b64decode(json_body(event, IMAGE_SCHEMA)["image"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise bad_request("InvalidBase64", "The field image has to be base64.", field) from error
    else:
        raise wrong_type(content_type, (*IMAGE_TYPES, JSON_TYPE))
    if not content:
        raise bad_request("EmptyImage", "The image is empty.", field)
    if len(content) > IMAGE_BYTES:
        raise too_large(
            "ImageTooLarge",
            f"The image has {len(content):,} bytes; at most {IMAGE_BYTES:,} are taken.",
            field,
        )
    header = read_header(content, field)
    if min(header.width, header.height) < minimum_pixels:
        raise bad_request(
            "ImageTooSmall",
            f"The image is {header.width}×{header.height} pixels; each side needs at least {minimum_pixels}.",
            field,
        )
    return ImageRequest(content, header)


def read_text(event: dict[str, Any], *, maximum_bytes: int) -> TextRequest:
    """The text of a request: plain text, or JSON `{"text": "…", "language_code": "en"}`.

    Raises:
        RequestRefused: 400, 413 or 415 naming the field.
    """
    content_type = media_type(event)
    if content_type == TEXT_TYPE:
        text, language_code, field = utf8(raw_body(event)), "en", "body"
    elif content_type == JSON_TYPE:
        fields = json_body(event, TEXT_SCHEMA)
        text, language_code, field = fields["text"], fields.get("language_code", "en"), "text"
    else:
        raise wrong_type(content_type, (TEXT_TYPE, JSON_TYPE))
    if not text.strip():
        raise bad_request("EmptyText", "The text is empty.", field)
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise bad_request(
            "InvalidText", "The text holds half of a surrogate pair, which is no character.", field
        ) from error
    if size > maximum_bytes:
        raise too_large(
            "TextTooLarge",
            f"The text has {size:,} bytes of UTF-8; at most {maximum_bytes:,} are taken.",
            field,
        )
    return TextRequest(text, language_code)


def read_object(event: dict[str, Any]) -> dict[str, Any]:
    """The request's JSON object.

    Raises:
        RequestRefused: 400 or 415 naming the field.
    """
    content_type = media_type(event)
    if content_type != JSON_TYPE:
        raise wrong_type(content_type, (JSON_TYPE,))
    return json_body(event, {"type": "object"})


def media_type(event: dict[str, Any]) -> str:
    """The content type without its parameters."""
    headers = event.get("headers") or {}
    found = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    return (found or "").partition(";")[0].strip().lower()


def wrong_type(found: str, taken: tuple[str, ...]) -> RequestRefused:
    """415. The media type is repeated only when it looks like one."""
    named = (
        f"'{found}'"
        if len(found) <= 60 and found.replace("/", "").replace("-", "").isalnum()
        else "not given"
    )
    message = f"The content type is {named}; this operation takes {', '.join(taken)}."
    return RequestRefused(415, "UnsupportedMediaType", message, "Content-Type")


def raw_body(event: dict[str, Any]) -> bytes:
    """The body's bytes, whichever way API Gateway passed them on."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError) as error:
            raise bad_request("InvalidBody", "The body could not be decoded.", "body") from error
    return body.encode("utf-8", "surrogateescape")


def utf8(content: bytes) -> str:
    """The text of bytes."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad_request(
            "InvalidUtf8", f"The body is not UTF-8: byte {error.start} is wrong.", "body"
        ) from error


def json_body(event: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The body as JSON that fits a schema."""
    text = utf8(raw_body(event))
    try:
        fields = json.loads(text)
    # A plain ValueError is that of a number with thousands of digits.
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise bad_request("MalformedJson", f"The body is no JSON{where}.", "body") from error
    try:
        validate(event=fields, schema=schema)
    except SchemaValidationError as error:
        field, reason = misfit(fields, schema)
        raise bad_request("InvalidRequest", reason, field) from error
    return fields


def misfit(fields: Any, schema: dict[str, Any]) -> tuple[str, str]:
    """The field at fault and a sentence that does not repeat its value."""
    if not isinstance(fields, dict):
        return "body", "The body has to be a JSON object."
    known = schema["properties"]
    for name in schema["required"]:
        if name not in fields:
            return name, f"The field {name} is missing."
    if any(name not in known for name in fields):
        return "body", f"The body has a field that is not one of: {', '.join(known)}."
    for name, rule in known.items():
        if name in fields and not isinstance(fields[name], str):
            return name, f"The field {name} has to be a text."
        if name in fields and "pattern" in rule:
            return name, f"The field {name} has to be a language code such as en or zh-TW."
    return "body", "The body does not fit the operation."

"""Reads what API Gateway passes on of a request's body, and says with which status it is refused."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from definitions import content
from definitions.content import UTF8, ContentType, NotBase64, NotJson, NotText, UnknownCharset, WrongBytes
from lambdas.common.errors import RequestRefused, bad_request

IMAGE_TYPES = ("image/png", "image/jpeg")
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
# What browsers and curl send of forms, and of what they are told no type of.
FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
# RFC 6838, 4.2, and the asterisk that some send for "any".
SPELLED_AS_A_TYPE = re.compile(r"[\w!#$&^.+*-]{1,60}/[\w!#$&^.+*-]{1,60}", re.ASCII)


def content_type(event: dict[str, Any]) -> ContentType:
    """The content type of an event's body."""
    headers: dict[str, str] = event.get("headers") or {}
    return content.content_type_of(
        next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    )


def require_type(event: dict[str, Any], *taken: str) -> str:
    """The media type of an event's body.

    Raises:
        RequestRefused: 415 when it is none of those that are taken. It is repeated only when it looks like one.
    """
    declared = content_type(event)
    if declared.media_type in taken:
        return declared.media_type
    named = "is not given"
    if SPELLED_AS_A_TYPE.fullmatch(declared.media_type):
        named = f"is {declared.media_type}"
    elif declared.is_given:
        named = "is no media type"
    message = f"The content type {named}; this operation takes {', '.join(taken)}."
    if declared.media_type in FORMS:
        message += " A form is not read: send the file or the text as the body itself."
    raise RequestRefused(415, "UnsupportedMediaType", message, "Content-Type")


def raw_body(event: dict[str, Any]) -> bytes:
    """The body's bytes, whichever way API Gateway passed them on.

    Raises:
        RequestRefused: 400 when they cannot be decoded.
    """
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError) as error:
            raise bad_request("InvalidBody", "The body could not be decoded.", "body") from error
    return body.encode("utf-8", "surrogateescape")


def text_body(event: dict[str, Any]) -> str:
    """The body's text, without a byte order mark: positions in it are those in the same text without one.

    Raises:
        RequestRefused: 400 when the bytes are not of their encoding, 415 when that one is not decoded here.
    """
    try:
        return content.text_of(raw_body(event), content_type(event).charset)
    except UnknownCharset as error:
        raise RequestRefused(415, "UnsupportedCharset", str(error), "Content-Type") from error
    except WrongBytes as error:
        if error.encoding == UTF8:
            raise bad_request("InvalidUtf8", str(error), "body") from error
        raise bad_request("InvalidEncoding", str(error), "body") from error
    except NotText as error:
        raise bad_request("InvalidText", str(error), "body") from error


def json_value(event: dict[str, Any]) -> Any:
    """The body as JSON.

    Raises:
        RequestRefused: 400 when it is none, and as `text_body`.
    """
    try:
        return content.json_of(text_body(event))
    except NotJson as error:
        raise bad_request("MalformedJson", f"The body {error}", "body") from error


def from_base64(encoded: str, field: str) -> bytes:
    """The bytes behind a field's base64; see `definitions.content.from_base64`.

    Raises:
        RequestRefused: 400 when it is none.
    """
    try:
        return content.from_base64(encoded)
    except NotBase64 as error:
        raise bad_request("InvalidBase64", f"The field {field} has to be base64.", field) from error

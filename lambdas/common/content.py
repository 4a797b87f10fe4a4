"""Reads a request's content as clients really write it: media types, encodings of text, byte order marks, base64."""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from dataclasses import dataclass
from email.policy import HTTP
from typing import Any
from urllib.parse import unquote

from lambdas.common.errors import RequestRefused, bad_request

IMAGE_TYPES = ("image/png", "image/jpeg")
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain"
# Names that nobody registered and many send.
ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
# RFC 6838, 4.2, and the asterisk that some send for "any".
SPELLED_AS_A_TYPE = re.compile(r"[\w!#$&^.+*-]{1,60}/[\w!#$&^.+*-]{1,60}", re.ASCII)
UTF8 = "utf-8"
# The encodings of text that are decoded, under Python's names: Unicode's, and those of the WHATWG Encoding Standard. Of
# the others that Python knows some are for no text, and some take quadratic time.
CHARSETS = frozenset(
    {
        *(UTF8, "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "ascii"),
        *(f"iso8859-{part}" for part in range(1, 17) if part != 12),
        *(f"cp{page}" for page in range(1250, 1259)),
        *("koi8-r", "koi8-u", "mac-roman", "tis-620", "cp874", "cp866"),
        *("gb2312", "gbk", "gb18030", "big5", "big5hkscs"),
        *("shift_jis", "cp932", "euc_jp", "iso2022_jp", "euc_kr", "cp949"),
    }
)
# A longer mark comes before the one that it begins with. What a mark says counts before the header (WHATWG Encoding
# Standard, 6).
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# RFC 2397.
DATA_URI = re.compile(r"data:[^,]{0,200};base64,", re.IGNORECASE)
# Base64 in lines (RFC 2045, 6.8), and the URL-safe alphabet in that of the standard one (RFC 4648, 5).
AS_STANDARD_BASE64 = str.maketrans("-_", "+/", "\r\n")


@dataclass(frozen=True)
class ContentType:
    """A request's content type.

    Attributes:
        media_type: in lower case, an alias under its registered name; empty where the header is missing or none.
        charset: as the header spells it; empty where it names none.
        is_given: whether there is a header at all.
    """

    media_type: str
    charset: str
    is_given: bool


def content_type(event: dict[str, Any]) -> ContentType:
    """The content type of an event's body."""
    headers: dict[str, str] = event.get("headers") or {}
    given = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    if not given or not given.strip():
        return ContentType("", "", is_given=False)
    try:
        parsed: Any = HTTP.header_factory("Content-Type", given)
        media_type, charset = str(parsed.content_type), str(parsed.params.get("charset", ""))
    except (ValueError, LookupError, AttributeError, RecursionError):
        return ContentType("", "", is_given=True)
    # What is no media type the parser takes for text.
    if not given.strip().lower().startswith(media_type.partition("/")[0] + "/"):
        return ContentType("", "", is_given=True)
    return ContentType(ALIASES.get(media_type, media_type), charset, is_given=True)


def media_type(event: dict[str, Any]) -> str:
    """The media type of an event's body, without its parameters."""
    return content_type(event).media_type


def require_type(event: dict[str, Any], *taken: str) -> str:
    """The media type of an event's body.

    Raises:
        RequestRefused: 415 when it is none of those that are taken. It is repeated only when it looks like one.
    """
    found = content_type(event)
    if found.media_type in taken:
        return found.media_type
    named = "is not given"
    if SPELLED_AS_A_TYPE.fullmatch(found.media_type):
        named = f"is {found.media_type}"
    elif found.is_given:
        named = "is no media type"
    message = f"The content type {named}; this operation takes {', '.join(taken)}."
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
    encoding = encoding_of(content_type(event).charset)
    content = raw_body(event)
    for mark, marked_encoding in BYTE_ORDER_MARKS:
        if content.startswith(mark):
            content, encoding = content[len(mark) :], marked_encoding
            break
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        code = "InvalidUtf8" if encoding == UTF8 else "InvalidEncoding"
        message = f"The body is not {encoding.upper()}: byte {error.start} is wrong."
        raise bad_request(code, message, "body") from error


def encoding_of(charset: str) -> str:
    """Python's name of a charset; UTF-8 where none is given.

    Raises:
        RequestRefused: 415 when it is not decoded here.
    """
    if not charset:
        return UTF8
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        name = ""
    if name not in CHARSETS:
        message = "The charset of the content type is none that is decoded here; send UTF-8."
        raise RequestRefused(415, "UnsupportedCharset", message, "Content-Type")
    return name


def json_value(event: dict[str, Any]) -> Any:
    """The body as JSON.

    Raises:
        RequestRefused: 400 when it is none, and as `text_body`.
    """
    text = text_body(event)
    try:
        return json.loads(text, parse_constant=no_number)
    # A plain ValueError is that of a number with thousands of digits.
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise bad_request("MalformedJson", f"The body is no JSON{where}.", "body") from error


def no_number(constant: str) -> None:
    """Refuses what Python writes for floats that JSON has no numbers for."""
    raise bad_request("MalformedJson", f"The body is no JSON: {constant} is no number of JSON's.", "body")


def from_base64(encoded: str, field: str) -> bytes:
    """The bytes behind base64: also in lines, in the URL-safe alphabet, without its padding, or as a data URI.

    Raises:
        RequestRefused: 400 when it is none.
    """
    if uri := DATA_URI.match(encoded):
        encoded = unquote(encoded[uri.end() :])
    standard = encoded.strip().translate(AS_STANDARD_BASE64)
    if "=" not in standard:
        standard += "=" * (-len(standard) % 4)
    try:
        return base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_request("InvalidBase64", f"The field {field} has to be base64.", field) from error

"""Reads content as clients really write it: media types, encodings of text, byte order marks, JSON, base64.

An artefact carries this file beside its `inference.py`: it imports the standard library alone.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import json
import re
from dataclasses import dataclass
from email.policy import HTTP
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

# Names that nobody registered and many send.
ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
UTF8 = "utf-8"
# In characters. A media type has at most 255 (RFC 6838, 4.2). Python's parser takes time by the square of a header's
# length: at 32,000 characters, which the small server would take, seven seconds.
LONGEST_HEADER = 1_000
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
# Labels of the WHATWG Encoding Standard (4.2) that Python does not know, by Python's name of their encoding.
LABELS = {
    label: encoding
    for encoding, labels in {
        UTF8: "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
        "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
        "utf-16-be": "unicodefffe",
        "iso8859-1": "iso88591",
        "iso8859-2": "iso88592",
        "iso8859-3": "iso88593",
        "iso8859-4": "iso88594",
        "iso8859-5": "iso88595",
        "iso8859-6": "csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i iso88596",
        "iso8859-7": "iso88597 sun_eu_greek",
        "iso8859-8": "csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i iso88598 logical visual",
        "iso8859-9": "iso88599",
        "iso8859-10": "iso885910",
        "iso8859-13": "iso885913",
        "iso8859-14": "iso885914",
        "iso8859-15": "csisolatin9 iso885915",
        "cp874": "dos-874 iso885911 windows-874",
        "cp1250": "x-cp1250",
        "cp1251": "x-cp1251",
        "cp1252": "x-cp1252",
        "cp1253": "x-cp1253",
        "cp1254": "x-cp1254",
        "cp1255": "x-cp1255",
        "cp1256": "x-cp1256",
        "cp1257": "x-cp1257",
        "cp1258": "x-cp1258",
        "koi8-r": "koi koi8",
        "koi8-u": "koi8-ru",
        "mac-roman": "csmacintosh mac x-mac-roman",
        "gb18030": "csgb2312 gb_2312 gb_2312-80 x-gbk",
        "big5": "cn-big5 x-x-big5",
        "cp932": "windows-31j x-sjis",
        "euc_jp": "cseucpkdfmtjapanese x-euc-jp",
        "cp949": "cseuckr csksc56011987 iso-ir-149 ks_c_5601-1989 ksc_5601 windows-949",
    }.items()
    for label in labels.split()
}
# What the Web reads by a larger encoding than its name says, because so it is written (WHATWG Encoding Standard, 4.2).
READ_AS = {
    # Without a mark; Python would take the machine's order of bytes.
    **{"utf-16": "utf-16-le", "utf-32": "utf-32-le"},
    **{"iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874"},
    **{"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949"},
}
# A longer mark comes before the one that it begins with. What a mark says counts before the header (WHATWG Encoding
# Standard, 6).
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# RFC 2397; some cut its scheme off.
DATA_URI = re.compile(r"(?:data:)?[^,]{0,200};base64,", re.IGNORECASE)
# Base64 in lines (RFC 2045, 6.8), and the URL-safe alphabet in that of the standard one (RFC 4648, 5).
AS_STANDARD_BASE64 = str.maketrans("-_", "+/", "\r\n")


NAME_THE_ENCODING = " Send UTF-8, or name its encoding in the content type, such as charset=iso-8859-1."


class UnknownCharset(ValueError):
    """A charset that is not decoded here; the message is a sentence that repeats nothing of the request."""


class WrongBytes(ValueError):
    """Bytes that are not of their encoding.

    Attributes:
        encoding: Python's name.
        position: of the first wrong byte, without a byte order mark.
    """

    def __init__(self, encoding: str, position: int) -> None:
        remedy = "" if encoding != UTF8 else NAME_THE_ENCODING
        super().__init__(f"The body is not {encoding.upper()}: byte {position} is wrong.{remedy}")
        self.encoding = encoding
        self.position = position


class NotText(ValueError):
    """Bytes of an encoding, which are no text in it; the message is a sentence that repeats nothing of them."""


class NotJson(ValueError):
    """A text that is no JSON; the message is the end of a sentence that repeats nothing of it."""


class NotBase64(ValueError):
    """A text that is no base64."""


@dataclass(frozen=True)
class ContentType:
    """The content type of a body.

    Attributes:
        media_type: in lower case, an alias under its registered name; empty where the header is missing or none.
        charset: as the header spells it; empty where it names none.
        is_given: whether there is a header at all.
    """

    media_type: str
    charset: str
    is_given: bool


# A header takes 0.1 ms to read, and clients send the same few again and again.
@lru_cache(maxsize=64)
def content_type_of(header: str | None) -> ContentType:
    """What a Content-Type header says."""
    if not header or not header.strip():
        return ContentType("", "", is_given=False)
    if len(header) > LONGEST_HEADER:
        return ContentType("", "", is_given=True)
    try:
        parsed: Any = HTTP.header_factory("Content-Type", header)
        media_type, charset = str(parsed.content_type), str(parsed.params.get("charset", ""))
    except (ValueError, LookupError, AttributeError, RecursionError):
        return ContentType("", "", is_given=True)
    # What is no media type the parser takes for text.
    if not header.strip().lower().startswith(media_type):
        return ContentType("", "", is_given=True)
    return ContentType(ALIASES.get(media_type, media_type), charset, is_given=True)


def text_of(body: bytes, charset: str = "") -> str:
    """A text without a byte order mark: positions in it are those in the same text without one.

    Args:
        body: its bytes.
        charset: as a header spells it; UTF-8 where it is empty. A byte order mark counts before it.

    Raises:
        UnknownCharset: when it is not decoded here.
        WrongBytes: when they are not of their encoding.
        NotText: when they hold a zero character, as UTF-16 does that is read as UTF-8.
    """
    encoding = encoding_of(charset)
    for mark, marked_encoding in BYTE_ORDER_MARKS:
        if body.startswith(mark):
            body, encoding = body[len(mark) :], marked_encoding
            break
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise WrongBytes(encoding, error.start) from error
    if "\0" in text:
        raise NotText(
            "The body holds a zero character, which no text has. If it is UTF-16, name that in the content "
            "type: charset=utf-16le."
        )
    return text


def encoding_of(charset: str) -> str:
    """Python's name of the encoding by which a charset is read; UTF-8 where none is given.

    Raises:
        UnknownCharset: when it is not decoded here.
    """
    if not charset:
        return UTF8
    try:
        name = codecs.lookup(LABELS.get(charset.strip().lower(), charset)).name
    except (LookupError, ValueError):
        name = ""
    if name not in CHARSETS:
        raise UnknownCharset("The charset of the content type is none that is decoded here; send UTF-8.")
    return READ_AS.get(name, name)


def json_of(text: str) -> Any:
    """The JSON value of a text.

    Raises:
        NotJson: when it is none, or when an object of it names a member twice, of which readers take either.
    """
    if not text or text.isspace():
        raise NotJson("is empty, and so no JSON.")
    try:
        return json.loads(text, parse_constant=no_number, object_pairs_hook=named_once)
    except NotJson:
        raise
    # A plain ValueError is that of a number with thousands of digits.
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise NotJson(f"is no JSON{where}.") from error


def named_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, which names no member twice."""
    made = dict(members)
    if len(made) < len(members):
        raise NotJson("has an object that names a member more than once: name each once.")
    return made


def no_number(constant: str) -> None:
    """Refuses what Python writes for floats that JSON has no numbers for."""
    raise NotJson(f"is no JSON: {constant} is no number of JSON's.")


def from_base64(encoded: str) -> bytes:
    """The bytes behind base64: also in lines, in the URL-safe alphabet, without its padding, or as a data URI.

    Raises:
        NotBase64: when it is none.
    """
    if uri := DATA_URI.match(encoded):
        encoded = unquote(encoded[uri.end() :])
    standard = encoded.strip().translate(AS_STANDARD_BASE64)
    if "=" not in standard:
        standard += "=" * (-len(standard) % 4)
    try:
        return base64.b64decode(standard, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotBase64("It is no base64.") from error

"""Garbage in every form gets a refusal with a 4xx, or is what it claims to be; nothing crashes."""

from __future__ import annotations

import base64
import json
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.bodies import (
    ImageBody,
    ImagePairBody,
    SequenceBody,
    TextBody,
    TextsBody,
    read_image,
    read_image_pair,
    read_sequence,
    read_text,
    read_texts,
)
from lambdas.common.errors import RequestRefused
from lambdas.custom.operations import IMAGE_CLASS
from serving import preprocessing

from .conftest import picture

PICTURES = (picture("PNG"), picture("JPEG"))
READERS = (
    (read_image, ImageBody(80, 10_000)),
    (read_image_pair, ImagePairBody(80)),
    (read_text, TextBody(5_000)),
    (read_texts, TextsBody(5_000, 250)),
)
CONTENT_TYPES = (
    "image/png",
    "image/jpeg",
    "application/json",
    "text/plain",
    "text/plain; charset=utf-16",
    "text/plain; charset=utf-7",
    "",
    "a/b",
)


def event(body: bytes | str, content_type: str, *, as_base64: bool) -> dict:
    """A request as API Gateway passes it on."""
    if as_base64 and isinstance(body, bytes):
        body = base64.b64encode(body).decode()
    elif isinstance(body, bytes):
        body = body.decode("utf-8", "surrogateescape")
    return {"headers": {"content-type": content_type}, "body": body, "isBase64Encoded": as_base64}


def outcome(read, body, request: dict) -> object:
    """What a reader gives, or the status of its refusal, which has to be a sentence."""
    try:
        return read(request, body)
    except RequestRefused as refused:
        assert 400 <= refused.status < 500
        assert refused.message.endswith(".")
        assert refused.field
        return refused.status


@st.composite
def damaged_pictures(draw):
    """A picture cut, with flipped bits, with something before, inside or behind it."""
    content = bytearray(draw(st.sampled_from(PICTURES)))
    for position in draw(st.lists(st.integers(0, len(content) - 1), max_size=12)):
        content[position] ^= draw(st.integers(1, 255))
    place = draw(st.integers(0, len(content)))
    content[place:place] = draw(st.binary(max_size=40))
    return bytes(content[: draw(st.integers(0, len(content)))])


@given(damaged_pictures(), st.sampled_from(READERS), st.sampled_from(CONTENT_TYPES), st.booleans())
def test_a_damaged_picture_under_any_content_type_is_read_or_refused(
    content, reader, content_type, as_base64
):
    outcome(*reader, event(content, content_type, as_base64=as_base64))


@given(damaged_pictures(), st.sampled_from(["image", "source"]))
def test_a_damaged_picture_in_json_is_read_or_refused(content, field):
    encoded = base64.b64encode(content).decode()
    fields = {"image": encoded} if field == "image" else {"source": encoded, "target": encoded}
    reader = READERS[0] if field == "image" else READERS[1]
    outcome(*reader, event(json.dumps(fields).encode(), "application/json", as_base64=False))


# Lone surrogates, marks of direction, nothings, combining marks, the end of Unicode.
NASTY = st.sampled_from(
    ["\ud800", "\udfff", "\u202e", "\u2066", "\u200b", "\x00", "\u0301", "\ufeff", "\U0010ffff"]
)


@given(st.lists(st.one_of(NASTY, st.text(max_size=20)), max_size=10), st.sampled_from(READERS[2:]))
def test_a_nasty_text_is_taken_as_it_is_or_refused(pieces, reader):
    # In JSON two halves of a surrogate pair that meet are one character.
    text = json.loads(json.dumps("".join(pieces)))
    fields = {"text": text} if reader[0] is read_text else {"texts": [text]}
    refusal_code = outcome(*reader, event(json.dumps(fields), "application/json", as_base64=False))
    is_text = text.strip() and not any(
        character == "\0" or "\ud800" <= character <= "\udfff" for character in text
    )
    if reader[0] is read_text:
        assert refusal_code == 400 if not is_text else refusal_code.text == text
    else:
        assert (refusal_code.refusals[0] is None) == bool(is_text)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(
    st.one_of(
        JSON,
        st.fixed_dictionaries({"text": JSON, "texts": JSON, "image": JSON}),
        st.fixed_dictionaries({"sequence": st.lists(st.lists(st.floats(), max_size=2), max_size=3)}),
    ),
    st.sampled_from((*READERS, (read_sequence, SequenceBody(4)))),
)
def test_any_json_is_read_or_refused(value, reader):
    outcome(*reader, event(json.dumps(value), "application/json", as_base64=False))


def test_our_networks_take_as_many_pixels_as_our_own_container_unpacks():
    assert IMAGE_CLASS.body.most_area == preprocessing.MOST_PIXELS


@pytest.mark.parametrize("body", [READERS[0][1], IMAGE_CLASS.body], ids=["rekognition", "our network"])
@pytest.mark.parametrize("side", [10_001, 60_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_by_its_header(side, body):
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    bomb += struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    assert outcome(read_image, body, event(bomb, "image/png", as_base64=True)) == 400

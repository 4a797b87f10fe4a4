"""Headers that strangers write, a request's and a NumPy file's own, are read or refused, and in bounded time."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from definitions import content
from model_code import inference
from serving import contract

# What the grammars of these headers are made of.
WORDS = st.sampled_from(
    [
        *(
            "text",
            "/",
            "plain",
            "application/json",
            "image/jpg",
            "*/*",
            ";",
            ",",
            "=",
            '"',
            "\\",
            "*",
            "'",
            "%E4",
        ),
        *("charset", "charset=utf-8", "charset*0*=", "q=", ";q=0.5", " ", "\t", "\r\n", "(", ")", "<", "@"),
        *("=?utf-8?q?x?=", "=?", "?=", "\0", "\xff", "1"),
    ]
)
HEADERS = st.lists(WORDS | st.text(max_size=3), max_size=12).map("".join)


@given(HEADERS)
def test_any_content_type_is_a_media_type_or_none(header):
    found = content.content_type_of(header)
    assert found.media_type == "" or found.media_type.count("/") == 1
    assert found.is_given == bool(header.strip())


@given(HEADERS, HEADERS)
def test_whatever_is_accepted_the_answer_has_a_type_or_is_refused(content_type, accept):
    try:
        answered = inference.answer_type(
            SimpleNamespace(request_content_type=content_type, accept_header=accept)
        )
    except inference.Refused as refusal:
        assert refusal.status.startswith("406")
    else:
        assert answered in inference.ANSWERED_TYPES


@pytest.mark.parametrize("filling", ['"', ";", "a/b;"])
def test_a_header_that_would_take_seconds_to_read_is_not_parsed(monkeypatch, filling):
    parser = SimpleNamespace(header_factory=lambda *_: pytest.fail("It is parsed."))
    monkeypatch.setattr(content, "HTTP", parser)
    header = "text/plain;" + filling * content.LONGEST_HEADER
    assert content.content_type_of(header) == content.ContentType("", "", is_given=True)
    assert inference.accepted_types("application/json," * 100) == ["*/*"]


LENGTHS = st.lists(st.integers(-1, 3), max_size=4)
ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.binary(max_size=3) | st.just(())
SHAPES = LENGTHS.flatmap(
    lambda lengths: st.sampled_from([tuple, list, set, dict.fromkeys]).map(lambda kind: kind(lengths))
)
KINDS = st.sampled_from(["<f4", ">f8", "|u1", "<O", "<", ""])


@given(KINDS | ODD, st.booleans() | ODD, SHAPES | ODD, st.binary(max_size=4))
@example("<f4", False, {1: None, 2: None}, b"")
@example("<f4", False, {1, 2}, b"")
def test_any_header_of_a_numpy_file_is_read_or_refused(kind, in_columns, shape, more):
    header = repr({"descr": kind, "fortran_order": in_columns, "shape": shape}).encode() + more
    size = math.prod(shape) if isinstance(shape, (tuple, list, set, dict)) else 2
    body = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(4 * max(0, size))
    try:
        expected = inference.sequences_of_npy(body)
    except inference.Refused:
        expected = None
    try:
        found = contract.from_npy(body)
    except inference.Refused:
        found = None
    # What the short way leaves to the container's own handler is None there.
    assert found is None or [one.tolist() for one in found] == expected

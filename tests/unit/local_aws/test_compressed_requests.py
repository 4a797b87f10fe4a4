"""A compressed request reaches the API's functions unpacked, within API Gateway's largest payload, or is refused."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import pytest
from ministack.services import apigateway_v1

from local_aws import compressed_requests, gateway_refusals
from local_aws.compressed_requests import MOST_BYTES

STATUSES = {"REQUEST_TOO_LARGE": 413, "UNSUPPORTED_MEDIA_TYPE": 415}
TEXT = b'{"text": "A film."}' * 40


@pytest.fixture
def send(monkeypatch):
    """What becomes of a request: the status, and the headers and body that a method is executed with."""
    executed = []

    async def execute(api_id, stage, method, path, headers, body, query):
        executed.append((headers, body))
        return 200, {}, b""

    def refusal(api_id, stage, kind, sentence):
        return STATUSES[kind], {}, json.dumps({"message": sentence}).encode()

    monkeypatch.setattr(apigateway_v1, "handle_execute", execute)
    monkeypatch.setattr(gateway_refusals, "refusal", refusal)
    compressed_requests.install()

    def ask(body: bytes, headers: dict[str, str]):
        status, _, answer = asyncio.run(
            apigateway_v1.handle_execute("api", "dev", "POST", "/texts/class", headers, body, {})
        )
        return status, executed[-1] if executed else json.loads(answer)

    return ask


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP ", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("", bytes),
    ],
)
def test_a_body_is_unpacked_and_the_header_that_told_of_it_stays(send, coding, pack):
    headers = {"content-encoding": coding}
    assert send(pack(TEXT), headers) == (200, (headers, TEXT))


def test_a_body_without_a_coding_is_passed_on_whatever_it_is(send):
    assert send(gzip.compress(TEXT), {}) == (200, ({}, gzip.compress(TEXT)))


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (TEXT, "gzip"),
        (gzip.compress(TEXT)[:-9], "gzip"),
        (b"", "gzip"),
        (TEXT, "br"),
        (gzip.compress(TEXT), "gzip, gzip"),
    ],
    ids=["not packed", "cut", "empty", "unknown", "twice"],
)
def test_what_cannot_be_unpacked_is_refused_as_on_aws(send, body, coding):
    assert send(body, {"content-encoding": coding}) == (415, {"message": "Unsupported Media Type"})


@pytest.mark.parametrize(
    ("size", "status"), [(MOST_BYTES, 200), (MOST_BYTES + 1, 413), (20 * MOST_BYTES, 413)]
)
def test_a_body_unpacks_to_the_largest_payload_at_most(send, size, status):
    assert send(gzip.compress(bytes(size)), {"content-encoding": "gzip"})[0] == status


@pytest.mark.parametrize(("size", "status"), [(MOST_BYTES, 200), (MOST_BYTES + 1, 413)])
def test_a_plain_body_is_the_largest_payload_at_most(send, size, status):
    assert send(bytes(size), {})[0] == status


def test_where_no_stage_is_the_request_goes_on_without_its_body_to_be_refused_there(send, monkeypatch):
    monkeypatch.setattr(gateway_refusals, "refusal", lambda *_: None)
    headers = {"content-encoding": "br"}
    assert send(TEXT, headers) == (200, (headers, b""))

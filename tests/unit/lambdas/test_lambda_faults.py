"""Faults on the wire, through botocore itself: what the caller is told, and how often the service was asked for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator

import pytest

from lambdas.common import clients

from ..wire import SECRET, Service, hangs_up, is_slow, refuses, says, wait_for_nothing

SCORES = {"Positive": 0.9, "Negative": 0.1, "Neutral": 0.0, "Mixed": 0.0}
GOOD = json.dumps({"Sentiment": "POSITIVE", "SentimentScore": SCORES}).encode()


@pytest.fixture
def comprehend(monkeypatch) -> Iterator[Callable[..., Service]]:
    """Starts a Comprehend that behaves in these ways; nobody waits between tries, and only a moment for a slow one."""
    started: list[Service] = []

    def start(*ways: Callable) -> Service:
        service = Service(*ways)
        started.append(service)
        monkeypatch.setenv("AWS_ENDPOINT_URL_COMPREHEND", service.url)
        if is_slow in ways:
            monkeypatch.setattr(clients, "READ_TIMEOUT_SECONDS", 0.5)
        wait_for_nothing(monkeypatch)
        clients.client_with.cache_clear()
        return service

    yield start
    for service in started:
        service.end()


FAULTS = {
    "the connection is reset": (hangs_up, 503, "ServiceUnreachable", 2),
    "no answer in time": (is_slow, 503, "ServiceUnreachable", 2),
    "throttled": (refuses("ThrottlingException"), 503, "ServiceThrottled", 2),
    "a fault of the service": (says(500, b'{"__type": "InternalServerException"}'), 503, "ServiceFaulted", 2),
    "a fault before the service": (says(503, b"<html>Service Unavailable</html>"), 503, "ServiceFaulted", 2),
    "an answer that is none": (says(200, b"<html>"), 502, "AnswerUnreadable", 1),
    "an answer to another question": (says(200, b'{"Languages": []}'), 502, "AnswerUnreadable", 1),
    "an expired token": (refuses("ExpiredTokenException"), 503, "SignatureRefused", 1),
    "a clock that is off": (refuses("InvalidSignatureException"), 503, "SignatureRefused", 1),
    "no such right": (refuses("AccessDeniedException"), 502, "ServiceFailed", 1),
    "a text that it refuses": (refuses("UnsupportedLanguageException"), 400, "InvalidText", 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_told_truthfully_and_asked_about_twice_at_most(call, comprehend, fault):
    way, status, code, calls = FAULTS[fault]
    service = comprehend(way)
    answer = call("language", "/texts/sentiment", b"Good.", "text/plain")
    assert (answer[0], answer[1]["error"]["code"]) == (status, code)
    assert ("Retry-After" in answer[2]) == (status == 503)
    assert SECRET not in json.dumps(answer[1])
    assert service.calls == calls


@pytest.mark.parametrize("fault", [name for name in FAULTS if FAULTS[name][3] == 2])
def test_a_fault_that_passes_costs_a_second_try_and_nothing_else(call, comprehend, fault):
    service = comprehend(FAULTS[fault][0], says(200, GOOD))
    status, answer, _ = call("language", "/texts/sentiment", b"Good.", "text/plain")
    assert (status, answer["results"][0]["label"], service.calls) == (200, "positive", 2)


@pytest.mark.parametrize("wrong", ["nobody listens", "no such host", "not enabled"])
def test_a_wrong_region_is_unavailable_and_nothing_is_charged(call, comprehend, monkeypatch, wrong):
    service = comprehend(
        refuses("UnrecognizedClientException") if wrong == "not enabled" else says(200, GOOD)
    )
    if wrong == "nobody listens":
        service.end()
    if wrong == "no such host":
        monkeypatch.delenv("AWS_ENDPOINT_URL_COMPREHEND")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-nowhere-1")
        monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    status, answer, headers = call("language", "/texts/sentiment", b"Good.", "text/plain")
    code = "SignatureRefused" if wrong == "not enabled" else "ServiceUnreachable"
    assert (status, answer["error"]["code"]) == (503, code)
    assert headers["Retry-After"]
    assert service.calls == (wrong == "not enabled")


def no_such_host(*_: object, **__: object) -> None:
    """What the system says of a name that is nowhere."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

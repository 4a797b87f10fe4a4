"""Faults on the wire, through botocore itself: what the caller is told, and how often the service was asked for it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lambdas.common import clients

SCORES = {"Positive": 0.9, "Negative": 0.1, "Neutral": 0.0, "Mixed": 0.0}
GOOD = json.dumps({"Sentiment": "POSITIVE", "SentimentScore": SCORES}).encode()
SECRET = "Xylophon4711"


class Service(ThreadingHTTPServer):
    """A service on this machine that answers each call in turn as it is told, the last way for ever."""

    daemon_threads = True

    def __init__(self, *ways: Callable[[BaseHTTPRequestHandler], None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ways = ways
        self.calls = 0
        self.ended = threading.Event()

    def way(self) -> Callable[[BaseHTTPRequestHandler], None]:
        self.calls += 1
        return self.ways[min(self.calls, len(self.ways)) - 1]


class Handler(BaseHTTPRequestHandler):
    """Reads the call and answers it in its way."""

    server: Service

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.way()(self)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


def says(status: int, body: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer with this status and body."""

    def answer(call: BaseHTTPRequestHandler) -> None:
        call.send_response(status)
        call.send_header("Content-Type", "application/x-amz-json-1.1")
        call.send_header("Content-Length", str(len(body)))
        call.end_headers()
        call.wfile.write(body)

    return answer


def refuses(code: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """An error of the service's with this code."""
    return says(400, json.dumps({"__type": code, "message": f"about {SECRET}"}).encode())


def hangs_up(call: BaseHTTPRequestHandler) -> None:
    """No answer: the connection ends."""
    call.close_connection = True
    call.connection.close()


def is_slow(call: BaseHTTPRequestHandler) -> None:
    """No answer before the client stops waiting."""
    call.server.ended.wait(30)


@pytest.fixture
def comprehend(monkeypatch) -> Iterator[Callable[..., Service]]:
    """Starts a Comprehend that behaves in these ways; nobody waits between tries, and for an answer a moment only."""
    started: list[Service] = []

    def start(*ways: Callable[[BaseHTTPRequestHandler], None]) -> Service:
        service = Service(*ways)
        started.append(service)
        threading.Thread(target=service.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_COMPREHEND", f"http://127.0.0.1:{service.server_port}")
        monkeypatch.setattr(clients, "READ_TIMEOUT_SECONDS", 0.2)
        monkeypatch.setattr(time, "sleep", lambda _: None)
        clients.client_with.cache_clear()
        return service

    yield start
    for service in started:
        service.ended.set()
        service.shutdown()
        service.server_close()


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
    found = call("language", "/texts/sentiment", b"Good.", "text/plain")
    assert (found[0], found[1]["error"]["code"]) == (status, code)
    assert ("Retry-After" in found[2]) == (status == 503)
    assert SECRET not in json.dumps(found[1])
    assert service.calls == calls


@pytest.mark.parametrize("fault", [name for name in FAULTS if FAULTS[name][3] == 2])
def test_a_fault_that_passes_costs_a_second_try_and_nothing_else(call, comprehend, fault):
    service = comprehend(FAULTS[fault][0], says(200, GOOD))
    status, found, _ = call("language", "/texts/sentiment", b"Good.", "text/plain")
    assert (status, found["results"][0]["label"], service.calls) == (200, "positive", 2)


def test_a_region_in_which_nobody_listens_is_unavailable(call, comprehend):
    service = comprehend(says(200, GOOD))
    service.shutdown()
    service.server_close()
    status, found, headers = call("language", "/texts/sentiment", b"Good.", "text/plain")
    assert (status, found["error"]["code"]) == (503, "ServiceUnreachable")
    assert headers["Retry-After"]

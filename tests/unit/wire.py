"""A service of AWS on this machine that behaves as it is told, for faults on the wire through botocore itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest

Way = Callable[["Handler"], None]
SECRET = "Xylophon4711"


class Service(ThreadingHTTPServer):
    """A service on this machine that answers each call in turn as it is told, the last way for ever."""

    daemon_threads = True

    def __init__(self, *ways: Way) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ways = ways
        self.calls = 0
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def way(self) -> Way:
        """Of the next call."""
        self.calls += 1
        return self.ways[min(self.calls, len(self.ways)) - 1]

    def end(self) -> None:
        """Stops listening; who waits for an answer gets none."""
        self.ended.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """Reads the call and answers it in its way."""

    server: Service

    def do_POST(self) -> None:
        self.asked: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.way()(self)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


def says(status: int, body: bytes) -> Way:
    """An answer with this status and body."""

    def answer(call: Handler) -> None:
        call.send_response(status)
        call.send_header("Content-Type", "application/x-amz-json-1.1")
        call.send_header("Content-Length", str(len(body)))
        call.end_headers()
        call.wfile.write(body)

    return answer


def refuses(code: str) -> Way:
    """An error of the service's with this code."""
    return says(400, json.dumps({"__type": code, "message": f"about {SECRET}"}).encode())


def hangs_up(call: Handler) -> None:
    """No answer: the connection ends."""
    call.close_connection = True
    call.connection.close()


def is_slow(call: Handler) -> None:
    """No answer before the client stops waiting."""
    call.server.ended.wait(120)


def wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets botocore try again at once."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))

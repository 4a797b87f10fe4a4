"""The small server in a thread of the tests, over a model that answers when it is let, and what is sent to it."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import sys
import threading

import numpy as np

from serving.admission import Limits
from serving.server import Connection, Server
from serving.worker import Worker

MOST_BODY_BYTES = 10_000


class Gated:
    """A model of texts that answers each with its length, once it is let."""

    feature, channels = "text", None
    labels = ("even", "odd")
    most_samples = 4

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.asked = threading.Semaphore(0)
        self.sizes: list[int] = []

    def decide(self, probabilities):
        return probabilities.argmax(axis=1)

    def probabilities(self, samples):
        self.sizes.append(len(samples))
        self.asked.release()
        self.gate.wait(120)
        if "end the thread" in samples:
            sys.exit()
        if any("fail" in sample for sample in samples):
            raise RuntimeError(f"the model cannot take {samples}")
        odd = np.array([len(sample) % 2 for sample in samples], np.float32)
        return np.stack([1 - odd, odd], axis=1)


class Running:
    """A server in a thread of this process, and what is done with it."""

    def __init__(self, model, *, threads: int = 1, most_connections: int = 50, **limits: float) -> None:
        self.model, self.loop = model, asyncio.new_event_loop()
        limits = Limits(**{"most_wait_seconds": 30.0, "most_bytes": 1_000_000} | limits)
        self.worker = Worker([model] * threads, self.loop, version="7", limits=limits)
        self.server = Server(self.worker, most_body_bytes=MOST_BODY_BYTES, most_connections=most_connections)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.worker.start()
        listening = self.loop.create_server(lambda: Connection(self.server), "127.0.0.1", 0)
        self.listener = self.do(listening)
        self.port = self.listener.sockets[0].getsockname()[1]

    def do(self, work):
        """Runs a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def socket(self) -> socket.socket:
        """A connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)

    def post(self, body: bytes, content_type: str = "text/plain", path: str = "/invocations"):
        """The response to one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        response.content = response.read()
        connection.close()
        return response

    def close(self) -> None:
        """Ends it."""
        self.worker.stop()
        self.loop.call_soon_threadsafe(self.listener.close)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(120)


def request(body: bytes, head: bytes = b"") -> bytes:
    """An invocation as it goes over the wire."""
    lines = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
    return lines + head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side ends."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def statuses(content: bytes) -> list[int]:
    """The statuses of the responses in a connection's bytes."""
    return [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3})", content)]


def ping(server: Running) -> int:
    """The status of /ping."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    connection.request("GET", "/ping")
    status = connection.getresponse().status
    connection.close()
    return status

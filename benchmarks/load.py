"""A load generator: asks an HTTP server as fast as it answers, or at a rate of its own, and compares every answer."""

from __future__ import annotations

import asyncio
import io
import json
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

JSON_TYPE, NPY_TYPE = "application/json", "application/x-npy"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
RETRY_AFTER = re.compile(rb"\r\nretry-after: *\d+\r\n", re.IGNORECASE)
# LiteRT's kernels and TensorFlow's add in another order.
TOLERANCE = 1e-3
# How long answers are waited for once nothing more is asked.
GRACE_SECONDS = 5.0
# So many different bytes of right answers are remembered, so that most answers need not be parsed.
REMEMBERED = 10_000


@dataclass(frozen=True, eq=False)
class Question:
    """A request with the right answer.

    Attributes:
        body: what is posted.
        content_type: of the body, and wanted of the answer.
        labels: the classes in the order of `expected`.
        expected: probabilities [N, C] of its N instances.
    """

    body: bytes
    content_type: str
    labels: Sequence[str]
    expected: np.ndarray

    @property
    def request(self) -> bytes:
        """The bytes on the wire."""
        head = (
            "POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: {self.content_type}\r\nAccept: {self.content_type}\r\n"
            f"Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body

    def is_answered_by(self, body: bytes) -> bool:
        """Whether an answer's probabilities are the expected ones."""
        try:
            if self.content_type == NPY_TYPE:
                probabilities = np.load(io.BytesIO(body))
            else:
                rows = [prediction["probabilities"] for prediction in json.loads(body)["predictions"]]
                probabilities = np.array([[row[label] for label in self.labels] for row in rows])
        except (ValueError, KeyError, TypeError):
            return False
        return probabilities.shape == self.expected.shape and bool(
            np.abs(probabilities - self.expected).max() <= TOLERANCE
        )


@dataclass
class Outcome:
    """What came of a load.

    Attributes:
        asked: requests that were due.
        seconds: from the first request to the last answer that counts.
        statuses: answers by HTTP status.
        latencies: seconds of each answer with status 200, from when its request was due.
        wrong: answers with status 200 that are not the expected ones.
        refused_without_wait: answers with status 429 that do not say when to come again.
        unanswered: requests without an answer when the time was over.
    """

    asked: int = 0
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    wrong: int = 0
    refused_without_wait: int = 0
    unanswered: int = 0

    @property
    def answers_per_second(self) -> float:
        """Of status 200."""
        return self.statuses[200] / self.seconds

    def milliseconds(self, share: float) -> float | None:
        """The quantile of the latencies; None without any."""
        if not self.latencies:
            return None
        return round(float(np.quantile(self.latencies, share)) * 1000, 2)


class Connection(asyncio.Protocol):
    """One connection that stays, with one request at a time."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.waiting: asyncio.Future[tuple[int, bytes, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self.transport = cast(asyncio.Transport, transport)

    async def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer.

        Raises:
            ConnectionError: when the server ends the connection first.
        """
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.waiting

    def data_received(self, data: bytes) -> None:
        """Gives the answer when it is whole."""
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[: end + 2])
        match = LENGTH.search(head)
        if match is None:
            raise ConnectionError("The server's answer has no length.")
        length = int(match[1])
        if len(self.buffer) < end + 4 + length:
            return
        body = bytes(self.buffer[end + 4 : end + 4 + length])
        del self.buffer[: end + 4 + length]
        if self.waiting and not self.waiting.done():
            self.waiting.set_result((int(head[9:12]), head, body))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells whoever waits."""
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(ConnectionError("The server ended the connection."))


class Load:
    """Questions to one server, and what comes of them."""

    def __init__(self, port: int, questions: Sequence[Question]) -> None:
        self.port = port
        self.questions = [(question, question.request) for question in questions]
        self.right: set[tuple[int, bytes]] = set()
        self.outcome = Outcome()

    async def connect(self, connections: int) -> list[Connection]:
        """So many connections to 127.0.0.1."""
        loop = asyncio.get_running_loop()
        made = [loop.create_connection(Connection, "127.0.0.1", self.port) for _ in range(connections)]
        return [connection for _, connection in await asyncio.gather(*made)]

    async def open(self, connection: Connection) -> Connection:
        """The connection, or a new one where the server ended it while nothing was asked; none is kept for long."""
        if not connection.transport.is_closing():
            return connection
        return (await self.connect(1))[0]

    async def ask(self, connection: Connection, number: int, due: float) -> None:
        """Asks one question and notes the answer."""
        place = number % len(self.questions)
        question, request = self.questions[place]
        status, head, body = await connection.ask(request)
        outcome = self.outcome
        outcome.statuses[status] += 1
        if status == 200:
            outcome.latencies.append(time.perf_counter() - due)
            self.compare(place, question, body)
        elif status == 429 and not RETRY_AFTER.search(head):
            outcome.refused_without_wait += 1

    def compare(self, place: int, question: Question, body: bytes) -> None:
        """Counts a wrong answer; the same bytes are parsed once."""
        if (place, body) in self.right:
            return
        if not question.is_answered_by(body):
            self.outcome.wrong += 1
        elif len(self.right) < REMEMBERED:
            self.right.add((place, body))

    async def as_fast_as_it_answers(self, *, connections: int, seconds: float) -> Outcome:
        """A closed loop: each connection asks again when it is answered.

        Raises:
            ConnectionError: when the server ends a connection.
        """
        made = await self.connect(connections)
        began = time.perf_counter()

        async def go_on(connection: Connection, number: int) -> None:
            while (now := time.perf_counter()) < began + seconds:
                self.outcome.asked += 1
                await self.ask(connection, number, now)
                number += connections

        await asyncio.gather(*(go_on(connection, number) for number, connection in enumerate(made)))
        self.outcome.seconds = time.perf_counter() - began
        close(made)
        return self.outcome

    async def at_rate(self, rate: float, *, connections: int, seconds: float, seed: int = 0) -> Outcome:
        """An open loop: requests are due by a Poisson process, whether the ones before are answered or not.

        A latency begins when the request was due, also where no connection was free then.

        Raises:
            ConnectionError: when the server ends a connection.
        """
        made = await self.connect(connections)
        waiting: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
        began = time.perf_counter()

        async def take(connection: Connection) -> None:
            while True:
                number, due = await waiting.get()
                connection = await self.open(connection)
                await self.ask(connection, number, due)
                waiting.task_done()

        takers = [asyncio.create_task(take(connection)) for connection in made]
        self.outcome.asked = await put_at_rate(waiting, rate, began, seconds, seed)
        ended = asyncio.create_task(waiting.join())
        await asyncio.wait([*takers, ended], timeout=GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        self.outcome.seconds = time.perf_counter() - began
        self.outcome.unanswered = self.outcome.asked - sum(self.outcome.statuses.values())
        for task in (*takers, ended):
            task.cancel()
        results = await asyncio.gather(*takers, ended, return_exceptions=True)
        close(made)
        for result in results:
            if isinstance(result, ConnectionError):
                raise result
        return self.outcome


async def put_at_rate(
    waiting: asyncio.Queue[tuple[int, float]], rate: float, began: float, seconds: float, seed: int
) -> int:
    """Puts requests in when they are due; returns how many there were."""
    dice, due, number = random.Random(seed), began, 0
    while (due := due + dice.expovariate(rate)) < began + seconds:
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        waiting.put_nowait((number, due))
        number += 1
    return number


def close(connections: Sequence[Connection]) -> None:
    """Ends the connections."""
    for connection in connections:
        connection.transport.close()

"""The one thread that predicts: it takes everything that is queued whenever it is free, and the queue has an end."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue

import orjson

from model_code.inference import JSON_TYPE, Refused
from serving.contract import Request, answer
from serving.model import Model

# Answers go back to their callers together, but none waits longer than this for the others of its batch.
DELIVER_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, content and its type, and further header lines, each with its end."""

    status: int
    content: bytes
    content_type: str = JSON_TYPE
    headers: bytes = b""


@dataclass(frozen=True, slots=True)
class Task:
    """A request in the queue, and who is told the response (in the event loop's thread)."""

    request: Request
    tell: Callable[[Response], None]


class Worker:
    """Answers requests on a thread of its own. All but `run` and `respond` belong to the event loop's thread."""

    def __init__(
        self,
        model: Model,
        loop: asyncio.AbstractEventLoop,
        *,
        version: str | None,
        most_requests: int,
        most_bytes: int,
    ) -> None:
        self.model, self.loop, self.version = model, loop, version
        self.most_requests, self.most_bytes = most_requests, most_bytes
        self.unanswered, self.unanswered_bytes = 0, 0
        self.tasks: SimpleQueue[Task | None] = SimpleQueue()
        self.thread = threading.Thread(target=self.run, name="model", daemon=True)

    def start(self) -> None:
        """Begins to answer."""
        self.thread.start()

    def offer(self, task: Task) -> bool:
        """Queues a task; False when there are too many already, or their bodies too large."""
        size = len(task.request.body)
        # A single body is taken however large it is; the server bounds it.
        full = self.unanswered and self.unanswered_bytes + size > self.most_bytes
        if self.unanswered >= self.most_requests or full:
            return False
        self.unanswered += 1
        self.unanswered_bytes += size
        self.tasks.put(task)
        return True

    def stop(self) -> None:
        """Ends the thread once it has answered what is queued."""
        self.tasks.put(None)

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self.thread.is_alive()

    def run(self) -> None:
        """Takes what is queued, answers it, and hands the answers over; until it is told to stop."""
        while True:
            answered: list[tuple[Task, Response]] = []
            started = time.perf_counter()
            for task in self.everything_queued():
                if task is None:
                    self.hand_over(answered)
                    return
                answered.append((task, self.respond(task.request)))
                if time.perf_counter() - started > DELIVER_SECONDS:
                    self.hand_over(answered)
                    answered, started = [], time.perf_counter()
            self.hand_over(answered)

    def everything_queued(self) -> list[Task | None]:
        """At least one task; waits for it."""
        found = [self.tasks.get()]
        while True:
            try:
                found.append(self.tasks.get_nowait())
            except Empty:
                return found

    def hand_over(self, answered: list[tuple[Task, Response]]) -> None:
        """Wakes the event loop once for all of these answers."""
        if answered:
            self.loop.call_soon_threadsafe(self.deliver, answered)

    def deliver(self, answered: list[tuple[Task, Response]]) -> None:
        """Tells each caller."""
        for task, response in answered:
            self.unanswered -= 1
            self.unanswered_bytes -= len(task.request.body)
            task.tell(response)

    def respond(self, request: Request) -> Response:
        """The response to a request. What goes wrong with one is that one's answer and nobody else's."""
        try:
            return Response(HTTPStatus.OK, *answer(self.model, request, self.version))
        except Refused as refusal:
            return refused(int(refusal.status.split()[0]), str(refusal))
        except Exception as error:  # noqa: BLE001 - the caller gets a status, the log where it happened
            # Never the error's own words: they may repeat what a customer sent.
            places = "".join(traceback.format_tb(error.__traceback__))
            print(f"A prediction failed with {type(error).__name__}.\n{places}", file=sys.stderr, flush=True)
            return refused(HTTPStatus.INTERNAL_SERVER_ERROR, "The model failed on this request.")


def refused(status: int, sentence: str, headers: bytes = b"") -> Response:
    """An error's answer."""
    return Response(status, orjson.dumps({"error": sentence}), headers=headers)

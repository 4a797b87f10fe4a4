"""The one thread that predicts: it takes everything that is queued whenever it is free, and the queue has an end.

Samples of different requests go through the network together, as many as it takes at once.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue
from typing import TypeVar

import orjson

from model_code.inference import JSON_TYPE, Refused
from serving.contract import Asked, Request, answers, read
from serving.model import Model

Found = TypeVar("Found")
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
    """Answers requests on a thread of its own. All but `run` and what it calls belong to the event loop's thread."""

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
            queued = self.everything_queued()
            answered: list[tuple[Task, Response]] = []
            started = time.perf_counter()
            for group in self.groups(task for task in queued if task is not None):
                answered += self.respond(group)
                if time.perf_counter() - started > DELIVER_SECONDS:
                    self.hand_over(answered)
                    answered, started = [], time.perf_counter()
            self.hand_over(answered)
            if None in queued:
                return

    def groups(self, tasks: Iterable[Task]) -> Iterator[list[tuple[Task, Asked | Response]]]:
        """The tasks, read, in groups whose samples the network takes together."""
        group: list[tuple[Task, Asked | Response]] = []
        samples = 0
        for task in tasks:
            found = self.attempt(lambda request=task.request: read(self.model, request))
            group.append((task, found))
            samples += len(found.samples) if isinstance(found, Asked) else 0
            if samples >= self.model.most_samples:
                yield group
                group, samples = [], 0
        if group:
            yield group

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

    def respond(self, group: list[tuple[Task, Asked | Response]]) -> list[tuple[Task, Response]]:
        """The responses to a group. What goes wrong with one request is that one's answer and nobody else's."""
        asked = [(task, one) for task, one in group if isinstance(one, Asked)]
        found = [(task, one) for task, one in group if isinstance(one, Response)]
        if not asked:
            return found
        contents = self.attempt(lambda: answers(self.model, [one for _, one in asked], self.version))
        if not isinstance(contents, Response):
            responses = [Response(HTTPStatus.OK, *content) for content in contents]
            return found + [(task, one) for (task, _), one in zip(asked, responses, strict=True)]
        if len(asked) == 1:
            return [*found, (asked[0][0], contents)]
        return found + [answered for one in asked for answered in self.respond([one])]

    def attempt(self, work: Callable[[], Found]) -> Found | Response:
        """What the work gives, or the response that says why it gives nothing."""
        try:
            return work()
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

"""The threads that predict, each with an interpreter of its own, and the one queue that they take from.

Samples of different requests go through a network together, as many as it takes at once; the samples of one request are
divided over the threads, and joined in their order.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import numpy as np
import orjson

from model_code.inference import JSON_TYPE, Refused
from serving.admission import Admission, Limits
from serving.contract import Asked, InferenceRequest, predict, read, written
from serving.model import Model

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: status, content and its type, and further header lines, each with its end."""

    status: int
    content: bytes
    content_type: str = JSON_TYPE
    headers: bytes = b""


@dataclass(slots=True, eq=False)
class PendingRequest:
    """A request, and who is told the response (in the event loop's thread).

    Attributes:
        asked: what it asks, once it is read.
        rows: the probabilities [N, C] as far as they are predicted; None before.
        unfinished: parts that are not predicted yet.
        response: what it gets, once that is known; if one part fails, the whole request does.
    """

    request: InferenceRequest
    tell: Callable[[Response], None]
    asked: Asked | None = None
    rows: np.ndarray | None = None
    unfinished: int = 0
    response: Response | None = None

    @property
    def content(self) -> Asked:
        """What it asks; RuntimeError before it is read."""
        if self.asked is None:
            raise RuntimeError("The request was not read yet.")
        return self.asked

    def divide(self, asked: Asked, most_samples: int) -> list[Part]:
        """Divides it into parts of like size, of at most `most_samples`; a part takes as long as its longest sample."""
        samples = asked.samples
        count = math.ceil(len(samples) / most_samples)
        self.asked, self.unfinished = asked, count
        if count == 1:
            return [Part(self, slice(None), samples, len(self.request.body))]
        order = sorted(range(len(samples)), key=lambda place: len(samples[place]))
        limits = [len(samples) * number // count for number in range(count + 1)]
        chosen = [order[first:last] for first, last in itertools.pairwise(limits)]
        return [
            Part(self, places, [samples[place] for place in places], len(self.request.body) / count)
            for places in chosen
        ]

    def keep(self, part: Part, probabilities: np.ndarray) -> None:
        """Puts a part's probabilities where they belong."""
        if self.rows is None:
            self.rows = np.empty((len(self.content.samples), probabilities.shape[1]), probabilities.dtype)
        self.rows[part.places] = probabilities


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Samples of a task that go through a network together.

    Attributes:
        task: whose.
        places: of the samples in the request.
        samples: images, texts or sequences.
        size: its share of the body's bytes.
    """

    task: PendingRequest
    places: list[int] | slice
    samples: list[Any]
    size: float


class Worker:
    """Answers requests on a thread for each model. `run` and what it calls belong to those threads.

    Attributes:
        admission: what is unanswered, and what may be.
    """

    def __init__(
        self,
        models: Sequence[Model],
        loop: asyncio.AbstractEventLoop,
        *,
        version: str | None,
        limits: Limits,
    ) -> None:
        self.loop, self.version = loop, version
        self.admission = Admission(limits, threads=len(models))
        # Parts of requests that have begun stand before the requests that have not.
        self.queue: deque[PendingRequest | Part] = deque()
        self.changed = threading.Condition()
        self.stopping = False
        # Measured with texts: at a whole group they wait longer, at a quarter the processor does a fifth more.
        self.enough = max(1, models[0].most_samples // 2)
        self.threads = [
            threading.Thread(target=self.run, args=(model,), name=f"model {number}", daemon=True)
            for number, model in enumerate(models, start=1)
        ]
        # Who is woken counts from then on, and not only when it has its turn: nobody else is woken for the same.
        self.awake, self.asleep = len(self.threads), 0

    def start(self) -> None:
        """Begins to answer."""
        for thread in self.threads:
            thread.start()

    def offer(self, task: PendingRequest) -> None:
        """Queues a task; whether there is room is the admission's question."""
        self.admission.took(len(task.request.body))
        with self.changed:
            self.queue.append(task)
            if self.is_enough(self.awake):
                self.wake(1)

    def stop(self) -> None:
        """Ends the threads once they have answered what is queued."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    @property
    def alive(self) -> bool:
        """Whether every thread still answers: what one of them had taken when it ended has no answer."""
        return all(thread.is_alive() for thread in self.threads)

    def wake(self, most: int) -> None:
        """Lets so many threads look at the queue, or as many as wait. The lock is held."""
        count = min(most, self.asleep)
        self.asleep -= count
        self.awake += count
        self.changed.notify(count)

    def run(self, model: Model) -> None:
        """Answers what is queued until it is told to stop."""
        try:
            while (first := self.next()) is not None:
                self.answer(model, first)
        finally:
            with self.changed:
                self.awake -= 1
                # What came meanwhile woke nobody, because this thread was there for it.
                if self.is_enough(self.awake):
                    self.wake(1)

    def answer(self, model: Model, first: PendingRequest | Part) -> None:
        """Predicts what the network takes together, `first` and what stands behind it, and hands the answers over."""
        started = time.perf_counter()
        parts, answered = self.gather(model, first)
        size = sum(part.size for part in parts) + sum(len(task.request.body) for task in answered)
        answered += self.respond(model, parts)
        with self.changed:
            self.admission.measured(size, time.perf_counter() - started)
        if answered:
            self.loop.call_soon_threadsafe(self.deliver, answered)

    def next(self) -> PendingRequest | Part | None:
        """What stands first in the queue; waits until there is enough for a thread. None at the end."""
        with self.changed:
            while not self.stopping and not self.is_enough(self.awake - 1):
                self.awake -= 1
                self.asleep += 1
                self.changed.wait()
            return self.queue.popleft() if self.queue else None

    def is_enough(self, others: int) -> bool:
        """Whether what is queued is worth one more thread than `others`, which take a few together at less cost."""
        if not self.queue:
            return False
        return not others or len(self.queue) >= self.enough or isinstance(self.queue[0], Part)

    def gather(self, model: Model, first: PendingRequest | Part) -> tuple[list[Part], list[PendingRequest]]:
        """Parts that the network takes together, and the tasks that were refused when they were read."""
        parts: list[Part] = []
        refused_ones: list[PendingRequest] = []
        item: PendingRequest | Part | None = first
        room = model.most_samples
        while item is not None:
            part = self.begin(model, item) if isinstance(item, PendingRequest) else item
            if isinstance(item, PendingRequest) and part is None:
                refused_ones.append(item)
            elif part is not None:
                parts.append(part)
                # The parts of a divided request are large, and the others of them are for other threads.
                is_whole = len(part.samples) == len(part.task.content.samples)
                room = room - len(part.samples) if is_whole else 0
            item = self.next_at_once() if room > 0 else None
        return parts, refused_ones

    def next_at_once(self) -> PendingRequest | Part | None:
        """What stands first in the queue; None when nothing does."""
        with self.changed:
            return self.queue.popleft() if self.queue else None

    def begin(self, model: Model, task: PendingRequest) -> Part | None:
        """Reads a task; its first part, the others are for whichever thread is free. None when it is refused."""
        asked = self.attempt(lambda: read(model, task.request))
        if isinstance(asked, Response):
            task.response = asked
            return None
        first, *others = task.divide(asked, model.most_samples)
        if others:
            with self.changed:
                self.queue.extendleft(reversed(others))
                self.wake(len(others))
        return first

    def respond(self, model: Model, parts: list[Part]) -> list[PendingRequest]:
        """Predicts the parts; the tasks that have their answer now. What goes wrong with one is nobody else's."""
        if not parts:
            return []
        samples = [sample for part in parts for sample in part.samples]
        probabilities = self.attempt(lambda: predict(model, samples))
        if isinstance(probabilities, Response) and len(parts) > 1:
            return [task for part in parts for task in self.respond(model, [part])]
        answered, first = [], 0
        for part in parts:
            last = first + len(part.samples)
            if self.is_last(
                part, probabilities if isinstance(probabilities, Response) else probabilities[first:last]
            ):
                answered.append(part.task)
            first = last
        for task in answered:
            task.response = task.response or self.attempt(lambda task=task: self.joined(model, task))
        return answered

    def is_last(self, part: Part, probabilities: np.ndarray | Response) -> bool:
        """Keeps a part's outcome with its task; whether it was the last that was missing."""
        task = part.task
        with self.changed:
            if isinstance(probabilities, Response):
                task.response = probabilities
            else:
                task.keep(part, probabilities)
            task.unfinished -= 1
            return not task.unfinished

    def joined(self, model: Model, task: PendingRequest) -> Response:
        """The answer of a task whose parts are all predicted."""
        wanted = task.content.wanted
        if task.rows is None:
            raise RuntimeError("No part of the request is predicted.")
        return Response(HTTPStatus.OK, written(task.rows, model, self.version, wanted), wanted)

    def deliver(self, tasks: list[PendingRequest]) -> None:
        """Tells each caller."""
        for task in tasks:
            self.admission.answered(len(task.request.body))
            if task.response is None:
                raise RuntimeError("A request is delivered before it has a response.")
            task.tell(task.response)

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

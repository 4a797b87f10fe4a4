"""Asks at a rate that does not wait for answers, as many callers together do, and keeps each latency."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

ANSWERED = "answered"
# How long answers are waited for once nothing more is asked.
GRACE_SECONDS = 10.0

Ask = Callable[[], str]
"""Asks once; `ANSWERED`, or the code of the error."""


@dataclass
class Step:
    """What came of one rate.

    Attributes:
        rate: requests a second that were due, by a Poisson process.
        asked: requests that were due.
        seconds: from the first request to the last answer that counts.
        outcomes: requests by `ANSWERED` or the code of their error.
        latencies: seconds of each that was answered, from when it was due: who waits for a free connection waits too.
        processor_share: of one core's time that asking took; near 1 the figures are those of the machine that asks.
    """

    rate: float
    asked: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    processor_share: float = 0.0

    @property
    def unanswered(self) -> int:
        """Requests without any answer when the time was over."""
        return self.asked - self.outcomes.total()

    @property
    def failed_share(self) -> float:
        """Requests that were not answered, or with an error, of all."""
        return (self.asked - self.outcomes[ANSWERED]) / self.asked if self.asked else 0.0

    @property
    def answers_per_second(self) -> float:
        """Without errors."""
        return self.outcomes[ANSWERED] / self.seconds if self.seconds else 0.0

    @property
    def mean_seconds(self) -> float:
        """Of the latencies; 0 without any."""
        return sum(self.latencies) / len(self.latencies) if self.latencies else 0.0

    def milliseconds(self, share: float) -> float | None:
        """The latency that this share of the answers did not exceed; None without any answer."""
        if not self.latencies:
            return None
        ordered = sorted(self.latencies)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1)


def due_times(rate: float, seconds: float, dice: random.Random) -> list[float]:
    """When requests are due, in seconds from the start: a Poisson process of `rate` a second."""
    times, due = [], dice.expovariate(rate)
    while due < seconds:
        times.append(due)
        due += dice.expovariate(rate)
    return times


def ask_at(
    ask: Ask,
    rate: float,
    seconds: float,
    *,
    connections: int,
    on_detail: Callable[[str], None] = lambda _: None,
    grace_seconds: float = GRACE_SECONDS,
    seed: int = 0,
) -> Step:
    """Asks so many times a second for so long, whether the requests before are answered or not.

    Args:
        ask: is called in `connections` threads.
        rate: requests a second.
        seconds: how long.
        connections: at the same time.
        on_detail: is told how far it is, once a second.
        grace_seconds: how long the last answers are waited for; what is not begun then is not sent any more.
        seed: of the times.
    """
    step, lock = Step(rate), threading.Lock()
    times = due_times(rate, seconds, random.Random(seed))
    step.asked = len(times)
    began, processor = time.monotonic(), time.process_time()

    def answer(due: float) -> None:
        outcome = ask()
        latency = time.monotonic() - began - due
        with lock:
            step.outcomes[outcome] += 1
            if outcome == ANSWERED:
                step.latencies.append(latency)

    pool = ThreadPoolExecutor(connections, thread_name_prefix="load")
    told = 0.0
    try:
        begun = []
        for due in times:
            if (pause := due - (time.monotonic() - began)) > 0:
                time.sleep(pause)
            begun.append(pool.submit(answer, due))
            if due >= told + 1:
                told = due
                on_detail(f"{due:.0f} of {seconds:.0f} s, {step.outcomes[ANSWERED]:,} answers")
        wait(begun, timeout=grace_seconds)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    with lock:
        step.seconds = time.monotonic() - began
        step.processor_share = (time.process_time() - processor) / step.seconds
        # A late answer must not change what is told of this step.
        ended = Step(rate, step.asked, step.seconds, Counter(step.outcomes), list(step.latencies))
    ended.processor_share = step.processor_share
    for request in begun:
        if request.done() and not request.cancelled() and (error := request.exception()):
            raise error
    return ended

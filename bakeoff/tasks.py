"""What a candidate is given and what it has to give back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.examples import Examples

LATENCY_SAMPLES = 300
LATENCY_SECONDS = 6.0
WARM_UP_SAMPLES = 5
LOG_FILE = "log.txt"
"""In a task's directory: what the candidate and its libraries print."""

Report = Callable[[float, str], None]
"""Takes the share that is done, 0 to 1, and a few words."""


@dataclass(frozen=True)
class Trial:
    """One candidate's work.

    Attributes:
        seconds: after which it is ended.
        directory: its own, empty; it may leave its model there.
    """

    train: Examples
    validation: Examples
    test: Examples
    seconds: float
    seed: int
    directory: Path


@dataclass(frozen=True)
class Answers:
    """What a candidate answered on the test part and what that took.

    Attributes:
        predictions: int [test], positions in the labels; -1 for an answer outside them.
        training_seconds: from the training examples in memory to a model that answers; 0 for a service.
        latencies_ms: of single answers, from an example's content to its class, one at a time on this machine.
        artefact_bytes: of what would be deployed; 0 for a service.
        notes: sentences that a reader should know.
    """

    predictions: np.ndarray
    training_seconds: float
    latencies_ms: tuple[float, ...]
    artefact_bytes: int
    notes: tuple[str, ...] = field(default=())


def time_single_answers(
    answer: Callable[[Any], Any], contents: Sequence[Any] | np.ndarray
) -> tuple[float, ...]:
    """Milliseconds of single answers on the first LATENCY_SAMPLES contents, or as many as LATENCY_SECONDS allow."""
    taken: list[float] = []
    for content in contents[:WARM_UP_SAMPLES]:
        answer(content)
    ends = time.perf_counter() + LATENCY_SECONDS
    for content in contents[:LATENCY_SAMPLES]:
        started = time.perf_counter()
        answer(content)
        taken.append((time.perf_counter() - started) * 1000)
        if time.perf_counter() > ends:
            break
    return tuple(taken)

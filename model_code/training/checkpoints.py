"""Checkpoints that survive a machine taken away: written atomically, checked when read, the newest valid one wins."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

KEPT = 2
NAME = re.compile(r"step-(\d+)-([0-9a-f]{8})\.checkpoint\Z")
DIGEST_BYTES = 32


@dataclass(frozen=True)
class Checkpoint:
    """Everything that training needs to go on.

    Attributes:
        arrays: every variable of the network and the optimiser, in their order.
        state: JSON-able facts: step, best loss, run fingerprint.
    """

    arrays: list[np.ndarray]
    state: dict[str, Any]


class Due:
    """Says when the next checkpoint is due: so many steps or seconds after the last, whichever comes first.

    A machine can be taken away without a word, so that no number of steps says how much time that costs.
    """

    def __init__(
        self, step: int, every_steps: int, every_seconds: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Starts at `step`; 0 seconds are no limit."""
        self.every_steps, self.every_seconds, self.now = every_steps, every_seconds, now
        self.saved(step)

    def saved(self, step: int) -> None:
        """Counts from here on."""
        self.last_step, self.last_time = step, self.now()

    def is_due(self, step: int) -> bool:
        """Whether one has to be written at `step`."""
        is_old = 0 < self.every_seconds <= self.now() - self.last_time
        return is_old or step - self.last_step >= self.every_steps


def save(directory: Path, checkpoint: Checkpoint) -> Path:
    """Writes `step-N-RUN.checkpoint` so that a reader sees all of it or nothing, then drops all but the newest KEPT.

    Another run's checkpoints in the same folder are neither counted nor dropped.
    """
    directory.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {f"array_{number:05d}": array for number, array in enumerate(checkpoint.arrays)}
    np.savez(buffer, state=np.array(json.dumps(checkpoint.state)), **arrays)
    content = buffer.getvalue()
    run = run_in_name(checkpoint.state["fingerprint"])
    path = directory / f"step-{checkpoint.state['step']:09d}-{run}.checkpoint"
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(hashlib.sha256(content).digest() + content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    for old in newest_first(directory, run)[KEPT:]:
        old.unlink()
    return path


def remove(directory: Path, fingerprint: str) -> None:
    """Deletes the checkpoints of the run with `fingerprint`, and no other's."""
    for path in newest_first(directory, run_in_name(fingerprint)):
        path.unlink()


def run_in_name(fingerprint: str) -> str:
    """What tells the files of a run from those of others."""
    return hashlib.sha256(fingerprint.encode()).hexdigest()[:8]


def load_newest(directory: Path, fingerprint: str) -> Checkpoint | None:
    """The newest checkpoint that is whole and belongs to the run with `fingerprint`; warns of those it passes over."""
    for path in newest_first(directory):
        try:
            checkpoint = read(path)
        except (OSError, ValueError) as error:
            print(f"warning: skipping the damaged checkpoint {path.name}: {error}", flush=True)
            continue
        if checkpoint.state["fingerprint"] == fingerprint:
            return checkpoint
        print(f"warning: skipping {path.name}, which is of other data, hyperparameters or code", flush=True)
    return None


def read(path: Path) -> Checkpoint:
    """Reads one file.

    Raises:
        ValueError: when its digest does not fit its content.
    """
    content = path.read_bytes()
    digest, body = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("its checksum does not fit")
    with np.load(io.BytesIO(body), allow_pickle=False) as file:
        state = json.loads(str(file["state"]))
        return Checkpoint([file[name] for name in sorted(file.files) if name.startswith("array_")], state)


def newest_first(directory: Path, run: str | None = None) -> list[Path]:
    """The finished checkpoints of a run, or of all runs, the highest step first."""
    named = [(NAME.search(path.name), path) for path in directory.glob("*.checkpoint")]
    ours = [(int(match[1]), path) for match, path in named if match and run in (None, match[2])]
    return [path for _, path in sorted(ours, reverse=True)]

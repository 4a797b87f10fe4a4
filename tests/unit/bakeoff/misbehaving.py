"""Candidates that end in every way there is; the worker imports them by name, so they are no fixtures."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bakeoff.errors import CandidateFailed
from bakeoff.tasks import Answers


def answers_of(task, wrong: int) -> Answers:
    """The truth with the first answers turned to another class."""
    predictions = task.test.targets.astype(np.int64).copy()
    predictions[:wrong] = (predictions[:wrong] + 1) % len(task.test.labels)
    return Answers(predictions, 0.5, (1.0, 2.0, 3.0), 1_000)


def right(task, report):
    """Answers all rightly."""
    report(0.5, "half way")
    return answers_of(task, 0)


def nearly_right(task, report):
    """Answers all but one rightly."""
    return answers_of(task, 1)


def wrong(task, report):
    """Answers all wrongly."""
    return answers_of(task, len(task.test))


def too_few(task, report):
    """Forgets some answers."""
    return Answers(np.zeros(1, np.int64), 0.0, (1.0,), 0)


def raises(task, report):
    """A library's error."""
    raise ValueError("the matrix is singular")


def gives_up(task, report):
    """A candidate's own sentence."""
    raise CandidateFailed("There is no such machine.")


def dies(task, report):
    """Ends its process as a crash in native code would."""
    print("Fatal: out of memory", file=sys.stderr, flush=True)
    os._exit(9)


def hangs(task, report):
    """Starts a child and never ends."""
    child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "600")
    report(0.1, str(child))
    time.sleep(600)


def leaves_a_file(task, report):
    """Leaves a temporary file and tells in which folder."""
    _, path = tempfile.mkstemp()
    folder = Path(path).parent
    report(0.5, str(folder))
    report(0.6, oct(folder.stat().st_mode & 0o777))
    os._exit(9)


def prints(task, report):
    """Prints what no message is."""
    print("hello")
    os.write(1, b"\x80\x04not a message")
    return answers_of(task, 0)

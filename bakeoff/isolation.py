"""Runs one candidate in a process of its own, up to its deadline, and ends it with everything that it started."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from bakeoff.tasks import LOG_FILE, Report, Trial

ROOT = Path(__file__).resolve().parents[1]
GRACE_SECONDS = 3.0
POLL_SECONDS = 0.2
# Threads that spin while they wait take a shared processor from each other: boosting becomes eight times slower.
ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "TF_CPP_MIN_LOG_LEVEL": "3"}


Made = TypeVar("Made")


@dataclass(frozen=True)
class Outcome(Generic[Made]):
    """How a candidate ended: with answers, or with the reason why there are none."""

    answers: Made | None
    reason: str = ""


def run_isolated(candidate: Callable[[Trial, Report], Made], task: Trial, report: Report) -> Outcome[Made]:
    """Runs `candidate` on `task`; what it prints goes to LOG_FILE in the task's directory.

    An interruption here (KeyboardInterrupt) ends the process and goes on to the caller. Its temporary files are in a
    folder that goes with it: TensorFlow imports code that it writes there, and other accounts can write to /tmp.
    """
    log_file = task.directory / LOG_FILE
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary, log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bakeoff.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(temporary),
            # A Ctrl-C is for the bake-off, which ends its candidates itself.
            start_new_session=True,
        )
        messages: queue.Queue[tuple] = queue.Queue()
        threading.Thread(target=converse, args=(process, (candidate, task), messages), daemon=True).start()
        try:
            return follow(process, task.seconds, messages, report, log_file)
        finally:
            end(process)


def environment(temporary: str) -> dict[str, str]:
    """The worker's variables; it finds this project's packages wherever it is started."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, **ENVIRONMENT, "PYTHONPATH": path, "TMPDIR": temporary}


def converse(process: subprocess.Popen, order: tuple, messages: queue.Queue) -> None:
    """Hands the order over and queues what comes back; ("ended",) when nothing more comes."""
    assert process.stdin and process.stdout  # pipes, as it was started
    # A process that dies early closes its pipes; its exit status and its log say why.
    with contextlib.suppress(BrokenPipeError):
        pickle.dump(order, process.stdin)
        process.stdin.close()
    with contextlib.suppress(EOFError, pickle.UnpicklingError, ValueError, OSError):
        while True:
            messages.put(pickle.load(process.stdout))
    messages.put(("ended",))


def follow(
    process: subprocess.Popen, seconds: float, messages: queue.Queue, report: Report, log_file: Path
) -> Outcome:
    """Waits for the answers, the failure, the end of the process or the deadline, whichever comes first."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            kind, *content = messages.get(timeout=min(POLL_SECONDS, left))
        except queue.Empty:
            continue
        if kind == "answers":
            return Outcome(content[0])
        if kind == "failed":
            return Outcome(None, content[0])
        if kind == "ended":
            return Outcome(None, f"Its process ended with the status {process.wait()}. {last_line(log_file)}")
        report(*content)
    return Outcome(None, f"It was not done within its {seconds:.0f} s; give the bake-off more minutes.")


def last_line(log_file: Path) -> str:
    """The last thing that a candidate printed, which tells more than a status."""
    lines = log_file.read_text("utf-8", "replace").strip().splitlines()
    return f"It printed last: {lines[-1][:200]}" if lines else ""


def end(process: subprocess.Popen) -> None:
    """Ends the process and its children; those that have ended are left alone."""
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        # The group outlives its leader while a child of it runs.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    for pipe in filter(None, (process.stdin, process.stdout)):
        with contextlib.suppress(OSError):
            pipe.close()

"""Starts child processes under a supervisor: none of them outlives the process that started it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Literal

SUPERVISOR = Path(__file__).with_name("supervisor.py")


def start_child(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    output: int | IO,
    descriptors: Sequence[int] = (),
    signalled: Literal["group", "command", "child"] = "group",
) -> subprocess.Popen:
    """Starts `command` with its output and errors going to `output`; ending the returned process ends it all.

    Of this process's open files it gets `descriptors` alone, under the same numbers. `signalled` says who hears
    SIGTERM: all that the command has started, it alone, or its child, process 1 of a namespace that it made.
    """
    option = [] if signalled == "group" else [f"--to-{signalled}"]
    return subprocess.Popen(
        [sys.executable, "-I", str(SUPERVISOR), *option, *command],
        env=dict(environment),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=tuple(descriptors),
        # A Ctrl-C in the terminal is for the holder to act on, not for its children.
        start_new_session=True,
    )


def leash_own_group() -> None:
    """Has what this process starts in its own group killed when it ends, even where its supervisor is killed with it.

    Does nothing where the group is not this process's own, because others are in it.
    """
    if os.getsid(0) != os.getpid():
        return
    # The end for writing stays open, here alone, as long as this process lives.
    leash, _ = os.pipe()
    subprocess.Popen(
        [sys.executable, "-I", str(SUPERVISOR), "--leash", str(os.getpid())],
        stdin=leash,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(leash)


def stop_child(process: subprocess.Popen, *, grace_seconds: float) -> int:
    """Sends SIGTERM, waits, then closes the supervisor's pipe, which kills; returns the exit status."""
    assert process.stdin  # the supervisor's pipe that it was started with
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.stdin.close()
            process.wait()
    if not process.stdin.closed:
        process.stdin.close()
    return process.returncode

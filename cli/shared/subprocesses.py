"""Runs the programs that the commands stand on, with their output as progress and their end as a sentence."""

from __future__ import annotations

import collections
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cli.shared.errors import CommandFailed

KEPT_LINES = 25


def inherited(environment: Mapping[str, str]) -> dict[str, str]:
    """What a program inherits: nothing about another AWS where it is told one by AWS_ENDPOINT_URL.

    A service's own address, a profile, or AWS_IGNORE_CONFIGURED_ENDPOINT_URLS would count before it.
    """
    told = "AWS_ENDPOINT_URL" in environment
    return {name: value for name, value in os.environ.items() if not (told and name.startswith("AWS_"))}


def run_program(
    command: Sequence[str],
    *,
    purpose: str,
    environment: Mapping[str, str],
    directory: Path,
    on_line: Callable[[str], None],
) -> None:
    """Runs `command` to its end and hands each line of its output to `on_line`.

    It gets a process group of its own, so that a Ctrl-C or a failure here ends its children too.

    Raises:
        CommandFailed: when it cannot be started or exits with another status than 0; the message ends with the
            last lines it printed.
    """
    last_lines: collections.deque[str] = collections.deque(maxlen=KEPT_LINES)
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**inherited(environment), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(f"{purpose} could not start {command[0]}: {error.strerror}.") from error
    try:
        assert process.stdout  # a pipe, as asked for above
        for line in process.stdout:
            if text := line.strip():
                last_lines.append(text)
                on_line(text)
        status = process.wait()
    except BaseException:
        end_process_group(process.pid)
        process.wait()
        raise
    if status != 0:
        tail = "\n".join(f"  {line}" for line in last_lines)
        raise CommandFailed(f"{purpose} failed with exit status {status}. It printed last:\n{tail}")


def end_process_group(process_id: int, signal_number: int = signal.SIGTERM) -> None:
    """Sends a signal to every process of the group that `process_id` leads; no such group is no error."""
    try:
        os.killpg(process_id, signal_number)
    except ProcessLookupError:
        return

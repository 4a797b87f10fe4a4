"""Runs a command and ends it, with everything that it started, when its time is over.

Example: python tools/limited.py 3600 python -m pytest

`timeout` of the GNU tools does the same, but is not there on macOS.
"""

from __future__ import annotations

import argparse
import signal
import sys

import psutil

# As `timeout` has it.
TIME_IS_OVER = 124
STACKS_SECONDS = 2


def main(seconds: float, command: list[str]) -> int:
    """The command's exit status, or 124 when its time was over."""
    process = psutil.Popen(command)
    try:
        return process.wait(seconds)
    except psutil.TimeoutExpired:
        print(f"{' '.join(command)} did not end within {seconds:g} seconds and is ended.", file=sys.stderr)
        return TIME_IS_OVER
    except KeyboardInterrupt:
        # The terminal tells the command too, which has things to put away; a second time ends it.
        return process.wait()
    finally:
        end(process)


def end(process: psutil.Process) -> None:
    """Ends a process and its descendants; it and its children may say first where they are.

    pytest has Python write all stacks at SIGABRT.
    """
    try:
        own, everything = process.children(), process.children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for running in (process, *own):
        send(running, signal.SIGABRT)
        # One that is stopped hears nothing before.
        send(running, signal.SIGCONT)
    psutil.wait_procs([process, *everything], STACKS_SECONDS)
    for running in (process, *everything):
        send(running, signal.SIGKILL)


def send(process: psutil.Process, number: int) -> None:
    """Sends a signal to a process that may be gone."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seconds", type=float)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    words = parser.parse_args()
    sys.exit(main(words.seconds, words.command))

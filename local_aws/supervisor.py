"""Runs a command that never outlives the process which holds the other end of standard input.

Usage: python -I supervisor.py [--unheld] [--to-command | --to-child] COMMAND [ARGUMENT …]
       python -I supervisor.py --leash GROUP

Standard library only, because it starts before everything else. With --unheld nobody holds it: the command runs until
it ends by itself or by a signal. With --to-command SIGTERM reaches the command alone, and with --to-child its child
alone, which is process 1 of the namespace that the command has made. With --leash it runs no command: when its holder
is gone, it kills a group of processes that was the holder's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# More than the holder has open.
DESCRIPTORS = 4096


def main(command: list[str], *, is_held: bool = True, signalled: str = "group") -> int:
    """Runs `command` in a process group of its own and returns its exit status.

    SIGTERM and SIGINT go on to the `group`, the `command` or its `child`, and SIGQUIT kills the group. When standard
    input ends, its holder is gone, however it died, and the group is killed. What the command left running is killed
    when it ends, and where the supervisor itself is killed, unless nobody holds it.
    """
    # What is open here, the holder passed on for the command.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, close_fds=False)

    # Before there is another thread, and before signals are passed on.
    let_off = leash(process.pid) if is_held else None

    def to_group(number: int) -> None:
        signal_group(process.pid, number)

    def pass_on(number: int) -> None:
        if signalled == "group":
            to_group(number)
            return
        targets = children(process.pid) if signalled == "child" else [process.pid]
        for target in targets:
            with suppress(ProcessLookupError):
                os.kill(target, number)

    def watch_holder() -> None:
        kill_without_holder(process.pid)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: pass_on(received))
    signal.signal(signal.SIGQUIT, lambda _number, _frame: to_group(signal.SIGKILL))
    if is_held:
        threading.Thread(target=watch_holder, daemon=True).start()
    status = process.wait()
    to_group(signal.SIGKILL)
    if let_off:
        # The group's number may be another's by now.
        let_off()
    if status < 0 and not is_held:
        print(f"It was ended by {signal.Signals(-status).name}.", flush=True)
    return status if status >= 0 else 128 - status


def leash(group: int) -> Callable[[], None]:
    """Forks a process that kills a group when this one ends, unless it is let off by what is returned."""
    reader, writer = os.pipe()
    if process_id := os.fork():
        os.close(reader)

        def let_off() -> None:
            os.write(writer, b"ended")
            # Where process 1 is none that waits for orphans, it would stay as a zombie.
            os.waitpid(process_id, 0)

        return let_off
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    # Whoever reads the command's output would wait for its end here too.
    for descriptor in range(3):
        os.dup2(nothing, descriptor)
    os.closerange(3, reader)
    os.closerange(reader + 1, DESCRIPTORS)
    if not os.read(reader, 1):
        signal_group(group, signal.SIGKILL)
    os._exit(0)


def kill_without_holder(group: int) -> None:
    """Waits until whoever holds standard input has ended, and kills a group of processes."""
    while os.read(0, 1024):
        continue
    signal_group(group, signal.SIGKILL)


def signal_group(group: int, number: int) -> None:
    """Sends a signal to a group of processes; one that is no more is no error."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)


def children(process_id: int) -> list[int]:
    """The children of a process; none where it has ended."""
    try:
        listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_bytes()
        return [int(part) for part in listed.split()]
    except OSError:
        return []


if __name__ == "__main__":
    words, is_held, signalled = sys.argv[1:], True, "group"
    if words[0] == "--leash":
        sys.exit(kill_without_holder(int(words[1])))
    while words[0] in ("--unheld", "--to-command", "--to-child"):
        option = words.pop(0)
        if option == "--unheld":
            is_held = False
        else:
            signalled = option.removeprefix("--to-")
    sys.exit(main(words, is_held=is_held, signalled=signalled))

"""Runs a command that never outlives the process which holds the other end of standard input.

Usage: python -I leash.py [--unheld] COMMAND [ARGUMENT …]. Standard library only, because it starts before everything
else. With --unheld nobody holds it: the command runs until it ends by itself or by a signal.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main(command: list[str], *, is_held: bool = True) -> int:
    """Runs `command` in a process group of its own and returns its exit status.

    SIGTERM and SIGINT go on to the whole group, and SIGQUIT kills it. When standard input ends, its holder is gone,
    however it died, and the group is killed. What the command left running is killed when it ends.
    """
    # What is open here, the holder passed on for the command.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, close_fds=False)

    def to_group(number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def watch_holder() -> None:
        while os.read(0, 1024):
            continue
        to_group(signal.SIGKILL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _frame: to_group(received))
    signal.signal(signal.SIGQUIT, lambda _number, _frame: to_group(signal.SIGKILL))
    if is_held:
        threading.Thread(target=watch_holder, daemon=True).start()
    status = process.wait()
    to_group(signal.SIGKILL)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[0] == "--unheld":
        sys.exit(main(words[1:], is_held=False))
    sys.exit(main(words))

"""What is done again and again in the background."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable


def periodically(seconds: float, work: Callable[[], None]) -> None:
    """Does the work every so many seconds, in a thread of its own, for as long as the process lives."""

    def repeat() -> None:
        while True:
            time.sleep(seconds)
            try:
                work()
            except Exception:  # noqa: BLE001 - the next time is to come all the same; the log says what went wrong
                traceback.print_exc(file=sys.stderr)

    threading.Thread(target=repeat, daemon=True).start()

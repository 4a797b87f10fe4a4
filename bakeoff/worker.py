"""The process in which one candidate runs: a task in on standard input, messages out on standard output.

Both are pickles between this project's own processes; nothing that came from elsewhere is ever unpickled.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback

from bakeoff.errors import CandidateFailed


def run() -> None:
    """Reads (function, task), runs it and writes ("progress", share, words) …, then ("answers", …) or ("failed", …)."""
    channel = os.fdopen(os.dup(1), "wb")
    # What libraries print goes where the errors go: into the candidate's log.
    os.dup2(2, 1)
    candidate, task = pickle.load(sys.stdin.buffer)

    def send(*message: object) -> None:
        pickle.dump(message, channel)
        channel.flush()

    try:
        send("answers", candidate(task, lambda share, words: send("progress", share, words)))
    except CandidateFailed as failure:
        send("failed", str(failure))
    except Exception as error:  # noqa: BLE001 - whatever a library raises is this candidate's failure, not the others'
        traceback.print_exc()
        send("failed", f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}")


if __name__ == "__main__":
    run()

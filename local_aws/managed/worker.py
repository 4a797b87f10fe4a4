"""The process that holds the stand-ins' models: `python -m local_aws.managed.worker DESCRIPTOR`.

Over the socket of that number come requests and go answers, each a line of JSON: `[number, service, operation, body]`
and `[number, status, headers, body]`, in whatever order they are ready. The line `"loaded"` comes once.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

LOADED = "loaded"
# Requests that are worked on at a time, of each service: one is decoded while a network runs over the other. A picture
# of 100 megapixels takes a gigabyte and more while it is read.
REQUESTS_AT_ONCE = 2
# Importing these takes most of the time; what else is imported comes with them.
PACKAGES = ("tensorflow", "rapidocr", "spacy", "presidio_analyzer", "profanity_check", "py3langid")
# A deployment that runs meanwhile gets three times as much of a processor that both want.
NICENESS = 5


def main() -> None:
    """Answers until the other end of the socket is closed."""
    faulthandler.enable()
    keep_no_memory_on_disk()
    end_first_when_memory_is_short()
    # TensorFlow imports Keras, and Keras what it knows of statistics and plots: half of the time, and nobody needs it.
    sys.modules["keras"] = None  # type: ignore[assignment]
    from local_aws.managed import comprehend, rekognition

    stand_ins = {"rekognition": rekognition.stand_in(), "comprehend": comprehend.stand_in()}
    channel = socket.socket(fileno=int(sys.argv[1]))
    one_at_a_time = threading.Lock()

    def say(message: Any) -> None:
        # Where nobody listens any more, the end of the requests ends this process.
        with one_at_a_time, suppress(OSError):
            channel.sendall(json.dumps(message).encode() + b"\n")

    def answer(number: int, service: str, operation: str, body: str) -> None:
        status, headers, content = stand_ins[service].answer(operation, body.encode("latin-1"))
        say([number, status, headers, content.decode()])

    pool = ThreadPoolExecutor(REQUESTS_AT_ONCE * len(stand_ins))
    models = [load for stand_in in stand_ins.values() for load in stand_in.models]
    threading.Thread(target=load_all, args=(models, lambda: say(LOADED)), daemon=True).start()
    for line in channel.makefile("rb"):
        pool.submit(answer, *json.loads(line))
    # Whatever is still computed is for nobody.
    os._exit(0)


def load_all(models: Iterable[Callable[[], Any]], tell: Callable[[], None]) -> None:
    """Imports the packages and loads the models, so that no request has to; then tells so."""
    importing = threading.Thread(target=import_packages)
    importing.start()
    importing.join()
    for load in models:
        try:
            load()
        except Exception as error:  # noqa: BLE001 - a request for it tries again, and tells its caller why
            print(f"A stand-in's model is not loaded: {error}", file=sys.stderr, flush=True)
    tell()


def import_packages() -> None:
    """Imports what the models need, at a lower priority that ends with the thread.

    The threads that TensorFlow and ONNX Runtime start for themselves keep the priority of the thread that loads the
    first model, so this thread loads none.
    """
    if sys.platform == "linux":
        # There a priority is a thread's; elsewhere it is the process's, and cannot be raised again.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    for package in PACKAGES:
        importlib.import_module(package)


def keep_no_memory_on_disk() -> None:
    """Has the system write no core dump: it would hold what customers sent."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_first_when_memory_is_short() -> None:
    """Has Linux end this process, which is started again, before the embedded AWS, which holds everything."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="utf-8")


if __name__ == "__main__":
    main()

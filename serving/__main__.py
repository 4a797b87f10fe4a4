"""Serves an unpacked model archive: `python -m serving --directory model`, or `serve` as SageMaker starts a container.

Example: python -m serving --directory build/model --port 8080
         curl --data 'A moving film.' --header 'Content-Type: text/plain' http://127.0.0.1:8080/invocations
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

import uvloop

from serving.admission import Limits
from serving.cores import usable_cores
from serving.model import PRECISIONS, Model, ModelUnusable
from serving.server import Connection, Server
from serving.worker import Worker

# SageMaker mounts the model here, names a port in this variable, and kills a container 30 s after SIGTERM.
MODEL_DIRECTORY = Path("/opt/ml/model")
PORT_VARIABLE = "SAGEMAKER_BIND_TO_PORT"
DEFAULT_PORT = 8080
GRACE_SECONDS = 25
# Real-time inference takes 6 MiB, asynchronous inference up to 1 GB, which no image or text of ours has.
MOST_BODY_BYTES = 6 * 1024 * 1024
MOST_CONNECTIONS = 1000
# The models' threads give way to the event loop this soon, in place of Python's 5 ms.
SWITCH_SECONDS = 0.0005
# A caller waits 60 s at most.
BOUNDS = {
    "port": (0, 65_535),
    "threads": (1, 1_000),
    "queue": (1, 1_000_000),
    "wait_milliseconds": (0, 60_000),
}


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, default=MODEL_DIRECTORY, help="the unpacked model archive")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port",
        type=int,
        default=int(os.environ.get(PORT_VARIABLE, DEFAULT_PORT)),
        help="port to listen on, 0 for any free one (%(default)s)",
    )
    parser.add_argument("--port-file", type=Path, help="file to write the port to once it answers")
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0], help="of the weights")
    parser.add_argument(
        "--threads",
        type=int,
        default=usable_cores(),
        help="that predict, each with an interpreter of its own (%(default)s: the cores that this process may use)",
    )
    parser.add_argument(
        "--queue",
        type=int,
        default=Limits.most_requests,
        help="requests that may be unanswered; beyond them the answer is 429 (%(default)s)",
    )
    parser.add_argument(
        "--wait-milliseconds",
        type=float,
        default=1000 * Limits.most_wait_seconds,
        help="a request that would wait longer for a thread is answered with 429 (%(default)g)",
    )
    words = parser.parse_args()
    for name, (least, most) in BOUNDS.items():
        if not least <= getattr(words, name) <= most:
            parser.error(f"--{name.replace('_', '-')} is from {least:,} to {most:,}.")
    return words


def main() -> None:
    """Loads and warms the model, then serves until SIGTERM or SIGINT, and answers what was asked before it ends."""
    words = arguments()
    if words.port_file and words.port_file.exists() and not holds_port(words.port_file):
        sys.exit(
            f"{words.port_file} holds something else than a port, and would be replaced. Name another file."
        )
    try:
        model = Model(words.directory, precision=words.precision)
        models = [model, *(model.twin() for _ in range(words.threads - 1))]
        for twin in models:
            twin.warm_up()
    except ModelUnusable as unusable:
        sys.exit(str(unusable))
    # What is loaded by now stays: the collector need not look at it again in the middle of a request.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        uvloop.run(serve(models, words))
    except OSError as error:
        sys.exit(f"Nothing can listen on {words.host}:{words.port}: {error.strerror or error}.")


async def serve(models: list[Model], words: argparse.Namespace) -> None:
    """Listens until a signal, then drains.

    Raises:
        OSError: when the address cannot be listened on.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    worker = Worker(
        models,
        loop,
        version=os.environ.get("MODEL_VERSION"),
        limits=Limits(most_wait_seconds=words.wait_milliseconds / 1000, most_requests=words.queue),
    )
    server = Server(worker, most_body_bytes=MOST_BODY_BYTES, most_connections=MOST_CONNECTIONS)
    listener = await loop.create_server(lambda: Connection(server), words.host, words.port, backlog=512)
    worker.start()
    sweeping = asyncio.create_task(server.sweep())
    if words.port_file:
        announce(words.port_file, listener.sockets[0].getsockname()[1])
    await stopped.wait()
    listener.close()
    await server.drain(GRACE_SECONDS)
    sweeping.cancel()
    worker.stop()


def holds_port(file: Path) -> bool:
    """Whether a file is one that `announce` wrote."""
    return file.is_file() and file.read_bytes()[:6].isdigit()


def announce(file: Path, port: int) -> None:
    """Writes the port in one step, so that nobody reads half of it."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(str(port), encoding="utf-8")
    unfinished.replace(file)


if __name__ == "__main__":
    main()

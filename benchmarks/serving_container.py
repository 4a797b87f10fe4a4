"""What do workers and inference.py cost in AWS's TensorFlow Serving container, before TensorFlow Serving itself?

Example: python -m benchmarks.serving_container --front-end ~/front-end --front-end-python ~/front-end/venv/bin/python
The folder holds python_service.py, tfs_utils.py and multi_model_utils.py as they are (github.com/aws/
deep-learning-containers, scripts/docker/tensorflow/inference/sagemaker); that Python has falcon 3.1.0, gunicorn,
gevent, grpcio and requests. They run with our inference.py before a stand-in of TensorFlow Serving that answers after a
known time; nginx, which stands before them there, is left out. Contenders are asked in turn. The processor time of a
request is what a busy machine changes least.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from benchmarks import interleaved
from benchmarks.load import JSON_TYPE, Load, Outcome, Question
from benchmarks.serving_stand_in import CLASSES
from definitions.networks import KNOWN_PNG
from local_aws.sagemaker.containers import CONTAINER_ROOT, can_bind_mount, in_namespace
from model_code.export.hooks import write_hooks

RESULT = Path(__file__).parent / "results" / "serving_container.json"
ROOT = Path(__file__).parents[1]
MILLISECONDS = 5.0
CONNECTIONS = 16
LABELS = [f"class {number}" for number in range(CLASSES)]
# An image's bytes as JSON: that of a release's known question, and one as a camera's.
IMAGES = {
    "image of 0.2 KB": base64.b64decode(KNOWN_PNG),
    "image of 100 KB": random.Random(0).randbytes(100_000),
}
STARTING_SECONDS = 60


@dataclass(frozen=True)
class Contender:
    """A way to run the front end.

    Attributes:
        workers: of gunicorn.
        has_inference: whether our inference.py is there; without it the front end passes JSON on as it is.
    """

    workers: int
    has_inference: bool = True

    @property
    def name(self) -> str:
        """In the result."""
        return f"{self.workers} workers" + ("" if self.has_inference else ", without inference.py")


CONTENDERS = (Contender(1, has_inference=False), Contender(1), Contender(2), Contender(4))


@dataclass
class Rounds:
    """What the rounds of a contender found, a member of each list a round."""

    answers_per_second: list[float] = field(default_factory=list)
    p50_milliseconds: list[float] = field(default_factory=list)
    p99_milliseconds: list[float] = field(default_factory=list)
    processor_milliseconds: list[float] = field(default_factory=list)
    at_the_same_time: list[int] = field(default_factory=list)

    def medians(self) -> dict[str, float]:
        """Of each."""
        return {name: round(statistics.median(values), 2) for name, values in vars(self).items()}


def body_of(image: bytes) -> bytes:
    """A request's JSON."""
    return json.dumps({"instances": [{"image": {"b64": base64.b64encode(image).decode()}}]}).encode()


class Question200(Question):
    """A question of which only the status counts: the front end without inference.py names no classes."""

    def is_answered_by(self, body: bytes) -> bool:
        """Whether there is a prediction."""
        return bool(json.loads(body)["predictions"])


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def stand_in(milliseconds: float) -> Iterator[int]:
    """The port of a stand-in of TensorFlow Serving."""
    command = [sys.executable, "-m", "benchmarks.serving_stand_in", "--milliseconds", str(milliseconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8", cwd=ROOT) as process:
        try:
            if process.stdout is None:
                raise SystemExit("The stand-in has no output.")
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@contextlib.contextmanager
def front_end(
    contender: Contender, words: argparse.Namespace, behind: int
) -> Iterator[tuple[psutil.Process, int]]:
    """The front end's process and its port.

    Raises:
        SystemExit: when it does not answer in time.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if contender.has_inference:
            write_hooks(folder / "model")
            (folder / "model" / "labels.json").write_text(json.dumps(LABELS), encoding="utf-8")
        command = [
            *(words.front_end_python, str(words.front_end / "python_service.py"), "-b", f"127.0.0.1:{port}"),
            *(
                "-k",
                "gevent",
                "--chdir",
                str(words.front_end),
                "--workers",
                str(contender.workers),
                "--threads",
                "1",
            ),
            *("--log-level", "info", "--timeout", "30"),
        ]
        environment = {
            **os.environ,
            "TFS_REST_PORTS": str(behind),
            "TFS_GRPC_PORTS": str(free_port()),
            "SAGEMAKER_GUNICORN_WORKERS": str(contender.workers),
            "PYTHONPATH": f"{CONTAINER_ROOT}/model/code:{CONTAINER_ROOT}/model/code/lib",
            "OMP_NUM_THREADS": "1",
        }
        with (folder / "log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(in_namespace(command, folder), env=environment, stdout=log, stderr=log)
            try:
                wait_for(port, folder / "log")
                yield psutil.Process(process.pid), port
            finally:
                process.kill()
                process.wait()


def wait_for(port: int, log: Path) -> None:
    """Returns when the front end answers."""
    end = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}/invocations",
                body_of(IMAGES["image of 0.2 KB"]),
                {"Content-Type": JSON_TYPE},
            )
            urllib.request.urlopen(request, timeout=5).read()
            return
        time.sleep(0.2)
    said = log.read_text(encoding="utf-8", errors="replace")
    raise SystemExit(f"The front end does not answer:\n{said[-2000:]}")


def processor_seconds(process: psutil.Process) -> float:
    """Of a process and all below it that live."""
    total = 0.0
    for running in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = running.cpu_times()
            total += times.user + times.system
    return total


def ask(
    process: psutil.Process, port: int, behind: int, image: bytes, seconds: float, rounds: Rounds
) -> None:
    """One round."""
    question = Question200(body_of(image), JSON_TYPE, LABELS, np.zeros((1, CLASSES)))
    before = processor_seconds(process)
    outcome: Outcome = asyncio.run(
        Load(port, [question]).as_fast_as_it_answers(connections=CONNECTIONS, seconds=seconds)
    )
    spent = processor_seconds(process) - before
    p50, p99 = outcome.milliseconds(0.5), outcome.milliseconds(0.99)
    if set(outcome.statuses) != {200} or outcome.wrong or p50 is None or p99 is None:
        raise SystemExit(f"Not every request was answered: {dict(outcome.statuses)}, {outcome.wrong} wrong.")
    rounds.answers_per_second.append(outcome.answers_per_second)
    rounds.p50_milliseconds.append(p50)
    rounds.p99_milliseconds.append(p99)
    rounds.processor_milliseconds.append(spent * 1_000 / outcome.statuses[200])
    with urllib.request.urlopen(f"http://127.0.0.1:{behind}/most", timeout=5) as answer:
        rounds.at_the_same_time.append(json.load(answer)["most"])


def measure(words: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """All contenders in turn before one stand-in."""
    measured = {image: {contender: Rounds() for contender in CONTENDERS} for image in IMAGES}
    with contextlib.ExitStack() as stack:
        behind = stack.enter_context(stand_in(MILLISECONDS))
        servers = {
            contender: stack.enter_context(front_end(contender, words, behind)) for contender in CONTENDERS
        }
        for number in range(words.rounds):
            for name, image in IMAGES.items():
                for contender, (process, port) in servers.items():
                    ask(process, port, behind, image, words.seconds, measured[name][contender])
            print(f"round {number + 1} of {words.rounds}", file=sys.stderr, flush=True)
    return {
        name: {contender.name: rounds.medians() for contender, rounds in contenders.items()}
        for name, contenders in measured.items()
    }


def main() -> None:
    """Measures and keeps the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--front-end", type=Path, required=True, help="the folder with python_service.py")
    parser.add_argument(
        "--front-end-python", required=True, help="a Python that has falcon, gunicorn and gevent"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of a round")
    parser.add_argument(
        "--note", default="", help="what has to be known of the machine, such as that it was busy"
    )
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    words = parser.parse_args()
    words.front_end = words.front_end.resolve()
    if not can_bind_mount():
        raise SystemExit("This needs user namespaces: the front end looks for inference.py at /opt/ml.")
    result = {
        "question": "What do workers and inference.py cost in AWS's TensorFlow Serving container?",
        **interleaved.environment(),
        "note": words.note,
        "connections": CONNECTIONS,
        "rounds": words.rounds,
        "serving_milliseconds": MILLISECONDS,
        "front_end": measure(words),
    }
    interleaved.write(words.result, result)


if __name__ == "__main__":
    main()

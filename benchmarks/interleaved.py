"""Measures contenders in turn, each in a process of its own, so that a slow moment of the machine meets them all."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any


def work(run: Callable[[], int], round_seconds: float) -> None:
    """A contender's process: warms up, then measures one round for every line that it is sent.

    Args:
        run: does some work and returns how much it was.
        round_seconds: how long a round lasts at least.
    """
    run()
    run()
    print("ready", flush=True)
    for _ in sys.stdin:
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < round_seconds:
            count += run()
        print(count / (time.perf_counter() - started), flush=True)


class Worker:
    """A contender's process: Keras takes one backend a process, and PyTorch another Python."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        if self.process.stdin is None or self.process.stdout is None:
            raise TypeError("A contender's process has pipes.")
        self.command = " ".join(command)
        self.orders, self.answers = self.process.stdin, self.process.stdout
        self.answer()

    def answer(self) -> str:
        """The next line that the process prints."""
        line = self.answers.readline()
        if not line:
            raise SystemExit(f"A contender ended; run it by itself to see why: {self.command}")
        return line.strip()

    def round(self) -> float:
        """Work a second in one round."""
        self.orders.write("go\n")
        self.orders.flush()
        return float(self.answer())

    def close(self) -> None:
        """Ends the process."""
        self.orders.close()
        self.process.wait()


def measure(workers: dict[str, Worker], *, rounds: int, title: str) -> dict[str, list[float]]:
    """Every worker's rounds, one of each in turn; ends the workers."""
    rates: dict[str, list[float]] = {name: [] for name in workers}
    for number in range(rounds):
        for name, worker in workers.items():
            rates[name].append(worker.round())
        print(f"{title}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    for worker in workers.values():
        worker.close()
    return rates


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def processor() -> str:
    """The processor's name and the vector instructions that decide."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    values = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    flags = [flag for flag in known if flag in values.get("flags", "").split()]
    return f"{values.get('model name', platform.machine())} ({', '.join(flags)})"


def environment() -> dict[str, Any]:
    """What a figure depends on beside the code: the processor, and the versions of what computes."""
    versions = {}
    for name in ("tensorflow", "tensorflow-cpu", "keras", "jax", "scikit-learn"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name.removesuffix("-cpu")] = metadata.version(name)
    return {
        "processor": processor(),
        "processor_cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }


def beside(file: Path, processor_name: str) -> Path:
    """Where a processor's result goes: the file, or where that is of another processor a file of its name beside it."""
    if not file.exists() or json.loads(file.read_bytes()).get("processor") in (
        None,
        processor_name,
    ):
        return file
    words = re.sub(r"[^a-z0-9]+", "-", processor_name.lower()).strip("-")
    return file.with_name(f"{file.stem}.{words}{file.suffix}")


def write(file: Path, result: dict[str, Any]) -> None:
    """Keeps a result, each processor's in a file of its own, and shows it."""
    text = json.dumps(result, indent=2, ensure_ascii=False)
    beside(file, result.get("processor", "")).write_text(text + "\n", encoding="utf-8")
    print(text)


class Parts:
    """A result that is measured part by part; one that fails costs the others nothing.

    Attributes:
        result: what was measured so far; a part adds to it.
        unfinished: the file that holds it until every part is there.
    """

    def __init__(self, file: Path, about: dict[str, Any]) -> None:
        self.file, self.result = file, about
        self.unfinished = file.with_name(f"{file.stem}.unfinished{file.suffix}")
        self.failed: dict[str, str] = {}

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measures a part inside; where it ends early, that is kept too, and the next may begin."""
        try:
            yield
        except (SystemExit, OSError) as error:
            self.failed[name] = str(error)
            print(f"{name} failed: {error}", file=sys.stderr, flush=True)
        result = {**self.result, "failed": self.failed}
        self.unfinished.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def finish(self) -> None:
        """Writes the whole result.

        Raises:
            SystemExit: when a part failed; what was measured stays in `unfinished`, and an earlier result as it is.
        """
        if self.failed:
            raise SystemExit(f"These failed: {', '.join(self.failed)}. The others are in {self.unfinished}.")
        write(self.file, self.result)
        self.unfinished.unlink(missing_ok=True)

"""Measures contenders in turn, each in a process of its own, so that a slow moment of the machine meets them all."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
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
            text=True,
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
        lines = Path("/proc/cpuinfo").read_text().splitlines()
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


def write(file: Path, result: dict[str, Any]) -> None:
    """Keeps a result and shows it."""
    text = json.dumps(result, indent=2, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")
    print(text)

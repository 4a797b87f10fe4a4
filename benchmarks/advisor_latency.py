"""How long one piece of advice takes, caches of costs empty: `python -m benchmarks.advisor_latency`."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from pathlib import Path

from advisor import Problem, costs, recommend, tables

ROUNDS = 40
RESULT = Path(__file__).parent / "results" / "advisor_latency.json"


def measure() -> dict[str, float]:
    """Milliseconds of every use case, interleaved over ROUNDS rounds; tables are read before, bills are not known.

    By the clock, and of the processor alone, which other programs on the machine do not lengthen.
    """
    problems = [Problem.from_dict(case["problem"]) for case in tables.read("use_cases.toml")["use_case"]]
    for problem in problems:
        recommend(problem)
    taken: dict[str, list[float]] = {"": [], "processor_": []}
    for _ in range(ROUNDS):
        for problem in problems:
            costs.known_bill.cache_clear()
            started, started_thread = time.perf_counter(), time.thread_time()
            recommend(problem)
            taken["processor_"].append((time.thread_time() - started_thread) * 1000)
            taken[""].append((time.perf_counter() - started) * 1000)
    quantiles = {name: statistics.quantiles(values, n=100) for name, values in taken.items()}
    return {
        f"{which}{name}milliseconds": round(ranked[position], 2)
        for name, ranked in quantiles.items()
        for which, position in (("median_", 49), ("p99_", 98))
    }


if __name__ == "__main__":
    result = {
        "question": "How long does one piece of advice take?",
        "use_cases": len(tables.read("use_cases.toml")["use_case"]),
        "rounds": ROUNDS,
        "processor_cores": os.cpu_count(),
        "python": platform.python_version(),
        **measure(),
    }
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))

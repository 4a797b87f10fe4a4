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
    """Milliseconds of every use case, interleaved over ROUNDS rounds; tables are read before, costs are not known."""
    problems = [Problem.from_dict(case["problem"]) for case in tables.read("use_cases.toml")["use_case"]]
    for problem in problems:
        recommend(problem)
    taken = []
    for _ in range(ROUNDS):
        for problem in problems:
            costs.known_cost.cache_clear()
            started = time.perf_counter()
            recommend(problem)
            taken.append((time.perf_counter() - started) * 1000)
    ranked = statistics.quantiles(taken, n=100)
    return {"median_milliseconds": round(ranked[49], 2), "p99_milliseconds": round(ranked[98], 2)}


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

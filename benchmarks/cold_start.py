"""How long each Lambda function's own code takes to import, and how much memory it has then.

Example: python -m benchmarks.cold_start
The code is laid out as it is deployed and imported by a fresh process, which can write no bytecode, as in Lambda. What
is compiled for Lambda's processor is taken from this environment. AWS's side of a cold start (fetching the code,
starting the sandbox) is not in it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import interleaved

ROUNDS = 15
FUNCTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "vision": ((), ("custom",)),
    "language": ((), ("custom",)),
    "custom": ((), ()),
    "advise": (("advisor",), ()),
    "litert": (("serving", "model_code"), ("custom",)),
}
RESULT = Path(__file__).parent / "results" / "cold_start.json"
# boto3 comes with the runtime and is imported at the first call; the handler's import is what every cold start pays.
IMPORT = """
import resource, sys, time
started = time.perf_counter()
if sys.argv[1] != "nothing":
    __import__(f"lambdas.{sys.argv[1]}.handler")
seconds = time.perf_counter() - started
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
VARIABLES = {
    "POWERTOOLS_METRICS_NAMESPACE": "Recognition",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def import_of(function: str, code: Path) -> tuple[float, float]:
    """Milliseconds of a handler's import in a fresh process, and its memory in MiB then."""
    command = [sys.executable, "-c", IMPORT, function]
    finished = subprocess.run(
        command, cwd=code, env={**os.environ, **VARIABLES}, capture_output=True, text=True, check=True
    )
    seconds, kibibytes = finished.stdout.split()
    return float(seconds) * 1000, int(kibibytes) / 1024


def size_of(code: Path) -> float:
    """MiB of the deployed code, unzipped."""
    return sum(file.stat().st_size for file in code.rglob("*") if file.is_file()) / 2**20


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Every function in turn, and nothing at all, so often."""
    from stacks.shared.lambda_assets import write_function_code

    # The runtime's boto3 is compiled; that of a new environment is not before its first import.
    compiling = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", "import boto3"], env=compiling, check=True)
    timings: dict[str, list[tuple[float, float]]] = {name: [] for name in ("nothing", *FUNCTIONS)}
    with tempfile.TemporaryDirectory() as folder:
        codes = {
            name: write_function_code(name, Path(folder), packages, parts)
            for name, (packages, parts) in FUNCTIONS.items()
        }
        codes["nothing"] = codes["custom"]
        for number in range(rounds):
            for name, results in timings.items():
                results.append(import_of(name, codes[name]))
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        return {
            name: {
                "milliseconds": round(statistics.median(milliseconds for milliseconds, _ in results), 1),
                "slowest_milliseconds": round(max(milliseconds for milliseconds, _ in results), 1),
                "mebibytes": round(statistics.median(size for _, size in results), 1),
                "code_mebibytes": round(size_of(codes[name]), 1),
            }
            for name, results in timings.items()
        }


def main() -> None:
    """Measures and keeps the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    words = parser.parse_args()
    result = {
        "question": "How long does the import of each function's code take?",
        "processor": interleaved.processor(),
        "python": sys.version.split()[0],
        "rounds": words.rounds,
        "functions": measure(words.rounds),
    }
    interleaved.write(words.result, result)


if __name__ == "__main__":
    main()

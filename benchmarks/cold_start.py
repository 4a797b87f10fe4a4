"""How long each Lambda function's own code takes to import, and how much memory it has then.

Example: python -m benchmarks.cold_start
The code is laid out as it is deployed and imported by a fresh process, which can write no bytecode, as in Lambda. What
is compiled for Lambda's processor is taken from this environment. AWS's side of a cold start (fetching the code,
starting the sandbox) is not in it. With --pydantic it measures instead what a first model of pydantic's takes beside
a function's whole import, one in turn with the other, and adds that to the result.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import shutil
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
if sys.argv[1] == "pydantic":
    from pydantic import create_model
    create_model("Request", text=(str, ...), language_code=(str | None, None))
elif sys.argv[1] != "nothing":
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
        command, cwd=code, env={**os.environ, **VARIABLES}, capture_output=True, encoding="utf-8", check=True
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


def against_pydantic(rounds: int) -> dict[str, float | int]:
    """What pydantic and one small model take, as a share of the import of the function of our own networks."""
    from stacks.shared.lambda_assets import write_function_code

    names = ("pydantic", "pydantic_core", "annotated_types", "typing_inspection", "typing_extensions")
    shares = []
    with tempfile.TemporaryDirectory() as folder:
        code = write_function_code("custom", Path(folder), (), ())
        alone = Path(folder) / "pydantic"
        alone.mkdir()
        for file in (Path(str(importlib.import_module(name).__file__)) for name in names):
            if file.name == "__init__.py":
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(file.parent, alone / file.parent.name, ignore=ignored)
            else:
                shutil.copy(file, alone)
        for _ in range(rounds):
            of_function, _ = import_of("custom", code)
            of_pydantic, _ = import_of("pydantic", alone)
            shares.append(of_pydantic / of_function)
        size = size_of(alone)
    return {
        "of_a_functions_import": round(statistics.median(shares), 2),
        "code_mebibytes": round(size, 1),
        "rounds": rounds,
    }


def main() -> None:
    """Measures and keeps the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    parser.add_argument("--pydantic", action="store_true", help="measure pydantic and nothing else")
    words = parser.parse_args()
    if words.pydantic:
        known = json.loads(words.result.read_bytes())
        interleaved.write(words.result, {**known, "pydantic": against_pydantic(words.rounds)})
        return
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

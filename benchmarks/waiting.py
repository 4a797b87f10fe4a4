"""How long does one wait for the commands that are run most, and what for?

Example: python -m benchmarks.waiting
In a checkout whose .venv is there. Beside the seconds that pass it notes the processor's, which other work on the
machine changes less; those of the embedded AWS, which outlives its command, are not among them. It is stopped at the
end; where one runs already, nothing is measured.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import interleaved
from cli.shared import embedded
from cli.shared.assemblies import STAMP
from cli.shared.project import BUILD, ROOT, toolchain_environment

RESULT = Path(__file__).parent / "results" / "waiting.json"
EMPTY_APP = 'import aws_cdk as cdk\napp = cdk.App()\ncdk.Stack(app, "Empty")\napp.synth()\n'
SYNTH = ("cdk", "synth", "--quiet", "--no-notices", "--output")
MAKE = ("check", "test-model", "test")


def measure(command: list[str], directory: Path, variables: Mapping[str, str]) -> dict[str, float]:
    """The seconds that a command takes, and those of a processor for it and what it waits for.

    Raises:
        SystemExit: when it fails.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, **toolchain_environment(), **variables}
    # As in the Makefile: without compiled modules each start of aws-cdk-lib takes seconds more.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    finished = subprocess.run(command, cwd=directory, env=environment, capture_output=True, encoding="utf-8")
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if finished.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{finished.stdout[-1000:]}{finished.stderr[-1000:]}")
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": round(seconds, 1), "processor_seconds": round(spent, 1)}


def steps(scratch: Path) -> dict[str, tuple[list[str], Path, dict[str, str]]]:
    """Each step's command, folder and variables, in their order."""
    (scratch / "empty").mkdir()
    (scratch / "empty" / "app.py").write_text(EMPTY_APP, encoding="utf-8")
    synth, up = [*SYNTH, str(scratch / "out")], ["recognition", "up", "--no-browser", "--json"]
    return {
        "recognition --help": (["recognition", "--help"], ROOT, {}),
        "Python imports aws_cdk": (["python", "-c", "import aws_cdk"], ROOT, {}),
        "cdk synth of an empty app": ([*synth, "--app", "python app.py"], scratch / "empty", {}),
        "cdk synth of this app": (synth, ROOT, {}),
        "the same without the CDK's validation": (synth, ROOT, {"CDK_VALIDATION": "false"}),
        "recognition up, nothing there": (up, ROOT, {}),
        "recognition up, nothing changed": (up, ROOT, {}),
    }


def measured(rounds: int, made: list[str]) -> dict[str, dict[str, Any]]:
    """The medians of all steps."""
    measurements: dict[str, list[dict[str, float]]] = {}
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as scratch:
            plan = steps(Path(scratch)) | {f"make {target}": (["make", target], ROOT, {}) for target in made}
            # A first `up` has no assembly to use again.
            (BUILD / "cdk.out" / STAMP).unlink(missing_ok=True)
            try:
                for name, (command, directory, variables) in plan.items():
                    measurements.setdefault(name, []).append(measure(command, directory, variables))
                    print(f"round {number + 1}: {name} {measurements[name][-1]}", file=sys.stderr, flush=True)
            finally:
                embedded.stop()
    return {
        name: {key: statistics.median(seconds[key] for seconds in times) for key in times[0]}
        for name, times in measurements.items()
    }


def main() -> None:
    """Measures and keeps the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--make", nargs="*", choices=MAKE, default=[], help="these tasks too")
    parser.add_argument(
        "--note", default="", help="what has to be known of the machine, such as that it was busy"
    )
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    words = parser.parse_args()
    if embedded.running():
        raise SystemExit("An embedded AWS of this checkout runs. Stop it first: recognition down")
    result = {
        "question": str(__doc__).splitlines()[0],
        **interleaved.environment(),
        "note": words.note,
        "rounds": words.rounds,
        "steps": measured(words.rounds, words.make),
    }
    interleaved.write(words.result, result)


if __name__ == "__main__":
    main()

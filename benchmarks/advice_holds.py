"""Does the advice hold? On public sets, the advised family against the bake-off: `python -m benchmarks.advice_holds`.

The advisor is given what the profiler sees and that the labels are the caller's own, nothing else. The advice holds
where the best candidate of the family that it puts first, of those that took part, is within one point of the best of
all. Sets on which only one family takes part cannot contradict it; they are counted apart.

What a candidate does is bounded by its work, which a busy machine does not change: EXAMPLES_MOST examples, 150 or 100
rounds of boosting, and as many epochs as `bakeoff.network` wants. The minutes only end what hangs.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

from advisor import Problem
from bakeoff import contest
from benchmarks.packaged_sets import SETS
from cli.advise.profiling import profile
from cli.bakeoff.examples import read_examples
from local_aws.managed.settings import cache_directory

RESULT = Path(__file__).parent / "results" / "advice_holds.json"
EXAMPLES_MOST = 3_000


class Line:
    """Prints a line when a candidate has ended."""

    def started(self, candidate: Any, seconds: float) -> None:
        """Nothing to say yet."""

    def progressed(self, candidate: Any, share: float, words: str) -> None:
        """Nothing to say yet."""

    def ended(self, result: contest.Result) -> None:
        """One candidate's figure."""
        figure = f"{result.accuracy.value:.4f}" if result.accuracy else result.reason
        print(f"  {result.candidate.id}: {figure}", flush=True)


def measure(name: str, seconds: float) -> dict[str, Any]:
    """One set's bake-off against its advice."""
    package, write = SETS[name]
    with tempfile.TemporaryDirectory() as scratch:
        data = write(cache_directory(), Path(scratch) / name)
        measured = profile(data)
        answers = {**measured.answers, "labels": "own"}
        examples = read_examples(measured)
        held = contest.run(
            examples,
            Problem.from_dict(answers),
            contest.ContestSettings(seconds, examples_most=EXAMPLES_MOST),
            Path(scratch) / "candidates",
            Line(),
        )
    verdict = held.verdict
    if verdict is None:
        raise SystemExit(f"No candidate of {name} finished.")
    families = {result.candidate.family for result in held.results if result.finished} - {
        "constant",
        "managed",
    }
    return {
        "package": package,
        "answers": answers,
        "parts": held.parts,
        "accuracy": {
            result.candidate.id: dataclasses.asdict(result.accuracy)
            for result in held.results
            if result.accuracy
        },
        "failed": {result.candidate.id: result.reason for result in held.results if not result.finished},
        "absent": [absentee.title for absentee in held.absent],
        "winner": verdict.winner,
        "winner_told_apart": bool(verdict.comparison and verdict.comparison.told_apart),
        "advised": verdict.advised,
        "advised_first": verdict.advised_first,
        "holds": verdict.advice_holds,
        "families_compared": sorted(families),
        "seconds": round(held.seconds, 1),
    }


def summary(sets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The shares and the misses."""
    contested = {name: one for name, one in sets.items() if len(one["families_compared"]) > 1}
    return {
        "sets_measured": len(sets),
        "holds": share(sets),
        "sets_with_several_families": len(contested),
        "holds_where_several_families_took_part": share(contested),
        "misses": sorted(name for name, one in sets.items() if not one["holds"]),
        "candidates_that_did_not_finish": {
            name: one["failed"] for name, one in sets.items() if one["failed"]
        },
    }


def share(sets: dict[str, dict[str, Any]]) -> float | None:
    """In which the advice holds."""
    return round(sum(bool(one["holds"]) for one in sets.values()) / len(sets), 3) if sets else None


def run() -> None:
    """Measures the named sets, or all, and keeps the others' earlier results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SETS)}; all by default")
    parser.add_argument("--minutes", type=float, default=20.0, help="the most for each set (%(default)s)")
    words = parser.parse_args()
    earlier = json.loads(RESULT.read_text())["sets"] if RESULT.exists() else {}
    for name in words.names or SETS:
        print(name, flush=True)
        earlier[name] = measure(name, words.minutes * 60)
        result = {
            "question": "On how many public sets is the advised family within one point of the best?",
            "processor_cores": os.cpu_count(),
            "python": platform.python_version(),
            "seed": 0,
            **summary(earlier),
            "sets": {known: earlier[known] for known in SETS if known in earlier},
        }
        RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(summary(earlier), indent=2))


if __name__ == "__main__":
    run()

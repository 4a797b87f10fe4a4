"""What does following the advice cost? The advised family against the best on public sets.

Example: python -m benchmarks.regret --missing
The advisor is given what the profiler sees and that the labels are the caller's own, nothing else. A set's regret is
the accuracy of the best family that took part minus that of the family that the advisor puts first of them; a family's
accuracy is its best candidate's. Beside it stand the regrets of three policies that look at nothing.

Only the accuracies are measured and kept. The advice is asked anew whenever the result is read, so that rules can be
corrected without training anything again; which sets were measured by other candidates than today's is told by
`candidates_digest`.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import hashlib
import json
import os
import platform
import statistics
import tempfile
from pathlib import Path
from typing import Any

from advisor import Problem, recommend
from bakeoff import contest
from bakeoff.candidates import OF_MODALITY, TRAINED, candidates_for
from bakeoff.results import known
from benchmarks.packaged_sets import CITED, SETS
from cli.advise.profiling import profile
from cli.bakeoff.examples import read_examples
from local_aws.managed.settings import cache_directory

ROOT = Path(__file__).resolve().parents[1]
RESULT = Path(__file__).parent / "results" / "regret.json"
EXAMPLES_MOST = 1_000
WITHIN = 0.01
# Functions that make sentences about a candidate, and none of its answers.
SENTENCES = ("notes_about", "described", "why_none", "failure_reason")
# Functions through which nothing but image files goes.
OF_IMAGES = ("decode_images",)
# What a candidate answers follows from these; changes of their comments, docstrings and sentences change no answer.
ALL = ("bakeoff/estimators.py", "bakeoff/features.py", "bakeoff/splits.py")
BASELINES = ("model_code/baselines/features.py", "model_code/baselines/train.py")
NETWORKS = (
    "bakeoff/network.py",
    "model_code/fitted.py",
    "model_code/hyperparameters.py",
    "model_code/networks/networks.py",
    "model_code/training/trainer.py",
)
PRETRAINED = ("model_code/networks/efficientnet.py", "model_code/training/pretrained.py")
SOURCES = {
    "tabular": ALL,
    "text": (*ALL, *BASELINES, *NETWORKS),
    "time_series": (*ALL, *BASELINES, *NETWORKS, "bakeoff/minirocket.py"),
    "image": (*ALL, *BASELINES, *NETWORKS, *PRETRAINED),
}
POLICIES = ("traditional always", "CNN for images, else traditional", "managed always")


class Line:
    """Prints a line when a candidate has ended."""

    def started(self, candidate: Any, seconds: float) -> None:
        """Nothing to say yet."""

    def progressed(self, candidate: Any, share: float, words: str) -> None:
        """Nothing to say yet."""

    def ended(self, result: contest.Result) -> None:
        """One candidate's figure."""
        figure = f"{known(result.accuracy).value:.4f}" if result.finished else result.reason
        print(f"  {result.candidate.id}: {figure}", flush=True)


def candidates_digest(modality: str) -> str:
    """A digest of who the candidates for a modality are and of the code that they are made of."""
    digest = hashlib.sha256(" ".join(one.id for one in OF_MODALITY[modality]).encode())
    for name in SOURCES[modality]:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                node.body = [one for one in node.body if not changes_no_answer(one, modality)]
            if isinstance(node, ast.Call):
                node.keywords = [one for one in node.keywords if one.arg != "encoding"]
        digest.update(name.encode() + ast.dump(tree).encode())
    return digest.hexdigest()[:12]


def is_older(one: dict[str, Any]) -> bool:
    """Whether a set was measured by other candidates than today's."""
    return one["candidates"] != candidates_digest(one["answers"]["modality"])


def changes_no_answer(statement: ast.AST, modality: str) -> bool:
    """Whether it is a docstring, an import, or a function that makes sentences or reads images where there are none."""
    if isinstance(statement, ast.FunctionDef):
        return statement.name in SENTENCES or (modality != "image" and statement.name in OF_IMAGES)
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.Import | ast.ImportFrom)


def measure(name: str, seed: int, seconds: float, without: list[str]) -> dict[str, Any]:
    """One split of a set, by all candidates but those in `without`."""
    package, write = SETS[name]
    with tempfile.TemporaryDirectory() as scratch:
        measured = profile(write(cache_directory(), Path(scratch) / name))
        answers = {**measured.answers, "labels": "own"}
        # The advice is for as many as the candidates learn from and are tested on.
        answers["labelled_examples"] = min(EXAMPLES_MOST, answers["labelled_examples"])
        limits = contest.ContestSettings(seconds, examples_most=EXAMPLES_MOST, seed=seed, metric="accuracy")
        examples = read_examples(measured)
        present, absent = candidates_for(examples, own_account=False)
        held = contest.run(
            examples,
            Problem.from_dict(answers),
            limits,
            Path(scratch) / "candidates",
            Line(),
            entrants=([one for one in present if one.id not in without], absent),
            # In one round: what is repeated here is the split.
            runner=contest.run_all,
        )
    return {
        "package": package,
        "answers": answers,
        "parts": held.parts,
        "split": {
            result.candidate.id: dataclasses.asdict(known(result.accuracy))
            for result in held.results
            if result.finished
        },
        "failed": {result.candidate.id: result.reason for result in held.results if not result.finished},
    }


def families_of(one: dict[str, Any]) -> dict[str, float]:
    """Each family's accuracy on a set: its best candidate's, over the splits; stand-ins are none."""
    scores: dict[str, float] = {}
    for name in one["splits"][0]:
        if name in TRAINED and all(name in split for split in one["splits"]):
            mean = statistics.fmean(split[name]["value"] for split in one["splits"])
            family = TRAINED[name].family
            scores[family] = max(mean, scores.get(family, 0.0))
    return scores


def regrets_of(one: dict[str, Any]) -> dict[str, Any]:
    """Who was advised on a set, and what that and each policy cost."""
    families = families_of(one)
    taking_part = {competitor.advised_as: competitor.family for competitor in TRAINED.values()}
    options = recommend(Problem.from_dict(one["answers"])).options
    advised = next(taking_part[option.id] for option in options if taking_part.get(option.id, "") in families)
    is_image = one["answers"]["modality"] == "image"
    managed = [
        split[name]["value"]
        for split in one["splits"]
        for name in split
        if name.startswith(("comprehend", "rekognition"))
    ]
    # A service without words for the classes answers none of them better than the most frequent class.
    nothing = statistics.fmean(split["majority_class"]["value"] for split in one["splits"])
    by_policy = (
        families.get("traditional", nothing),
        families.get("cnn" if is_image else "traditional", nothing),
        statistics.fmean(managed) if managed else nothing,
    )
    best = max(families.values())
    within = [family for family, value in families.items() if best - value <= 0.1 and value > nothing + 0.05]
    return {
        "advised": advised,
        "best": max(families, key=lambda family: families[family]),
        "regret": round(best - families[advised], 4),
        "contested": len(within) > 1,
        **{name: round(best - value, 4) for name, value in zip(POLICIES, by_policy, strict=True)},
    }


def summary(sets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What the advice and the policies cost, over all sets, the contested ones and those that no rule cites."""
    found = {name: regrets_of(one) for name, one in sets.items()}
    parts = {
        "all": list(found),
        "contested": [name for name, one in found.items() if one["contested"]],
        "contested_and_not_cited": [
            name for name, one in found.items() if one["contested"] and name not in CITED
        ],
    }
    return {
        "regrets": found,
        **{part: costs([found[name] for name in names]) for part, names in parts.items()},
        "older_than_the_candidates": sorted(name for name, one in sets.items() if is_older(one)),
        "candidates_that_did_not_finish": {
            name: one["failed"] for name, one in sets.items() if one["failed"]
        },
    }


def costs(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Of the advice and each policy: the mean regret, the middle one, the largest, and the share within a point."""
    return {
        "sets": len(found),
        **{
            name: {
                "mean": round(statistics.fmean(one[key] for one in found), 4),
                "median": round(statistics.median(one[key] for one in found), 4),
                "largest": max(one[key] for one in found),
                "within_one_point": round(statistics.fmean(one[key] <= WITHIN for one in found), 3),
            }
            for name, key in (("the advice", "regret"), *zip(POLICIES, POLICIES, strict=True))
            if found
        },
    }


def write(sets: dict[str, dict[str, Any]]) -> None:
    """Writes RESULT."""
    result = {
        "question": "How many points of accuracy does following the advice cost?",
        "processor_cores": os.cpu_count(),
        "python": platform.python_version(),
        "examples_most": EXAMPLES_MOST,
        "sets": {known: sets[known] for known in SETS if known in sets},
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def run() -> None:
    """Measures the named sets, or all, a split each, and keeps the others' earlier results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SETS)}; all by default")
    parser.add_argument("--minutes", type=float, default=20.0, help="the most for a split (%(default)s)")
    parser.add_argument("--without", action="append", default=[], help="a candidate that takes no part")
    parser.add_argument("--splits", type=int, default=1, help="of each set (%(default)s)")
    parser.add_argument(
        "--missing", action="store_true", help="only splits that nobody has measured with today's candidates"
    )
    words = parser.parse_args()
    sets = json.loads(RESULT.read_bytes())["sets"] if RESULT.exists() else {}
    for seed in range(words.splits):
        for name in words.names or SETS:
            found = sets.get(name)
            if words.missing and found and seed < len(found["splits"]) and not is_older(found):
                continue
            print(name, seed, flush=True)
            measured = measure(name, seed, words.minutes * 60, words.without)
            earlier = sets[name]["splits"][:seed] if seed else []
            sets[name] = {
                **measured,
                "splits": [*earlier, measured.pop("split")],
                "candidates": candidates_digest(measured["answers"]["modality"]),
            }
            sets[name].pop("split", None)
            write(sets)
    print(json.dumps(summary(sets), indent=1))


if __name__ == "__main__":
    run()

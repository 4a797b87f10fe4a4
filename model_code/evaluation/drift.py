"""The drift job: holds what an endpoint was asked and answered against what the evaluation saw on the test split."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model_code.evaluation.captures import read_captures
from model_code.evaluation.features import traits_of_predictions, traits_of_samples
from model_code.evaluation.files import BASELINE_FILE, DRIFT_FILE, DRIFT_FOLDER
from model_code.evaluation.population_stability import counts_of, population_stability_index, reference_of
from model_code.failures import JobFailed, reported
from model_code.scores import Predictions

if TYPE_CHECKING:
    from model_code.data.records import Split

BASELINE_SAMPLES = 2_000


def run() -> None:
    """Runs the job and ends the process: 0, or 1 with a failure reason."""
    parser = argparse.ArgumentParser(
        description="Measures how far an endpoint's inputs and predictions have moved from the test split's.",
        epilog="Example: python3 -m model_code.evaluation.drift --captured captured --baseline baseline.json "
        "--version 3 --least-samples 200 --output out",
    )
    parser.add_argument("--captured", type=Path, required=True, help="what SageMaker's data capture wrote")
    parser.add_argument("--baseline", type=Path, required=True, help="the evaluation's, or its directory")
    parser.add_argument(
        "--version", required=True, help="of the model; what another one answered is left out"
    )
    parser.add_argument("--least-samples", type=int, required=True, help="with fewer nothing is said")
    parser.add_argument("--output", type=Path, required=True, help=f"where {DRIFT_FILE} goes")
    words = parser.parse_args()
    with reported("The drift job"):
        DRIFT_FOLDER.check(words.output)
        report = measure(words.captured, words.baseline, words.version, words.least_samples)
    DRIFT_FOLDER.prepare(words.output)
    (words.output / DRIFT_FILE).write_text(json.dumps(report, indent=1), encoding="utf-8")
    print(f"drift: {json.dumps(report)}", flush=True)


def baseline_of(split: Split, predictions: Predictions) -> dict[str, Any]:
    """What later inputs and predictions are held against: the references of a seeded choice of the split's samples.

    Args:
        split: N samples.
        predictions: the model's of them.

    Returns:
        `feature`, `samples` (their number) and `traits`: by name what
        `model_code.evaluation.population_stability.reference_of` gives.
    """
    count = len(split.samples)
    chosen = np.random.default_rng(0).choice(count, min(BASELINE_SAMPLES, count), replace=False)
    traits = {
        **traits_of_samples([split.samples[i] for i in chosen], split.feature),
        **traits_of_predictions(
            [split.labels[i] for i in predictions.answers[chosen]], predictions.scores[chosen].tolist()
        ),
    }
    return {
        "feature": split.feature,
        "samples": len(chosen),
        "traits": {name: reference_of(values) for name, values in traits.items()},
    }


def measure(captured: Path, baseline: Path, version: str, least_samples: int) -> dict[str, Any]:
    """The drift of what `version` was asked and answered; nothing of any request is in it.

    Returns:
        `samples`, `unread` and `others` (see `model_code.evaluation.captures.Captured`), `enough`; and where there is
        enough, `traits` with the index of each, and `input` and `prediction` with the largest `index` and its `trait`.

    Raises:
        JobFailed: when the baseline or the captured data cannot be read, or are of different features.
    """
    reference = read_baseline(baseline)
    captures = read_captures(captured, version)
    counted = {"samples": len(captures.samples), "unread": captures.unread, "others": captures.others}
    if len(captures.samples) < max(least_samples, 1):
        return {**counted, "enough": False}
    if captures.feature != reference["feature"]:
        raise JobFailed(
            f"The baseline is of a model of {reference['feature']}s, the requests hold {captures.feature}s."
        )
    observed = {
        **traits_of_samples(captures.samples, captures.feature),
        **traits_of_predictions(captures.labels, captures.scores),
    }
    indices = {
        name: population_stability_index(trait["counts"], counts_of(observed.get(name, []), trait))
        for name, trait in reference["traits"].items()
    }
    worst = {}
    for side in ("input", "prediction"):
        trait = max((name for name in indices if name.startswith(f"{side}.")), key=indices.__getitem__)
        worst[side] = {"trait": trait, "index": indices[trait]}
    return {**counted, "enough": True, **worst, "traits": indices}


def read_baseline(file: Path) -> dict[str, Any]:
    """The baseline that an evaluation wrote; see `measure` for what is raised."""
    place = file / BASELINE_FILE if file.is_dir() else file
    try:
        reference = json.loads(place.read_bytes())
        return {name: reference[name] for name in ("feature", "samples", "traits")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise JobFailed(f"{place.name} is no baseline of an evaluation ({type(error).__name__}).") from error


if __name__ == "__main__":
    run()

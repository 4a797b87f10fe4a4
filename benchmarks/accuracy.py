"""How well do the networks recognise a test set that they never saw, in a given time, and how well does traditional ML?

Example: python -m benchmarks.accuracy --cache ~/.cache/recognition
Example: python -m benchmarks.accuracy --cache ~/.cache/recognition --kinds cnn --seconds 291 --set width=32 --trial
The training job's own script trains on training and validation samples together, with the preset below, and the
evaluation job's measures the artefact that it wrote. Nothing is chosen by the validation samples in such a run; with
`--trial` it trains without them and measures on them, which is how a preset is chosen.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks import interleaved
from benchmarks.public_channels import DATASET_OF_KIND, channels, train, with_validation

SECONDS = 291
PRESETS = {
    "cnn": {"epochs": "12", "whitening": "true", "shift_pixels": "2", "mirror": "true"},
    "rnn": {
        "epochs": "4",
        "sequence_length": "400",
        "vocabulary_size": "30000",
        "embedding_size": "128",
        "units": "64",
        "dropout": "0.5",
        "word_dropout": "0.2",
        "learning_rate": "0.003",
    },
}
"""What each network trains with; the CNN's epochs are shortened to what the seconds allow, by `max_seconds`."""
RESULTS = Path(__file__).parent / "results"


def accuracy_of(metrics: dict) -> dict:
    """Value and 95 % interval of an evaluation's accuracy."""
    metric = next(value for key, value in metrics.items() if key.endswith("classification_metrics"))[
        "accuracy"
    ]
    return {
        "value": round(metric["value"], 4),
        "interval_95": [round(bound, 4) for bound in metric["interval_95"]],
    }


def of_network(
    kind: str, training: Path, validation: Path, test: Path, seed: int, given: dict[str, str]
) -> dict:
    """Trains and measures one network."""
    from model_code.evaluation.evaluate import evaluate

    words = [word for name, value in {**given, "seed": str(seed)}.items() for word in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as scratch:
        started = time.monotonic()
        artefact = train(
            kind, Path(scratch) / "job", training=training, validation=validation, hyperparameters=words
        )
        seconds = time.monotonic() - started
        evaluate(artefact, test, Path(scratch) / "evaluation")
        metrics = json.loads((Path(scratch) / "evaluation" / "evaluation.json").read_bytes())
        card = json.loads((artefact / "model_card.json").read_bytes())
    return {
        "seed": seed,
        "accuracy": accuracy_of(metrics),
        "seconds_with_start_and_export": round(seconds, 1),
        "epochs": card["history"][-1]["epoch"],
        "parameters": card["parameters"],
        "test_samples": metrics["samples"],
    }


def of_baselines(kind: str, training: Path, test: Path) -> dict[str, dict]:
    """Traditional ML on the same samples."""
    from model_code.baselines.train import measure

    return {name: accuracy_of(metrics) for name, metrics in measure(kind, training, test).items()}


def measure_kind(kind: str, words: argparse.Namespace) -> dict:
    """Every figure of a kind."""
    data = channels(DATASET_OF_KIND[kind], words.cache.expanduser(), words.train_samples)
    given = {**PRESETS[kind], **dict(word.split("=", 1) for word in words.set)}
    if kind == "cnn":
        given["max_seconds"] = str(words.seconds)
    with tempfile.TemporaryDirectory() as scratch:
        training, validation, test = (data / name for name in ("train", "validation", "test"))
        if words.trial:
            test = validation
        else:
            training = with_validation(data, Path(scratch) / "train")
        return {
            "dataset": DATASET_OF_KIND[kind],
            "measured_on": test.name,
            "train_samples": words.train_samples or "all",
            "hyperparameters": given,
            "networks": [of_network(kind, training, validation, test, seed, given) for seed in words.seeds],
            "traditional": {} if words.trial else of_baselines(kind, training, test),
        }


def main() -> None:
    """Measures and keeps the result; a trial only shows it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    parser.add_argument("--kinds", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument(
        "--seconds",
        type=int,
        default=SECONDS,
        help="of the CNN, from its script's start; default: %(default)s",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="a run for each; default: 0")
    parser.add_argument("--train-samples", type=int, help="so many training samples; all by default")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="other hyperparameters")
    parser.add_argument(
        "--trial", action="store_true", help="measure on the validation samples; keep nothing"
    )
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of accuracy_KIND.json (%(default)s)"
    )
    words = parser.parse_args()
    for kind in words.kinds:
        result = {
            "question": f"How well does the {kind.upper()} recognise a test set, and how well does traditional ML?",
            **interleaved.environment(),
            **measure_kind(kind, words),
        }
        if words.trial:
            print(json.dumps(result, indent=2))
        else:
            interleaved.write(words.results / f"accuracy_{kind}.json", result)


if __name__ == "__main__":
    main()

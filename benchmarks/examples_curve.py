"""How many examples does each family need: traditional ML, a network from scratch, one on pretrained features?

Example: python -m benchmarks.examples_curve --cache ~/.cache/recognition
Example: python -m benchmarks.examples_curve --cache ~/.cache/recognition --curves cats_and_dogs --counts 200
Every family has the same training examples, as many of each class, with the hyperparameters that `recognition train
--data` chooses for them and the same limit of seconds. A network chooses its best epoch on a quarter as many further
examples; traditional ML, which chooses nothing, learns from those as well. All answer the same test samples. Points
that are measured are put among those of the result that are there already.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import interleaved
from benchmarks.public_channels import channels, train
from definitions.networks import kind_of_feature
from model_code.fitted import fitted
from model_code.light_import import import_tensorflow

COUNTS = (10, 30, 100, 300, 1_000, 4_000)
TEST_SAMPLES = 2_000
SECONDS = 240
RESULT = Path(__file__).parent / "results" / "examples_curve.json"


@dataclass(frozen=True)
class Curve:
    """What is learnt.

    Attributes:
        dataset: the public set.
        classes: those that take part; all where none is named.
        size: pixels or words, as `model_code.fitted.fitted` takes them.
        counts: of training examples.
    """

    dataset: str
    size: int
    classes: tuple[str, ...] = ()
    counts: tuple[int, ...] = COUNTS


CURVES = {
    "cifar10": Curve("cifar10", 32),
    "cats_and_dogs": Curve("cifar10", 32, ("cat", "dog"), (20, 60, 200, 600, 2_000)),
    # Nine in ten reviews have no more words and signs than this.
    "imdb": Curve("imdb", 560),
}


def write_part(channel: Path, directory: Path, curve: Curve, count: int, skipped: int = 0) -> Path:
    """Writes a channel of `count` samples of another one, as many of each class as can be, the first ones of each.

    Args:
        channel: of the public set.
        directory: where it goes.
        curve: whose classes take part.
        count: of samples.
        skipped: of them, already in another channel.
    """
    from model_code.data.records import read_split, write_split

    split = read_split(channel, kind_of_feature(feature_of(curve)))
    names = list(curve.classes or split.labels)
    shares = [
        (total + len(names) - 1 - i) // len(names) for total in (skipped, count) for i in range(len(names))
    ]
    starts, wanted = shares[: len(names)], shares[len(names) :]
    chosen = [
        (position, number)
        for number, name in enumerate(names)
        for position in np.flatnonzero(split.targets == split.labels.index(name))[
            starts[number] : starts[number] + wanted[number]
        ]
    ]
    chosen.sort()
    samples = [split.samples[position] for position, _ in chosen]
    write_split(directory, split.feature, samples, [number for _, number in chosen], names)
    return directory


def feature_of(curve: Curve) -> str:
    """What a record holds."""
    return {"cifar10": "image", "imdb": "text"}[curve.dataset]


def accuracy_of_network(
    curve: Curve, count: int, parts: dict[str, Path], *, pretrained: bool, cache: Path
) -> dict:
    """Trains a network by the job's own script and measures its artefact on the test part."""
    from model_code.evaluation.evaluate import evaluate

    kind = kind_of_feature(feature_of(curve))
    chosen = fitted(feature_of(curve), count, curve.size, pretrained=pretrained)
    words = [word for name, value in chosen.items() for word in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as scratch:
        started = time.monotonic()
        artefact = train(
            kind,
            Path(scratch) / "job",
            training=parts["train"],
            validation=parts["validation"],
            hyperparameters=[*words, "--max_seconds", str(SECONDS)],
            pretrained=cache if pretrained else None,
        )
        seconds = time.monotonic() - started
        evaluate(artefact, parts["test"], Path(scratch) / "evaluation")
        report = json.loads((Path(scratch) / "evaluation" / "evaluation.json").read_text())
        card = json.loads((artefact / "model_card.json").read_text())
    return {
        "accuracy": round(report["gate"]["accuracy"], 4),
        "epochs": card["history"][-1]["epoch"],
        "seconds_with_start_and_export": round(seconds),
    }


def point(curve: Curve, count: int, cache: Path) -> dict:
    """Every family's accuracy with so many training examples."""
    from model_code.baselines.train import measure

    data = channels(curve.dataset, cache)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        classes = len(curve.classes) or {"cifar10": 10, "imdb": 2}[curve.dataset]
        validating = max(classes, count // 4)
        parts = {
            "train": write_part(data / "train", place / "train", curve, count),
            "validation": write_part(data / "train", place / "validation", curve, validating, count),
            "test": write_part(data / "test", place / "test", curve, TEST_SAMPLES),
        }
        both = write_part(data / "train", place / "both", curve, count + validating)
        kind = kind_of_feature(feature_of(curve))
        traditional = {
            name: round(report["gate"]["accuracy"], 4)
            for name, report in measure(kind, both, parts["test"]).items()
        }
        found = {"examples": count, "validating": validating, "traditional": traditional}
        found["from_scratch"] = accuracy_of_network(curve, count, parts, pretrained=False, cache=cache)
        if kind == "cnn":
            found["pretrained"] = accuracy_of_network(curve, count, parts, pretrained=True, cache=cache)
        return found


def kept(name: str, points: list[dict]) -> None:
    """Puts points of a curve into the result, in place of those of as many examples."""
    file = interleaved.beside(RESULT, interleaved.processor())
    before = json.loads(file.read_text())["curves"] if file.is_file() else {}
    new = {one["examples"] for one in points}
    rest = [one for one in before.get(name, []) if one["examples"] not in new]
    merged = sorted([*rest, *points], key=lambda one: one["examples"])
    interleaved.write(
        RESULT,
        {
            "question": "How many examples does each family need?",
            **interleaved.environment(),
            "test_samples": TEST_SAMPLES,
            "seconds_of_training": SECONDS,
            "curves": {**before, name: merged},
        },
    )


def main() -> None:
    """Measures the curves, and keeps each point as soon as it is known."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    parser.add_argument("--curves", nargs="+", choices=CURVES, default=list(CURVES))
    parser.add_argument(
        "--counts", type=int, nargs="+", help="of training examples; each curve's own by default"
    )
    words = parser.parse_args()
    import_tensorflow()
    for name in words.curves:
        for count in words.counts or CURVES[name].counts:
            kept(name, [point(CURVES[name], count, words.cache.expanduser())])


if __name__ == "__main__":
    main()

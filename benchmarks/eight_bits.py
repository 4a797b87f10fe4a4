"""How much accuracy do the LiteRT models lose by 8 bits?

Example: python -m benchmarks.eight_bits --cache ~/.cache/recognition
The networks are those of the demo, trained by the training job's script; the server's own code asks both LiteRT files
of the artefact about all test samples. Nothing is timed, so any machine will do.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import interleaved
from benchmarks.public_channels import DATASET_OF_KIND, channels, train
from model_code.data.records import read_split
from model_code.presets import PRESETS
from serving.model import Model

CHUNK_SAMPLES = 500
RESULT = Path(__file__).parent / "results" / "eight_bits.json"


def classes(artefact: Path, precision: str, samples: list) -> np.ndarray:
    """The most probable class of each sample, int [N], by one of the artefact's two LiteRT files."""
    model = Model(artefact, precision=precision)
    chunks = range(0, len(samples), CHUNK_SAMPLES)
    probabilities = [model.probabilities(samples[first : first + CHUNK_SAMPLES]) for first in chunks]
    return np.concatenate(probabilities).argmax(axis=1)


def measure(kind: str, cache: Path) -> dict:
    """Both files' accuracy, in percent, and how often they differ."""
    preset = PRESETS[DATASET_OF_KIND[kind]]
    data = channels(DATASET_OF_KIND[kind], cache, preset.demo_samples)
    words = [word for name, value in preset.hyperparameters.items() for word in (f"--{name}", value)]
    with tempfile.TemporaryDirectory() as scratch:
        artefact = train(
            kind,
            Path(scratch),
            training=data / "train",
            validation=data / "validation",
            hyperparameters=words,
        )
        test = read_split(data / "test", kind)
        samples = [text.decode() for text in test.encoded] if test.feature == "text" else test.samples
        answers = {name: classes(artefact, name, samples) for name in ("float32", "int8")}
    right = {name: 100 * float((answer == test.targets).mean()) for name, answer in answers.items()}
    return {
        "dataset": DATASET_OF_KIND[kind],
        "test_samples": len(test.targets),
        "accuracy_percent": {name: round(value, 2) for name, value in right.items()},
        "lost_points": round(right["float32"] - right["int8"], 2),
        "other_answers": int((answers["float32"] != answers["int8"]).sum()),
    }


def main() -> None:
    """Measures both networks and keeps the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    words = parser.parse_args()
    result = {
        "question": "How much accuracy do the LiteRT models lose by 8 bits?",
        **interleaved.environment(),
        **{kind: measure(kind, words.cache.expanduser()) for kind in DATASET_OF_KIND},
    }
    interleaved.write(RESULT, result)


if __name__ == "__main__":
    main()

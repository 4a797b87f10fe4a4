"""Does an older TensorFlow load the artefacts that this one exports, and do they answer the same there?

Example: python -m benchmarks.serving_versions --cache ~/.cache/recognition --older-python ~/tensorflow-2.20/bin/python
SageMaker trains with TensorFlow 2.21 and serves with 2.20. The Python named there has the older tensorflow-cpu (or
tensorflow) and Pillow. Each artefact is one that the training job wrote, after four epochs over some of a public set.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import interleaved
from benchmarks.public_channels import channels, quiet, train

KIND_OF_SET = {"cifar10": "cnn", "imdb": "rnn", "smartwatch": "rnn"}
TRAIN_SAMPLES, TEST_SAMPLES = 1_000, 500
HYPERPARAMETERS = {
    "cifar10": ["--epochs", "4"],
    "imdb": ["--epochs", "4"],
    "smartwatch": ["--epochs", "4", "--sequence_length", "100"],
}
GOAL = 1e-4
RESULT = Path(__file__).parent / "results" / "serving_versions.json"
# The older Python has none of this project's packages but TensorFlow and what comes with it, which this needs alone.
ANSWERS = """
import sys
import numpy as np, tensorflow as tf
from pathlib import Path
from model_code.networks.preprocessing import stack_sequences
from model_code.data.records import read_split
artefact, channel, kind, count, out = sys.argv[1:]
split = read_split(Path(channel), kind)
signature = tf.saved_model.load(artefact + "/1").signatures["serving_default"]
samples = split.samples[: int(count)]
stack = stack_sequences if split.feature == "sequence" else list
found = signature(**{split.feature: tf.constant(stack(samples))})
arrays = {name: np.array(value.numpy().tolist()) for name, value in found.items()}
np.savez(out, **arrays, version=tf.__version__)
"""


def answers(python: str, artefact: Path, channel: Path, kind: str, out: Path) -> dict[str, np.ndarray]:
    """What the artefact's signature answers in another process about the first test samples.

    Returns:
        `label` string [N], `score` float [N], `probabilities` float [N, C], and TensorFlow's `version`.
    """
    command = [python, "-c", ANSWERS, str(artefact), str(channel), kind, str(TEST_SAMPLES), str(out)]
    finished = subprocess.run(command, env=quiet(), capture_output=True, encoding="utf-8")
    if finished.returncode:
        raise SystemExit(f"{python} could not load or ask the artefact:\n{finished.stderr[-2000:]}")
    return dict(np.load(out))


def compare(new: dict[str, np.ndarray], old: dict[str, np.ndarray]) -> dict:
    """How far two versions' answers about the same samples are apart."""
    difference = float(np.abs(new["probabilities"] - old["probabilities"]).max())
    return {
        "samples": len(new["label"]),
        "largest_difference_of_a_probability": float(f"{difference:.1e}"),
        "labels_that_differ": int((new["label"] != old["label"]).sum()),
        "spread_of_probabilities": round(float(new["probabilities"].std(axis=0).mean()), 3),
    }


def measure(dataset: str, cache: Path, older_python: str) -> dict:
    """Trains on some of a set, and asks the artefact in both versions."""
    kind, data = KIND_OF_SET[dataset], channels(dataset, cache, TRAIN_SAMPLES)
    with tempfile.TemporaryDirectory() as scratch:
        artefact = train(
            kind,
            Path(scratch) / "job",
            training=data / "train",
            validation=data / "validation",
            hyperparameters=HYPERPARAMETERS[dataset],
        )
        new, old = (
            answers(python, artefact, data / "test", kind, Path(scratch) / f"{number}.npz")
            for number, python in enumerate((sys.executable, older_python))
        )
    return {"exported_by": str(new["version"]), "loaded_by": str(old["version"]), **compare(new, old)}


def main() -> None:
    """Measures and keeps the result; fails when a version does not answer the same."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    parser.add_argument("--older-python", required=True, help="a Python that has the older TensorFlow")
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    words = parser.parse_args()
    result = {
        "question": "Does the serving image's TensorFlow answer as the training image's, with the same artefact?",
        **interleaved.environment(),
        "sets": {name: measure(name, words.cache.expanduser(), words.older_python) for name in KIND_OF_SET},
    }
    interleaved.write(words.result, result)
    apart = {name: figures["largest_difference_of_a_probability"] for name, figures in result["sets"].items()}
    if max(apart.values()) > GOAL:
        raise SystemExit(f"They are further apart than {GOAL}: {json.dumps(apart)}")


if __name__ == "__main__":
    main()

"""Does training take more memory when its set has more shards than fit into the limit?

Example: python -m benchmarks.training_memory
Sets of 1, 4 and 16 times as many shards, each trained on for an epoch from its shards by a process of its own.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import interleaved
from benchmarks.public_channels import quiet

TIMES = (1, 4, 16)
SHARDS, RECORDS_PER_SHARD, SIDE_PIXELS = 8, 500, 64
# Below a single set's size, so that each is read from its shards.
MEMORY_LIMIT_MEGABYTES = 20
RESULT = Path(__file__).parent / "results" / "training_memory.json"


def make(directory: Path, shards: int) -> None:
    """Writes a channel of images of noise, which no compression makes smaller."""
    from model_code.data import records
    from model_code.data.images import png

    records.RECORDS_PER_SHARD = RECORDS_PER_SHARD
    generator, count = np.random.default_rng(0), shards * RECORDS_PER_SHARD
    images = (png(generator.integers(0, 256, (SIDE_PIXELS, SIDE_PIXELS, 3), np.uint8)) for _ in range(count))
    records.write_split(directory, "image", images, (number % 2 for number in range(count)), ["even", "odd"])


def train_an_epoch(directory: Path) -> float:
    """Trains on a channel and measures on it; returns the process's peak of resident memory in MiB."""
    from model_code.data.batches import Shards
    from model_code.hyperparameters import CnnHyperparameters
    from model_code.training.tasks import load_task
    from model_code.training.trainer import STEPS_PER_CALL, Trainer

    settings = CnnHyperparameters(
        epochs=1, width=4, image_size=16, memory_limit_megabytes=MEMORY_LIMIT_MEGABYTES
    )
    task = load_task(settings, directory, directory)
    if not isinstance(task.train, Shards):
        raise SystemExit("The set is small enough to be read whole; nothing would be measured.")
    trainer = Trainer(task.build_network, settings, task.train, len(task.labels))
    epoch = trainer.batches_of_epoch(0)
    for first in range(0, trainer.steps_per_epoch, STEPS_PER_CALL):
        trainer.advance(epoch[first : first + STEPS_PER_CALL], first)
    trainer.measure(task.validation)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_a_process(*words: str) -> str:
    """Runs this program so; returns its last line. A process that starts another one lends it its own peak, so the one
    that starts these never imports TensorFlow.
    """
    command = [sys.executable, "-m", "benchmarks.training_memory", *words]
    finished = subprocess.run(command, env=quiet(), stdout=subprocess.PIPE, encoding="utf-8", check=True)
    return finished.stdout.strip().rpartition("\n")[2]


def measure(shards: int) -> list[dict]:
    """Size and peak of each set."""
    figures = []
    for times in TIMES:
        with tempfile.TemporaryDirectory() as directory:
            in_a_process("--make", directory, "--shards", str(times * shards))
            size = sum(file.stat().st_size for file in Path(directory).iterdir()) / 2**20
            peak = float(in_a_process("--train", directory))
        figures.append(
            {
                "shards": times * shards,
                "records": times * shards * RECORDS_PER_SHARD,
                "set_mebibytes": round(size, 1),
                "peak_mebibytes": round(peak, 1),
            }
        )
        print(f"{figures[-1]}", file=sys.stderr, flush=True)
    return figures


def main() -> None:
    """Measures, or is one of the processes that this takes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shards", type=int, default=SHARDS, help="of the smallest set; default: %(default)s"
    )
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--train", type=Path, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.make:
        make(words.make, words.shards)
    elif words.train:
        print(train_an_epoch(words.train))
    else:
        sets = measure(words.shards)
        result = {
            "question": "Does training take more memory when its set has more shards?",
            **interleaved.environment(),
            "memory_limit_megabytes": MEMORY_LIMIT_MEGABYTES,
            "sets": sets,
            "largest_against_smallest": round(sets[-1]["peak_mebibytes"] / sets[0]["peak_mebibytes"], 3),
        }
        interleaved.write(words.result, result)


if __name__ == "__main__":
    main()

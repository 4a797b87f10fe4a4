"""How well is an exercise recognised on people whom no model has seen?

Example: python -m benchmarks.smartwatch --cache ~/.cache/recognition
Five rounds: in each, two of the ten people test, one more validates and seven train, so that everyone tests once. All
contenders see the same windows of two seconds; the accuracy counts windows, not recordings.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import keras

from benchmarks import interleaved
from model_code.baselines.train import sequence_models
from model_code.data.downloads import fetch
from model_code.data.public_datasets import (
    DATASETS,
    TEST_STRIDE_STEPS,
    TRAIN_STRIDE_STEPS,
    WINDOW_STEPS,
    Recordings,
    Samples,
    load_recordings,
)
from model_code.data.records import Split
from model_code.hyperparameters import RnnHyperparameters
from model_code.training.tasks import sequence_task
from model_code.training.trainer import Trainer

RESULT = Path(__file__).parent / "results" / "smartwatch.json"
PEOPLE = range(1, 11)
PLAIN = RnnHyperparameters(
    epochs=12, batch_size=128, learning_rate=0.004, layers="gru", units=64, sequence_length=WINDOW_STEPS
)
NETWORKS = {
    "gru": PLAIN,
    "gru_augmented": dataclasses.replace(
        PLAIN,
        mirrored_channels="0,4,5",
        rotation_degrees=15.0,
        scale_spread=0.1,
        warp_spread=0.1,
        jitter_spread=0.05,
    ),
}


def rounds(recordings: Recordings, train_stride: int) -> Iterator[dict[str, Split]]:
    """Train, validation and test of each round."""
    for first in PEOPLE[::2]:
        people = {"test": {first, first + 1}, "validation": {(first + 1) % len(PEOPLE) + 1}}
        people["train"] = set(PEOPLE) - people["test"] - people["validation"]
        yield {
            name: split_of(recordings.windows(some, train_stride if name == "train" else TEST_STRIDE_STEPS))
            for name, some in people.items()
        }


def split_of(samples: Samples) -> Split:
    """Windows as a channel gives them."""
    return Split(list(samples.contents), samples.targets, list(DATASETS["smartwatch"].labels), "sequence")


def accuracy_of_network(settings: RnnHyperparameters, splits: dict[str, Split], seed: int) -> float:
    """Trains for all epochs, without a look at validation or test, and measures the test people."""
    settings = dataclasses.replace(settings, seed=seed)
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    # The validation split only has to have the network's form: here the test windows take its place to be measured.
    task = sequence_task(settings, splits["train"], splits["test"])
    trainer = Trainer(task.build_network, settings, task.train, len(task.labels))
    for epoch in range(settings.epochs):
        trainer.advance(trainer.batches_of_epoch(epoch)[:], epoch * trainer.steps_per_epoch)
    _, accuracy = trainer.measure(task.validation)
    return accuracy


def accuracy_of_baseline(name: str, splits: dict[str, Split], seed: int) -> float:
    """Of a model of `model_code.baselines.train`, on the same windows."""
    model = sequence_models(seed)[name]
    model.fit(splits["train"].samples, splits["train"].targets)
    return float(model.score(splits["test"].samples, splits["test"].targets))


def measure(recordings: Recordings, contenders: list[str], train_stride: int, seed: int) -> dict[str, dict]:
    """Each contender's accuracy in each round."""
    results: dict[str, dict] = {name: {"accuracies": [], "seconds": 0.0} for name in contenders}
    for number, splits in enumerate(rounds(recordings, train_stride), start=1):
        for name in contenders:
            started = time.monotonic()
            if name in NETWORKS:
                accuracy = accuracy_of_network(NETWORKS[name], splits, seed)
            else:
                accuracy = accuracy_of_baseline(name, splits, seed)
            results[name]["accuracies"].append(round(accuracy, 4))
            results[name]["seconds"] += round(time.monotonic() - started, 1)
            print(f"round {number} {name} {accuracy:.4f}", flush=True)
    for result in results.values():
        result["mean"] = round(statistics.mean(result["accuracies"]), 4)
        result["lowest"] = min(result["accuracies"])
    return results


def run() -> None:
    """The command line; writes RESULT."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    everyone = [*NETWORKS, *sequence_models(0)]
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    parser.add_argument("--contenders", nargs="+", choices=everyone, default=everyone)
    parser.add_argument("--train-stride", type=int, default=TRAIN_STRIDE_STEPS, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--result", type=Path, default=RESULT, help="file to write (%(default)s)")
    given = parser.parse_args()
    recordings = load_recordings(fetch(DATASETS["smartwatch"].package, given.cache.expanduser()))
    result = {
        "question": "How well is an exercise recognised on people whom no model has seen?",
        "rounds": "two people test, one is left for validation, seven train; the mean is over five rounds",
        "window_steps": WINDOW_STEPS,
        "train_stride_steps": given.train_stride,
        "test_stride_steps": TEST_STRIDE_STEPS,
        "seed": given.seed,
        **interleaved.environment(),
        "networks": {name: dataclasses.asdict(settings) for name, settings in NETWORKS.items()},
        "results": measure(recordings, given.contenders, given.train_stride, given.seed),
    }
    interleaved.write(given.result, result)


if __name__ == "__main__":
    run()

"""How soon does our training reach the validation accuracy that 5 epochs of Keras `fit` with defaults reach?

Example: python -m benchmarks.time_to_accuracy --cache ~/.cache/recognition
Keras trains the same network, of Keras's own layers, with Adam and batches of 32. Ours trains anew for 1, 2, … epochs,
each with its whole schedule, until a run ends at that accuracy with every seed; the slowest of these runs counts. All
are processes of their own. Tracing and compiling count; reading the data and measuring do not, for either.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import interleaved
from benchmarks.public_channels import DATASET_OF_KIND, channels, quiet
from model_code.hyperparameters import KINDS, Hyperparameters

EPOCHS = 5
SETTINGS = {"cnn": {"whitening": True}, "rnn": {}}
"""Hyperparameters of ours other than the defaults; Keras learns the CNN's first layer as well."""
RESULTS = Path(__file__).parent / "results"


def settings_of(kind: str, epochs: int, seed: int, **others: Any) -> Hyperparameters:
    """A run's hyperparameters; sets the random state that they ask for."""
    import keras

    keras.utils.set_random_seed(seed)
    return dataclasses.replace(KINDS[kind](), epochs=epochs, seed=seed, **others)


def ours(kind: str, data: Path, epochs: int, seed: int) -> dict:
    """Trains for so many epochs; returns seconds and validation accuracy."""
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as model_code.train does
    settings = settings_of(kind, epochs, seed, **SETTINGS[kind])
    import keras

    from model_code.networks.precision import precision_policy
    from model_code.training.tasks import load_task
    from model_code.training.trainer import STEPS_PER_CALL, Trainer

    task = load_task(settings, data / "train", data / "validation")
    keras.config.set_dtype_policy(precision_policy(settings.mixed_precision))
    started = time.perf_counter()
    trainer = Trainer(task.build_network, settings, task.train, len(task.labels))
    for epoch in range(epochs):
        batches = trainer.batches_of_epoch(epoch)
        for first in range(0, trainer.steps_per_epoch, STEPS_PER_CALL):
            trainer.advance(batches[first : first + STEPS_PER_CALL], epoch * trainer.steps_per_epoch + first)
        print(f"ours: epoch {epoch + 1} of {epochs}", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "accuracy": trainer.measure(task.validation)[1]}


def keras_fit(kind: str, data: Path, epochs: int, seed: int) -> dict:
    """The same with `fit` as a tutorial calls it."""
    import keras

    from model_code.data.batches import Arrays
    from model_code.networks import networks
    from model_code.training.tasks import load_task

    networks.FusedBatchNormalization = keras.layers.BatchNormalization
    task = load_task(settings_of(kind, epochs, seed), data / "train", data / "validation")
    if not isinstance(task.train, Arrays) or not isinstance(task.validation, Arrays):
        raise TypeError("Keras's fit takes arrays: the channel has to fit into memory.")
    started = time.perf_counter()
    network = task.build_network()
    network.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    report = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, _: print(
            f"keras: epoch {epoch + 1} of {epochs}", file=sys.stderr, flush=True
        )
    )
    network.fit(task.train.inputs, task.train.targets, epochs=epochs, verbose=0, callbacks=[report])
    seconds = time.perf_counter() - started
    _, accuracy = network.evaluate(task.validation.inputs, task.validation.targets, verbose=0)
    return {"seconds": seconds, "accuracy": accuracy}


CONTENDERS = {"ours": ours, "keras": keras_fit}


def in_a_process(contender: str, kind: str, data: Path, epochs: int, seed: int) -> dict:
    """One run."""
    command = [sys.executable, "-m", "benchmarks.time_to_accuracy", "--contender", contender, "--kinds", kind]
    command += ["--cache", str(data), "--epochs", str(epochs), "--seeds", str(seed)]
    finished = subprocess.run(command, env=quiet(), stdout=subprocess.PIPE, encoding="utf-8")
    if finished.returncode:
        raise SystemExit(f"A run ended; run it by itself to see why: {' '.join(command)}")
    figures = json.loads(finished.stdout.strip().rpartition("\n")[2])
    return {
        "epochs": epochs,
        "seed": seed,
        "seconds": round(figures["seconds"], 1),
        "accuracy": round(figures["accuracy"], 4),
    }


def measure(kind: str, data: Path, epochs: int, seeds: list[int]) -> dict:
    """Keras's run, and ours of more and more epochs until all of a length reach its accuracy."""
    keras_run = in_a_process("keras", kind, data, epochs, seeds[0])
    print(f"keras: {keras_run}", file=sys.stderr, flush=True)
    runs: list[dict] = []
    for length in range(1, epochs + 1):
        of_length = []
        for seed in seeds:
            of_length.append(in_a_process("ours", kind, data, length, seed))
            print(f"ours: {of_length[-1]}", file=sys.stderr, flush=True)
            if of_length[-1]["accuracy"] < keras_run["accuracy"]:
                break
        runs += of_length
        if len(of_length) == len(seeds) and of_length[-1]["accuracy"] >= keras_run["accuracy"]:
            break
    return {"keras": keras_run, "ours": runs, **summary(keras_run, runs, len(seeds))}


def summary(keras_run: dict, runs: list[dict], seed_count: int) -> dict:
    """Seconds until the accuracy was reached with every seed, and their share of Keras's; None where it never was."""
    for length in sorted({run["epochs"] for run in runs}):
        of_length = [run for run in runs if run["epochs"] == length]
        reached = [run for run in of_length if run["accuracy"] >= keras_run["accuracy"]]
        if len(reached) == seed_count:
            seconds = max(run["seconds"] for run in reached)
            return {"seconds": seconds, "share_of_keras": round(seconds / keras_run["seconds"], 3)}
    return {"seconds": None, "share_of_keras": None}


def main() -> None:
    """Measures each kind and keeps its result, or is a contender's process."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    parser.add_argument("--kinds", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--train-samples", type=int, help="so many training samples; all by default")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of Keras; default: %(default)s")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="of ours; default: 0 1")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder of time_to_accuracy_KIND.json (%(default)s)"
    )
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.contender:
        run = CONTENDERS[words.contender]
        print(json.dumps(run(words.kinds[0], words.cache, words.epochs, words.seeds[0])))
        return
    for kind in words.kinds:
        data = channels(DATASET_OF_KIND[kind], words.cache.expanduser(), words.train_samples)
        result = {
            "question": f"How soon does our {kind.upper()} reach the accuracy of {words.epochs} epochs of Keras `fit`?",
            **interleaved.environment(),
            "dataset": DATASET_OF_KIND[kind],
            "train_samples": words.train_samples or "all",
            "hyperparameters_of_ours": SETTINGS[kind],
            **measure(kind, data, words.epochs, words.seeds),
        }
        interleaved.write(words.results / f"time_to_accuracy_{kind}.json", result)


if __name__ == "__main__":
    main()

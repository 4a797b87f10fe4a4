"""One of our networks, trained by `model_code.train` as a job would train it, measured as it would be served."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.errors import CandidateFailed
from bakeoff.examples import Examples
from bakeoff.tasks import LOG_FILE, Answers, Report, Trial, time_single_answers
from definitions.metrics import AUTO
from definitions.networks import kind_of_feature
from definitions.words import words_of
from model_code.data.downloads import fetch
from model_code.data.image_files import longer_side_of
from model_code.data.weights import WEIGHTS
from model_code.failures import JobFailed
from model_code.fitted import fitted
from model_code.light_import import import_tensorflow
from model_code.training.metrics import METRIC_DEFINITIONS

ROOT = Path(__file__).resolve().parents[1]
# What export, the test part and the timing of single answers take, and the least in which training starts at all.
RESERVED_SECONDS = 30.0
SECONDS_LEAST = 10
# A network that has seen the training examples less often than this has not learnt what they hold.
EPOCHS_LEAST = 3
TYPICAL_TEXT_QUANTILE = 0.9
FEATURE_OF_MODALITY = {"image": "image", "text": "text", "time_series": "sequence"}
"""What a record of each modality is called."""
KIND_OF_MODALITY = {modality: kind_of_feature(feature) for modality, feature in FEATURE_OF_MODALITY.items()}


def network(task: Trial, report: Report, layers: str = AUTO, pretrained: bool = False) -> Answers:
    """Trains the modality's network for as many epochs as the time allows and answers with the exported artefact.

    Args:
        task: what to train on.
        report: is told how it goes.
        layers: of the network that reads steps; `auto` leaves its default.
        pretrained: a linear layer on the features of a network that was trained on other images.

    Raises:
        CandidateFailed: with the job's own reason, or when the time does not allow a start.
    """
    ends = time.monotonic() + task.seconds - RESERVED_SECONDS
    seconds_until(ends)
    kind = KIND_OF_MODALITY[task.train.modality]
    settings = hyperparameters(kind, task.train, task.seed, layers, pretrained)
    epochs = int(settings["epochs"])
    report(0.02, "writing the channels")
    write_channels(task.directory, task.train, task.validation)
    left = seconds_until(ends)
    started = time.perf_counter()
    done = train(task.directory, {**settings, "max_seconds": str(left)}, report)
    seconds = time.perf_counter() - started
    report(0.92, "answering the test part")
    notes = (*notes_about(done, epochs), described(settings, len(task.train)))
    return measure(task, seconds, notes)


def seconds_until(ends: float) -> int:
    """Whole seconds of training.

    Raises:
        CandidateFailed: when they do not allow a start.
    """
    left = int(ends - time.monotonic())
    if left < SECONDS_LEAST:
        raise CandidateFailed(
            f"{max(0, left)} s were left for its training, and its start alone takes about {SECONDS_LEAST}: give the "
            "bake-off more minutes."
        )
    return left


def hyperparameters(
    kind: str, train: Examples, seed: int, layers: str = AUTO, pretrained: bool = False
) -> dict[str, str]:
    """The kind's defaults, made to fit the number and the size of the examples."""
    if train.modality == "image":
        size = float(np.median([longer_side_of(file) for file in train.contents[:200]]))
    elif train.modality == "text":
        words = [len(words_of(text)) for text in train.contents[:2_000]]
        size = float(np.quantile(words, TYPICAL_TEXT_QUANTILE))
    else:
        size = max(map(len, train.contents))
    feature = FEATURE_OF_MODALITY[train.modality]
    chosen = fitted(feature, len(train), size, layers=layers, pretrained=pretrained)
    return {"kind": kind, "seed": str(seed), **chosen}


def write_channels(directory: Path, train: Examples, validation: Examples) -> None:
    """Writes the channels `train` and `validation` below `directory`."""
    import_tensorflow()
    from model_code.data.records import write_split

    for name, part in (("train", train), ("validation", validation)):
        feature = FEATURE_OF_MODALITY[part.modality]
        write_split(directory / name, feature, samples_of(part), part.targets.tolist(), part.labels)


def samples_of(examples: Examples) -> list[bytes] | list[np.ndarray]:
    """The contents as records hold them."""
    return [
        content.encode("utf-8", "replace") if isinstance(content, str) else content
        for content in examples.contents
    ]


def train(directory: Path, settings: dict[str, str], report: Report) -> float:
    """Trains to the end, or until `max_seconds` end it; returns the epochs that were done, the last one in part.

    Raises:
        CandidateFailed: with the job's reason when it fails, or when the weights that it starts from cannot be had.
    """
    epochs, done = int(settings["epochs"]), 0.0
    report(0.05, "starting TensorFlow")
    with training_process(directory, settings) as process:
        assert process.stdout  # a pipe, as it was started
        for line in process.stdout:
            print(line, end="", flush=True)
            if (epoch := metric(line, "epoch")) is not None:
                done = epoch
                words = f"epoch {epoch:g} of {epochs}, {line.split(' ', 1)[1].strip()}"
                report(0.1 + 0.8 * epoch / epochs, words)
        if process.wait() != 0:
            raise CandidateFailed(f"The training job failed: {failure_reason(directory)}")
    return done


def notes_about(done: float, wanted: int) -> list[str]:
    """What a reader should know where the time ended the training."""
    if done >= wanted:
        return []
    doubt = (
        f"; one that has seen its examples less than {EPOCHS_LEAST} times has not learnt what they hold, so its "
        "figures say little"
        if done < EPOCHS_LEAST
        else ""
    )
    return [f"The time allowed {done:g} of {wanted} epochs{doubt}. More minutes would allow more."]


@contextmanager
def training_process(directory: Path, settings: dict[str, str]) -> Iterator[subprocess.Popen]:
    """The training job's script over the channels in `directory`; ended when the block is left early."""
    places = {
        "SM_CHANNEL_TRAIN": directory / "train",
        "SM_CHANNEL_VALIDATION": directory / "validation",
        "SM_MODEL_DIR": directory / "model",
        "SM_OUTPUT_DATA_DIR": directory / "output" / "data",
        "SAGEMAKER_BASE_DIR": directory,
    }
    if settings.get("pretrained"):
        places["SM_CHANNEL_PRETRAINED"] = weights_channel()
    words = [word for name, value in settings.items() for word in (f"--{name}", value)]
    process = subprocess.Popen(
        [sys.executable, "-m", "model_code.train", *words],
        env={**os.environ, **{name: str(place) for name, place in places.items()}},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def weights_channel() -> Path:
    """The folder with the weights to start from: the job's own channel, or the cache of downloads.

    Raises:
        CandidateFailed: when they are in neither and cannot be downloaded.
    """
    if channel := os.environ.get("SM_CHANNEL_PRETRAINED"):
        return Path(channel)
    from local_aws.managed.settings import cache_directory

    try:
        return fetch(WEIGHTS, cache_directory()).parent
    except JobFailed as failure:
        raise CandidateFailed(str(failure)) from failure


def failure_reason(directory: Path) -> str:
    """What the job wrote where SageMaker looks for its reason."""
    file = directory / "output" / "failure"
    return (
        file.read_text(encoding="utf-8")
        if file.is_file()
        else f"it gave no reason; {LOG_FILE} has its last words."
    )


def metric(line: str, name: str) -> float | None:
    """A metric's value in a line of the job's output, read as SageMaker reads it."""
    found = re.search(METRIC_DEFINITIONS[name], line)
    return float(found[1]) if found else None


def measure(task: Trial, seconds: float, notes: tuple[str, ...]) -> Answers:
    """Answers the test part by the exported model's serving signature, and times single answers of it."""
    import tensorflow as tf

    from model_code.data.records import Split
    from model_code.evaluation.evaluate import predict
    from model_code.networks.preprocessing import stack_sequences

    exported = task.directory / "model" / "1"
    signature = tf.saved_model.load(str(exported)).signatures["serving_default"]
    feature, contents = FEATURE_OF_MODALITY[task.test.modality], samples_of(task.test)
    split = Split(contents, task.test.targets, list(task.test.labels), feature)
    predictions = predict(signature, split).answers
    stack = stack_sequences if feature == "sequence" else list

    def answer(content: Any) -> object:
        return signature(**{feature: tf.constant(stack([content]))})["label"].numpy()

    latencies = time_single_answers(answer, contents)
    size = sum(file.stat().st_size for file in exported.rglob("*") if file.is_file())
    return Answers(predictions.astype(np.int64), seconds, latencies, size, notes)


def described(settings: dict[str, str], count: int) -> str:
    """The hyperparameters as a sentence."""
    shown = ", ".join(f"{name} {value}" for name, value in settings.items() if name not in ("kind", "seed"))
    return f"Trained on {count:,} examples with {shown}."


def why_none(modality: str) -> str:
    """Why no network takes part."""
    if modality == "tabular":
        return "The model code has no network for tables, where gradient boosting wins as a rule."
    return f"The model code has no network for {modality.replace('_', ' ')} data."

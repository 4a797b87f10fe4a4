"""Channels of the public sets, prepared once, and the training job's script, for the benchmarks that train."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from definitions.networks import NETWORKS

DATASET_OF_KIND = {kind: network.dataset for kind, network in NETWORKS.items()}


def channels(dataset: str, cache: Path, train_samples: int | None = None) -> Path:
    """The folder with `train/`, `validation/` and `test/` of a set, written if it is not there.

    It runs as a process of its own, so that the memory which it takes does not count as a benchmark's.
    """
    directory = cache / "channels" / f"{dataset}-{train_samples or 'all'}"
    if not (directory / "data_card.json").is_file():
        command = [sys.executable, "-m", "model_code.data.prepare", "prepare", dataset]
        command += ["--cache", str(cache), "--out", str(directory)]
        if train_samples is not None:
            command += ["--train-samples", str(train_samples)]
        subprocess.run(command, check=True, env=quiet())
    return directory


def with_validation(channel: Path, directory: Path) -> Path:
    """A channel of the training and the validation shards: for runs in which nothing is chosen by the validation."""
    directory.mkdir(parents=True)
    for split in ("train", "validation"):
        for shard in sorted((channel / split).glob("*.tfrecord")):
            (directory / f"{split}-{shard.name}").symlink_to(shard.resolve())
    (directory / "labels.json").symlink_to((channel / "train" / "labels.json").resolve())
    return directory


def train(
    kind: str,
    directory: Path,
    *,
    training: Path,
    validation: Path,
    hyperparameters: list[str],
    pretrained: Path | None = None,
    script: str = "model_code.train",
) -> Path:
    """Runs the training job's own script below `directory` to its end; returns the artefact's folder.

    Args:
        kind: of network.
        directory: of the job.
        training: the channel `train`.
        validation: the channel `validation`.
        hyperparameters: as the script takes them, `--name value`.
        pretrained: the channel with the weights that a network starts from.
        script: the module that is run, the job's own unless another is measured in its place.

    Raises:
        SystemExit: when it fails; it has printed why.
    """
    (directory / "output").mkdir(parents=True)
    environment = {
        **quiet(),
        "SAGEMAKER_BASE_DIR": str(directory),
        "SM_MODEL_DIR": str(directory / "model"),
        "SM_CHANNEL_TRAIN": str(training),
        "SM_CHANNEL_VALIDATION": str(validation),
        **({"SM_CHANNEL_PRETRAINED": str(pretrained)} if pretrained else {}),
    }
    command = [sys.executable, "-m", script, "--kind", kind, *hyperparameters]
    if subprocess.run(command, env=environment).returncode:
        raise SystemExit(f"The training of the {kind} failed.")
    return directory / "model"


def quiet() -> dict[str, str]:
    """The environment with TensorFlow's notes left out."""
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}

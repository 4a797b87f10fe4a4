"""Archives that are unpacked: their files arrive, nothing is written outside the folder, and nothing without bound."""

from __future__ import annotations

import gzip
import io
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_code.data import archives
from model_code.data.archives import ArchiveRefused, opened, read_file, unpack_files


def archive_of(*members: tarfile.TarInfo, holes: int = 0) -> bytes:
    """An archive whose files hold their own names, or so many zeros."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for member in members:
            body = bytes(holes) or member.name.encode("utf-8", "surrogateescape")
            member.size = len(body) if member.isfile() else 0
            archive.addfile(member, io.BytesIO(body))
    return content.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, linkname: str = "", **pax: str) -> tarfile.TarInfo:
    """A member of a kind."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, linkname
    made.pax_headers = {name.replace("_", "."): value for name, value in pax.items()}
    return made


def unpack(content: bytes, folder, **how) -> dict[str, str]:
    """The files that arrive, by their path."""
    with opened(io.BytesIO(content), len(content)) as archive:
        unpack_files(archive, folder, **how)
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_text() for file in files}


def test_files_arrive_in_their_folders(tmp_path):
    content = archive_of(
        member("1", tarfile.DIRTYPE), member("1/saved_model.pb"), member("./labels.json"), member("empty")
    )
    files = unpack(content, tmp_path)
    assert files == {"1/saved_model.pb": "1/saved_model.pb", "labels.json": "./labels.json", "empty": "empty"}


def test_some_files_can_be_asked_for(tmp_path):
    content = archive_of(member("./labels.json"), member("weights"), member("card.json"))
    assert unpack(content, tmp_path, only={"labels.json", "card.json"}).keys() == {"labels.json", "card.json"}


def test_one_file_is_read_up_to_its_bound():
    content = archive_of(member("weights"), member("./card.json"))
    for most_bytes in (11, 12):
        with opened(io.BytesIO(content)) as archive:
            assert read_file(archive, "card.json", most_bytes) == b"./card.json"
    with pytest.raises(ArchiveRefused, match="more than 10 bytes"), opened(io.BytesIO(content)) as archive:
        read_file(archive, "card.json", 10)
    with pytest.raises(KeyError), opened(io.BytesIO(content)) as archive:
        read_file(archive, "labels.json")


def test_a_files_permissions_are_left_behind(tmp_path):
    made = member("run")
    made.mode = 0o4777
    unpack(archive_of(made), tmp_path)
    assert not (tmp_path / "run").stat().st_mode & 0o7111


SPARSE = {
    "GNU_sparse_major": "0",
    "GNU_sparse_minor": "1",
    "GNU_sparse_name": "labels.json",
    "GNU_sparse_size": str(3 << 30),
    "GNU_sparse_numblocks": "1",
    "GNU_sparse_map": "0,5",
}


@pytest.mark.threat
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (member("../outside"), "outside the folder"),
        (member("a/../../outside"), "outside the folder"),
        (member("/outside"), "outside the folder"),
        (member("link", tarfile.SYMTYPE, "/etc"), "no plain file"),
        (member("link", tarfile.LNKTYPE, "labels.json"), "no plain file"),
        (member("pipe", tarfile.FIFOTYPE), "no plain file"),
        (member("device", tarfile.CHRTYPE), "no plain file"),
        (member("holes", **SPARSE), "no plain file"),
        (member("holes", **{**SPARSE, "GNU_sparse_map": "no,number"}), "invalid literal"),
        (member("long" * 100), "too long"),
        (member("pax", **{"comment": "x" * 2 * archives.MEBIBYTE}), "header"),
    ],
    ids=lambda value: getattr(value, "name", "")[:12] or None,
)
def test_what_no_model_has_is_refused(bad, reason, tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(ArchiveRefused, match=reason):
        unpack(archive_of(bad), tmp_path / "in")
    assert not (tmp_path / "outside").exists()
    assert not list((tmp_path / "in").iterdir())


@pytest.mark.parametrize(
    "names", [("a", "a/b"), ("a/b", "a"), ("a", "./a"), (".",)], ids=lambda names: " then ".join(names)
)
def test_two_files_in_one_place_are_refused(names, tmp_path):
    with pytest.raises(ArchiveRefused, match="place of its own"):
        unpack(archive_of(*map(member, names)), tmp_path)


def test_a_folder_in_a_files_place_is_refused(tmp_path):
    with pytest.raises(ArchiveRefused, match="place of its own"):
        unpack(archive_of(member("labels.json", tarfile.DIRTYPE), member("labels.json")), tmp_path)


def test_more_files_than_a_model_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_FILES", 3)
    assert len(unpack(archive_of(*map(member, "abc")), tmp_path)) == 3
    with pytest.raises(ArchiveRefused, match="more than 3 files"):
        unpack(archive_of(*map(member, "abcd")), tmp_path / "more")


def test_what_unpacks_to_far_more_than_it_is_ends_at_the_bound(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 100_000)
    content = archive_of(member("zeros"), holes=5_000_000)
    with pytest.raises(ArchiveRefused, match="unpacks to more than"):
        unpack(content, tmp_path)
    written = (tmp_path / "zeros").stat().st_size
    assert written <= max(100_000, len(content) * archives.MOST_TIMES_LARGER)


@pytest.mark.parametrize("claimed", [1 << 40, -1024], ids=["a terabyte", "less than nothing"])
def test_a_size_that_is_not_there_is_refused(claimed, tmp_path):
    made = member("weights")
    made.size = claimed
    header = made.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(ArchiveRefused):
        unpack(gzip.compress(header + bytes(2 * 512)), tmp_path)


@given(st.data())
def test_a_damaged_archive_ends_in_the_readers_own_sentence(data):
    content = bytearray(gzip.decompress(archive_of(member("1/model"), member("labels.json"))))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    packed = gzip.compress(bytes(content[: data.draw(st.integers(0, len(content)))]), 1)
    cut = packed[: data.draw(st.integers(0, len(packed)))]
    for one in (bytes(content), packed, cut):
        with tempfile.TemporaryDirectory() as folder:
            try:
                unpack_bytes(one, Path(folder))
            except ArchiveRefused as error:
                assert str(error)


def unpack_bytes(content: bytes, folder: Path) -> None:
    """Unpacks what may be anything."""
    with opened(io.BytesIO(content)) as archive:
        unpack_files(archive, folder)

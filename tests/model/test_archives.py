"""Archives that are unpacked: their files arrive, and nothing is written outside the folder."""

from __future__ import annotations

import io
import tarfile

import pytest

from model_code.data.archives import unpack_files


def archive_of(*members: tarfile.TarInfo) -> tarfile.TarFile:
    """An archive whose files hold their own names."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for member in members:
            body = member.name.encode()
            member.size = len(body) if member.isfile() else 0
            archive.addfile(member, io.BytesIO(body))
    content.seek(0)
    return tarfile.open(fileobj=content)


def member(name: str, kind: bytes = tarfile.REGTYPE, linkname: str = "") -> tarfile.TarInfo:
    """A member of a kind."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, linkname
    return made


def test_files_arrive_in_their_folders(tmp_path):
    unpack_files(
        archive_of(member("1", tarfile.DIRTYPE), member("1/saved_model.pb"), member("./labels.json")),
        tmp_path,
    )
    found = {
        str(file.relative_to(tmp_path)): file.read_text() for file in tmp_path.rglob("*") if file.is_file()
    }
    assert found == {"1/saved_model.pb": "1/saved_model.pb", "labels.json": "./labels.json"}


def test_a_files_permissions_are_left_behind(tmp_path):
    made = member("run")
    made.mode = 0o4777
    unpack_files(archive_of(made), tmp_path)
    assert not (tmp_path / "run").stat().st_mode & 0o7111


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
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_could_reach_outside_is_refused(bad, reason, tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(tarfile.ExtractError, match=reason):
        unpack_files(archive_of(bad), tmp_path / "in")
    assert not (tmp_path / "outside").exists()
    assert not list((tmp_path / "in").iterdir())

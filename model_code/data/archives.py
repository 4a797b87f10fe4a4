"""Unpacks the archives of models and sources: plain files, none of them outside the folder that was named."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath


def unpack_files(archive: tarfile.TarFile, directory: Path) -> None:
    """Writes the files of an archive below a directory; owners, permissions and times are left behind.

    Python's own extraction filters came with 3.11.4, and Debian 12 has 3.11.2.

    Raises:
        tarfile.ExtractError: when a member is a link or a device, or would lie outside the directory.
        tarfile.TarError: when the archive is damaged.
    """
    for member in archive:
        path = PurePosixPath(member.name)
        if path.is_absolute() or ".." in path.parts:
            raise tarfile.ExtractError(f"{member.name} would lie outside the folder")
        if member.isdir():
            continue
        if not member.isfile():
            raise tarfile.ExtractError(f"{member.name} is no plain file")
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.extractfile(member) as content, target.open("wb") as written:
            shutil.copyfileobj(content, written)

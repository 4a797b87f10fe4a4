"""Reads the archives of models and sources: plain files, within bounds, none of them outside the folder that was named.

An archive comes from whoever trained, so nothing that it says of itself is believed: not a size, a path or a kind.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tarfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

MEBIBYTE = 1024**2
# An endpoint's instance takes an archive of 5 GB at most where it is compressed (SageMaker, large model inference).
MOST_BYTES = 16 * 1024 * MEBIBYTE
MOST_FILES = 10_000
# Trained weights hardly compress; zeros do so a thousandfold. Small archives may be all text.
MOST_TIMES_LARGER = 200
ALWAYS_ALLOWED_BYTES = 64 * MEBIBYTE
# The reader of tar asks for a header as a whole, however large it says it is. Files are read in smaller pieces.
MOST_BYTES_AT_ONCE = MEBIBYTE


class ArchiveRefused(Exception):
    """An archive that is damaged, or holds what no model has; the message is half a sentence that says what."""


class Unpacked:
    """The bytes of a compressed file, for the reader of tar: within bounds, from the first to the last, never back."""

    def __init__(self, content: gzip.GzipFile, most_bytes: int) -> None:
        self.content = content
        self.most_bytes = most_bytes
        self.position = 0

    def read(self, size: int) -> bytes:
        """The next bytes; ArchiveRefused when they are more than the reader needs at once, or too many altogether."""
        if not 0 <= size <= MOST_BYTES_AT_ONCE:
            raise ArchiveRefused("a header in it is too large")
        content = self.content.read(size)
        self.go_to(self.position + len(content))
        return content

    def seek(self, position: int) -> int:
        """Goes on; ArchiveRefused for a way back, which only an archive that runs in circles wants."""
        if position < self.position:
            raise ArchiveRefused("its parts overlap")
        self.go_to(position)
        return self.content.seek(position)

    def tell(self) -> int:
        """How many bytes lie behind."""
        return self.position

    def go_to(self, position: int) -> None:
        """Raises ArchiveRefused when so many bytes are more than it may unpack to."""
        if position > self.most_bytes:
            raise ArchiveRefused(f"it unpacks to more than {self.most_bytes:,} bytes")
        self.position = position


@dataclass(frozen=True)
class Archive:
    """An archive that is being read.

    Attributes:
        tar: Python's reader of it.
    """

    tar: tarfile.TarFile

    def __iter__(self) -> Iterator[tuple[str, IO[bytes]]]:
        """The path of each file, and its content, which has to be read before the next.

        Raises:
            ArchiveRefused: at a member that is neither a file nor a folder, would lie outside, or has another's place.
        """
        files, folders = set[PurePosixPath](), set[PurePosixPath]()
        for member in self.tar:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts:
                raise ArchiveRefused(f"{member.name!r} would lie outside the folder")
            if member.isdir():
                folders.add(path)
                continue
            # One that is sparse may claim any size without having it.
            if not member.isfile() or member.issparse():
                raise ArchiveRefused(f"{member.name!r} is no plain file")
            if not path.parts or path in files | folders or files & set(path.parents):
                raise ArchiveRefused(f"{member.name!r} names no place of its own")
            files.add(path)
            folders |= set(path.parents)
            if len(files) > MOST_FILES:
                raise ArchiveRefused(f"it holds more than {MOST_FILES:,} files")
            content = self.tar.extractfile(member)
            assert content is not None, "extractfile opens every plain file"
            yield str(path), content


def most_unpacked_bytes(size_bytes: int) -> int:
    """How many bytes a compressed file of so many may unpack to."""
    return min(MOST_BYTES, max(ALWAYS_ALLOWED_BYTES, size_bytes * MOST_TIMES_LARGER))


@contextmanager
def opened(compressed: IO[bytes], size_bytes: int | None = None) -> Iterator[Archive]:
    """A gzipped tar archive, read from its beginning to its end.

    Args:
        compressed: the archive; it need not be able to go back.
        size_bytes: how large it is, where that is known; then it may not unpack to much more than that.

    Raises:
        ArchiveRefused: when it is damaged, or what is in it is beyond the bounds or cannot be written.
    """
    most = MOST_BYTES if size_bytes is None else most_unpacked_bytes(size_bytes)
    try:
        with (
            gzip.GzipFile(fileobj=compressed) as content,
            tarfile.open(fileobj=cast(Any, Unpacked(content, most)), mode="r:") as tar,
        ):
            yield Archive(tar)
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError, OverflowError, IndexError) as error:
        raise ArchiveRefused(str(error) or "it ends too early") from error


def unpack_files(archive: Archive, directory: Path, only: Collection[str] | None = None) -> None:
    """Writes an archive's files below a directory, or some of them; owners, permissions and times are left behind.

    Python's own extraction filters came with 3.11.4, and Debian 12 has 3.11.2.

    Raises:
        ArchiveRefused: see `Archive`. What was unpacked before stays where it is.
    """
    missing = None if only is None else set(only)
    for name, content in archive:
        if missing is not None:
            if name not in missing:
                continue
            missing.remove(name)
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as written:
            shutil.copyfileobj(content, written)
        if missing is not None and not missing:
            return


def read_file(archive: Archive, wanted: str, most_bytes: int = 64 * MEBIBYTE) -> bytes:
    """The content of one file of an archive.

    Raises:
        KeyError: when the archive holds none of this name.
        ArchiveRefused: when it is larger than `most_bytes`; else see `Archive`.
    """
    for name, content in archive:
        if name == wanted:
            found = pieces(content, most_bytes + 1)
            if len(found) > most_bytes:
                raise ArchiveRefused(f"{name!r} has more than {most_bytes:,} bytes")
            return found
    raise KeyError(wanted)


def sha256_of(archive: Path) -> str:
    """The digest of an archive, in hexadecimal digits."""
    with archive.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pieces(content: Any, most_bytes: int) -> bytes:
    """The first bytes of a file, read piece by piece."""
    found = bytearray()
    while len(found) < most_bytes and (piece := content.read(min(MEBIBYTE, most_bytes - len(found)))):
        found += piece
    return bytes(found)

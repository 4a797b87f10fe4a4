"""A trained model on this machine, as a folder or as the archive that SageMaker's containers unpack."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.models.data import files_below
from cli.shared.errors import CommandFailed
from model_code.data.archives import Archive, ArchiveRefused, opened, read_file

ARCHIVE_NAME = "model.tar.gz"


class Model:
    """What training wrote to SM_MODEL_DIR: a folder, the archive of one, or a folder that holds the archive.

    Attributes:
        place: the folder or the archive.
        files: the names of the model's files.
    """

    def __init__(self, place: Path) -> None:
        """Lists the model's files.

        Raises:
            CommandFailed: when there is nothing at `place`, or a folder or an archive that cannot be read.
        """
        if not place.exists():
            raise CommandFailed(f"There is no folder or archive {place}.")
        if place.is_dir() and not (place / "1").is_dir() and (place / ARCHIVE_NAME).is_file():
            place = place / ARCHIVE_NAME
        self.place = place
        if place.is_dir():
            files = filter(Path.is_file, files_below(place))
            self.files = sorted(file.relative_to(place).as_posix() for file in files)
        else:
            with self.opened() as archive:
                self.files = sorted(name for name, _ in archive)

    def read(self, name: str) -> bytes:
        """The content of a file; KeyError where the model has none of this name."""
        if name not in self.files:
            raise KeyError(name)
        if self.place.is_dir():
            return (self.place / name).read_bytes()
        with self.opened() as archive:
            return read_file(archive, name)

    @contextmanager
    def packed(self) -> Iterator[Path]:
        """The archive: the model's own, or one that is made of its folder for as long as the body runs."""
        if not self.place.is_dir():
            yield self.place
            return
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch, ARCHIVE_NAME)
            with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
                for name in self.files:
                    tar.add(self.place / name, arcname=name)
            yield archive

    @contextmanager
    def opened(self) -> Iterator[Archive]:
        """The archive, for reading; what is wrong with it is a CommandFailed."""
        try:
            with self.place.open("rb") as file, opened(file, self.place.stat().st_size) as archive:
                yield archive
        except (ArchiveRefused, OSError) as error:
            raise CommandFailed(f"{self.place} is no readable {ARCHIVE_NAME}: {error}.") from error

"""Packs a model directory the way SageMaker's containers unpack it."""

from __future__ import annotations

import tarfile
from pathlib import Path


def write_archive(directory: Path, archive: Path) -> None:
    """Writes the files of `directory`, with their paths relative to it, to a gzipped tar file."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            tar.add(file, arcname=file.relative_to(directory).as_posix())

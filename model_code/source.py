"""Packs this package and `definitions` as a job's source archive, with the same bytes every time."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

PACKAGES = Path(__file__).resolve().parents[1]
ARCHIVE_NAME = "source.tar.gz"
ENTRY_POINT = "train.py"
LAUNCHER = '"""Runs model_code.train; the toolkit starts this file."""\n\nfrom model_code.train import run\n\nrun()\n'


def write_source_archive(path: Path) -> None:
    """Writes the archive to `path`: `model_code`, `definitions` and the launcher `train.py` at the root.

    Equal sources give equal bytes (no times, owners or directory order), so an unchanged package deploys nothing.
    """
    packages = [files_of(PACKAGES / name) for name in ("model_code", "definitions")]
    write_archive(path, {**packages[0], **packages[1], ENTRY_POINT: LAUNCHER.encode()})


def code_digest() -> str:
    """Of every module that a training job runs."""
    digest = hashlib.sha256()
    for package in ("model_code", "definitions"):
        for name, content in files_of(PACKAGES / package).items():
            digest.update(f"{name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def files_of(package: Path) -> dict[str, bytes]:
    """A package's modules by their place in an archive."""
    return {
        f"{package.name}/{file.relative_to(package).as_posix()}": file.read_bytes()
        for file in sorted(package.rglob("*.py"))
    }


def write_archive(path: Path, contents: dict[str, bytes]) -> None:
    """Writes a gzipped tar file to `path`; equal contents give equal bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, content in sorted(contents.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(content))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue())

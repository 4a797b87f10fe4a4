"""Moves files between the embedded S3 and job folders, and packs and unpacks model archives."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlparse

from model_code.data.archives import ArchiveRefused, opened, unpack_files


class TransferFailed(Exception):
    """An object is not there or cannot be used; the message is fit for a FailureReason."""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an S3 URI.

    Raises:
        TransferFailed: when it is none.
    """
    place = urlparse(uri)
    if place.scheme != "s3" or not place.netloc:
        raise TransferFailed(f"'{uri}' is no S3 URI.")
    return place.netloc, place.path.lstrip("/")


def objects_below(s3: Any, uri: str) -> Iterator[tuple[str, PurePosixPath]]:
    """Every object below a prefix, or the one object that it names: its key, and its path from there.

    Raises:
        TransferFailed: when the bucket is missing, or a key leaves the folder.
    """
    bucket, prefix = split_uri(uri)
    base = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    try:
        pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix))
    except s3.exceptions.NoSuchBucket as error:
        raise TransferFailed(f"Data download failed: the bucket {bucket} does not exist.") from error
    for entry in (entry for page in pages for entry in page.get("Contents", [])):
        key = entry["Key"]
        if key.endswith("/") or not (key == prefix or key.startswith(base)):
            continue
        relative = PurePosixPath(key.removeprefix(base) if key.startswith(base) else PurePosixPath(key).name)
        if relative.is_absolute() or ".." in relative.parts:
            raise TransferFailed(f"Data download failed: the key {key} leads out of its folder.")
        yield key, relative


def none_found(uri: str) -> TransferFailed:
    """SageMaker's failure for a prefix without objects."""
    return TransferFailed(f"Data download failed: no S3 objects found under '{uri}'.")


def download_prefix(s3: Any, uri: str, directory: Path, *, required: bool = True) -> int:
    """Copies every object below a prefix, or the one object that it names, into a directory; returns their number.

    Raises:
        TransferFailed: when there is none (and one is required), the bucket is missing, or a key leaves the directory.
    """
    bucket, _ = split_uri(uri)
    count = 0
    for key, relative in objects_below(s3, uri):
        target = directory / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(target))
        count += 1
    if not count and required:
        raise none_found(uri)
    return count


def upload_directory(s3: Any, directory: Path, uri: str) -> None:
    """Copies every file of a directory below an S3 URI."""
    bucket, prefix = split_uri(uri)
    for file in sorted(path for path in directory.rglob("*") if path.is_file()):
        s3.upload_file(
            str(file), bucket, f"{prefix.rstrip('/')}/{file.relative_to(directory).as_posix()}".lstrip("/")
        )


def upload_archive(s3: Any, directory: Path, uri: str, scratch: Path) -> None:
    """Packs a directory as a gzipped tar file and writes it to an S3 URI."""
    archive = scratch / "archive.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for file in sorted(path for path in directory.rglob("*") if path.is_file()):
            tar.add(file, arcname=file.relative_to(directory).as_posix())
    bucket, key = split_uri(uri)
    s3.upload_file(str(archive), bucket, key)
    archive.unlink()


def download_archive(s3: Any, uri: str, directory: Path) -> None:
    """Unpacks a model archive from an S3 URI.

    Raises:
        TransferFailed: when it is not there, or is no safe tar archive.
    """
    archive = directory.parent / f"{directory.name}.tar.gz"
    directory.mkdir(parents=True, exist_ok=True)
    bucket, key = split_uri(uri)
    try:
        s3.download_file(bucket, key, str(archive))
    except s3.exceptions.ClientError as error:
        raise TransferFailed(f"Could not find model data at {uri}.") from error
    try:
        with archive.open("rb") as file, opened(file, archive.stat().st_size) as model:
            unpack_files(model, directory)
    except ArchiveRefused as error:
        raise TransferFailed(f"The model data at {uri} is no readable tar archive: {error}.") from error
    finally:
        archive.unlink(missing_ok=True)

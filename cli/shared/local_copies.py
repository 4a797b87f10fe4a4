"""Data that a command reads: where it lies on this machine, or a copy of what lies in S3."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.shared.errors import CommandFailed
from cli.shared.project import OWN_DATA
from cli.shared.target import Target


@contextmanager
def on_this_machine(
    source: str, choose: Callable[[], Target], on_detail: Callable[[str], None]
) -> Iterator[Path]:
    """The data's folder or file; objects of S3 are copied for as long as the body runs.

    Args:
        source: a folder, a file, or an `s3://` URI of one.
        choose: gives the AWS whose S3 is meant, where one is.
        on_detail: hears of each object.

    Raises:
        CommandFailed: when there is nothing there.
    """
    if not source.startswith("s3://"):
        place = Path(source).resolve()
        if not place.exists():
            raise CommandFailed(f"There is no folder or file {source}.")
        yield place
        return
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    OWN_DATA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OWN_DATA, prefix=".") as scratch:
        copied = copy_objects(choose(), bucket, prefix, Path(scratch), on_detail)
        yield copied[0] if len(copied) == 1 and copied[0].name == prefix.rsplit("/", 1)[-1] else Path(scratch)


def copy_objects(
    target: Target, bucket: str, prefix: str, directory: Path, on_detail: Callable[[str], None]
) -> list[Path]:
    """Copies the objects below a prefix, or the one of that key, into a directory; returns their files."""
    simple_storage, copied = target.client("s3"), []
    folder = f"{prefix.rstrip('/')}/" if prefix else ""
    for page in simple_storage.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            key = entry["Key"]
            name = key.rsplit("/", 1)[-1] if key == prefix else key.removeprefix(folder)
            if key.endswith("/") or key != prefix and not key.startswith(folder):
                continue
            if ".." in name.split("/"):
                raise CommandFailed(f"The key {key} in {bucket} would be copied outside of its folder.")
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            on_detail(f"copying {name}")
            simple_storage.download_file(bucket, key, str(file))
            copied.append(file)
    if not copied:
        raise CommandFailed(f"There is no object below s3://{bucket}/{prefix}.")
    return copied

"""Finds the objects of a bulk run: below a prefix, in a manifest, or in a folder of this machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cli.models.data import upload
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from lambdas.bulk.places import PREFIX


def local_objects(folder: Path) -> Iterator[dict[str, Any]]:
    """The files of a folder on this machine, by which a run is planned before they are uploaded."""
    for file in sorted(one for one in folder.rglob("*") if one.is_file()):
        yield {"key": file.relative_to(folder).as_posix(), "etag": None, "size": file.stat().st_size}


def objects_from(
    target: Target, source: str, run: str, on_detail: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Key, entity tag and size of each object: below a prefix, in a manifest (.jsonl), or of a folder on this machine.

    Raises:
        CommandFailed: when the place is none that a run may read, or a manifest is not one.
    """
    bucket = target.parameter("data-bucket")
    if not source.startswith("s3://"):
        folder = Path(source)
        if not folder.is_dir():
            raise CommandFailed(f"{source} is neither a folder nor an address such as s3://{bucket}/photos.")
        source = upload(target, folder, f"{PREFIX}/{run}/input", on_detail)
    place, _, key = source.removeprefix("s3://").partition("/")
    if place != bucket:
        raise CommandFailed(f"A run reads the data bucket alone: s3://{bucket}/…")
    if key.endswith(".jsonl"):
        yield from manifest_objects(target, bucket, key)
        return
    pages = target.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for one in page.get("Contents", []):
            if one["Size"] or not one["Key"].endswith("/"):
                yield {"key": one["Key"], "etag": one["ETag"].strip('"'), "size": one["Size"]}


def manifest_objects(target: Target, bucket: str, key: str) -> Iterator[dict[str, Any]]:
    """The objects that a manifest names: `{"key": …}` a line, with `etag` and `size` where they are known."""
    s3 = target.client("s3")
    for number, line in enumerate(s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines(), start=1):
        try:
            one = json.loads(line)
            name, size = one["key"], int(one["size"]) if "size" in one else None
        except (ValueError, KeyError, TypeError) as error:
            raise CommandFailed(
                f"Line {number} of {key} is not JSON with a 'key' (and where it says 'size', that in bytes)."
            ) from error
        if size is None:
            try:
                found = s3.head_object(Bucket=bucket, Key=name)
            except s3.exceptions.ClientError as error:
                raise CommandFailed(f"{name}, which line {number} of {key} names, cannot be read.") from error
            one, size = {"etag": found["ETag"].strip('"')}, found["ContentLength"]
        yield {"key": name, "etag": one.get("etag"), "size": size}

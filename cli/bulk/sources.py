"""Finds what a bulk run reads, below a prefix, in a manifest or in a folder of this machine, and what it leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.models.data import upload
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.content import BYTE_ORDER_MARKS, json_of, text_of
from definitions.image_files import JPEG_SIGNATURE, PNG_SIGNATURE
from definitions.parameters import DATA_BUCKET
from lambdas.bulk.attempt_keys import NO_INPUTS, PREFIX, is_key
from lambdas.common.bodies import Body, ImageBody, TextBody

# What runs wrote, but for the copies of folders that they read; and what is no input of any.
OWN_OUTPUT = re.compile("|".join([rf"{PREFIX}/[^/]+/(?!input/)", *map(re.escape, NO_INPUTS)]))
# Files that systems keep beside those of their users; hidden ones begin with a dot.
SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
# Storage classes from which nothing is read at once (Amazon S3 User Guide, Amazon S3 Glacier storage classes).
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
ANY = "*"
EMPTY = "empty"
VERSION_MEMBERS = ("version_id", "versionId", "VersionId", "version")
# What of a file tells a picture from a text.
HEAD_BYTES = 4_096
MARKS = tuple(mark for mark, _ in BYTE_ORDER_MARKS)


@dataclass
class Selection:
    """The objects of a source, and what of it a run leaves out.

    Attributes:
        reads: what the operation reads of each; files of another kind are left out.
        left_out: how many objects or files, by the reason, a few words that hold for one and for many.
        examples: the name of one of each.
    """

    reads: Body | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def leave_out(self, name: str, reason: str) -> None:
        """Notes what a run does not read."""
        self.left_out[reason] = self.left_out.get(reason, 0) + 1
        self.examples.setdefault(reason, name)

    def takes(self, name: str, reason: str | None) -> bool:
        """Whether something is read; a reason against it is noted."""
        if reason:
            self.leave_out(name, reason)
        return reason is None

    def sentences(self) -> list[str]:
        """What is left out, for people, a sentence for each reason."""
        return [
            f"Left out: {count:,} ({reason}), such as {ascii(self.examples[reason])}."
            for reason, count in sorted(self.left_out.items())
        ]


def is_system_file(name: str) -> bool:
    """Whether a path, relative to its source, is of a file that its user did not make."""
    return any(part.startswith(".") or part.lower() in SYSTEM_NAMES for part in name.split("/"))


def local_files(folder: Path, selection: Selection) -> list[Path]:
    """The files below a folder on this machine that a run reads."""
    files = []

    def leave_out(error: OSError) -> None:
        selection.leave_out(
            Path(error.filename).relative_to(folder).as_posix(), "folder not to be read by you"
        )

    for place, folders, names in os.walk(folder, onerror=leave_out):
        for linked in (Path(place) / name for name in folders):
            if linked.is_symlink():
                selection.leave_out(linked.relative_to(folder).as_posix(), "link to a folder")
        for file in (Path(place) / name for name in names):
            name = file.relative_to(folder).as_posix()
            if selection.takes(name, reason_against_file(file, name, selection.reads)):
                files.append(file)
    return sorted(files)


def reason_against_file(file: Path, name: str, reads: Body | None) -> str | None:
    """Why a file is not read by an operation that reads such a body, in words; None for one that is."""
    if is_system_file(name):
        return "hidden or of the system"
    if not file.exists():
        return "link to nothing"
    if not file.is_file():
        return "no ordinary file"
    if not os.access(file, os.R_OK):
        return "not to be read by you"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "with a name that is not UTF-8"
    with file.open("rb") as opened:
        return reason_against_content(opened.read(HEAD_BYTES), reads)


def reason_against_content(head: bytes, reads: Body | None) -> str | None:
    """Why the first bytes of a file can be none of what an operation reads; such a file would only be refused."""
    is_picture = head.startswith((PNG_SIGNATURE, JPEG_SIGNATURE))
    if not head:
        return EMPTY
    if isinstance(reads, ImageBody) and not is_picture:
        return "neither PNG nor JPEG"
    if isinstance(reads, TextBody) and (is_picture or (b"\0" in head and not head.startswith(MARKS))):
        return "no text"
    return None


def local_objects(folder: Path, selection: Selection) -> Iterator[dict[str, Any]]:
    """The files of a folder on this machine, by which a run is planned before they are uploaded."""
    for file in local_files(folder, selection):
        yield {"key": file.relative_to(folder).as_posix(), "etag": None, "size": file.stat().st_size}


def objects_from(
    target: Target, source: str, run: str, selection: Selection, on_detail: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Key, entity tag and size of each object: below a prefix, in a manifest (.jsonl), or of a folder on this machine.

    A prefix ends where a folder does: `s3://B/reviews` is `reviews/…`, and `s3://B/reviews*` whatever begins so.

    Raises:
        CommandFailed: when the place is none that a run may read, or a manifest is not one.
    """
    bucket = target.parameter(DATA_BUCKET)
    if not source.startswith("s3://"):
        folder = Path(source)
        if not folder.is_dir():
            raise CommandFailed(f"{source} is neither a folder nor an address such as s3://{bucket}/photos.")
        # What is left out was told with the plan.
        files = local_files(folder, Selection(selection.reads))
        source = upload(target, folder, f"{PREFIX}/{run}/input", on_detail, files) + "/"
    place, _, key = source.removeprefix("s3://").partition("/")
    if place != bucket:
        raise CommandFailed(
            f"A run reads the data bucket alone: s3://{bucket}/… Copy the objects there, also those of another region "
            f"or of a bucket whose readers pay: aws s3 sync s3://{place}/{key} s3://{bucket}/{key}"
        )
    if key.endswith(".jsonl"):
        yield from manifest_objects(target, bucket, key)
    else:
        yield from objects_below(target, bucket, key, selection)


def objects_below(target: Target, bucket: str, key: str, selection: Selection) -> Iterator[dict[str, Any]]:
    """The objects below a prefix that a run reads."""
    prefix = key.removesuffix(ANY) if key.endswith(ANY) or not key or key.endswith("/") else f"{key}/"
    pages = target.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=bucket, Prefix=prefix, OptionalObjectAttributes=["RestoreStatus"]):
        for entry in page.get("Contents", []):
            is_folder = not entry["Size"] and entry["Key"].endswith("/")
            if not is_folder and selection.takes(entry["Key"], reason_against_object(entry, prefix)):
                yield {"key": entry["Key"], "etag": entry["ETag"].strip('"'), "size": entry["Size"]}


def reason_against_object(listed: dict[str, Any], prefix: str) -> str | None:
    """Why a listed object is not read, in words; None for one that is."""
    # Who names a folder of a run's means it.
    if not prefix.startswith(f"{PREFIX}/") and listed["Key"].startswith(f"{PREFIX}/"):
        return "of other bulk runs"
    if OWN_OUTPUT.match(listed["Key"]):
        return "written by runs and endpoints of this project"
    if is_system_file(listed["Key"].removeprefix(prefix)):
        return "hidden or of the system"
    if listed.get("StorageClass") in ARCHIVED and "RestoreExpiryDate" not in listed.get("RestoreStatus", {}):
        return f"archived ({listed['StorageClass']}); restore it first"
    return EMPTY if not listed["Size"] else None


def manifest_objects(target: Target, bucket: str, key: str) -> Iterator[dict[str, Any]]:
    """The objects that a manifest names: `{"key": …}` a line, with `etag` and `size` where they are known."""
    s3 = target.client("s3")
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except s3.exceptions.NoSuchKey as error:
        raise CommandFailed(f"There is no manifest s3://{bucket}/{key}.") from error
    for number, line in enumerate(body.iter_lines(), start=1):
        if not line.strip():
            continue
        try:
            entry = entry_of(line)
        except VersionNamed as error:
            raise CommandFailed(
                f"Line {number} of {key} names a version of an object ('{error}'), and a run reads the newest one of "
                "each. Leave it out, or copy that version to a key of its own."
            ) from error
        except ValueError as error:
            raise CommandFailed(
                f"Line {number} of {key} is not JSON with a 'key' of an object (and where it says them, its 'size' in "
                "bytes and its 'etag')."
            ) from error
        if entry["size"] is None:
            try:
                response = s3.head_object(Bucket=bucket, Key=entry["key"])
            except s3.exceptions.ClientError as error:
                name = ascii(entry["key"])
                raise CommandFailed(f"{name}, which line {number} of {key} names, cannot be read.") from error
            entry |= {"etag": response["ETag"].strip('"'), "size": response["ContentLength"]}
        yield entry


class VersionNamed(ValueError):
    """A line of a manifest wants a version of an object; the message is the member's name."""


def entry_of(line: bytes) -> dict[str, Any]:
    """Key, entity tag and size of a manifest's line, None for what it does not say.

    Raises:
        VersionNamed: when it wants another version of the object than the newest.
        ValueError: when it names no object.
    """
    entry = json_of(text_of(line))
    if not isinstance(entry, dict) or not is_key(entry.get("key")):
        raise ValueError("no key")
    etag, size = entry.get("etag"), entry.get("size")
    for name in VERSION_MEMBERS:
        # By its entity tag the right content is known without, as from a run's results.
        if entry.get(name) is not None and etag is None:
            raise VersionNamed(name)
    if not isinstance(etag, str | None) or not isinstance(size, int | str | None) or isinstance(size, bool):
        raise ValueError("no facts of an object")
    size = None if size is None else int(size)
    if size is not None and size < 0:
        raise ValueError("no size")
    return {"key": entry["key"], "etag": etag, "size": size}

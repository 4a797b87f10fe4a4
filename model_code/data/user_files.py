"""Reads labelled data as people have it: folders of images by class, CSV, JSON Lines and npz files.

| source | holds |
|---|---|
| folder | a folder for each class with PNG or JPEG files in it |
| `.csv` | columns `text` and `label`; or `sequence`, `label` and a column for each channel: a row is a step, and rows with the same `sequence` are one |
| `.jsonl` | objects with `text` or `sequence` (a list of steps, each a list of numbers) and `label` |
| `.npz` | arrays `x` and `y`: x is uint8 images [N, H, W] or [N, H, W, 3], or sequences [N, steps, channels]; y is names or numbers of classes |

A column, member or array `group` says what a sample was taken from, a person for instance.
"""  # noqa: E501 - a table's rows cannot be broken

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model_code.failures import JobFailed

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
FILE_SUFFIXES = (".csv", ".jsonl", ".npz")
MOST_STEPS = 10_000
LONGEST_FIELD_CHARACTERS = 50_000_000


@dataclass(frozen=True)
class Sample:
    """One labelled sample.

    Attributes:
        content: a PNG or JPEG file, UTF-8, or a float32 sequence [steps, channels].
        label: its class's name.
        group: what it was taken from, or None.
        place: where it stands, for a sentence about it.
    """

    content: bytes | np.ndarray
    label: str
    group: str | None
    place: str


def find_source(directory: Path) -> Path | None:
    """The plain data of a channel: its one data file, or the channel itself where it has folders, or None.

    Raises:
        JobFailed: when it holds several data files.
    """
    files = [file for suffix in FILE_SUFFIXES for file in sorted(directory.glob(f"*{suffix}"))]
    if len(files) > 1:
        raise JobFailed(
            f"The channel {directory} holds {files[0].name} and {files[1].name}. Leave one data file in it."
        )
    folders = any(one.is_dir() and not one.name.startswith(".") for one in directory.iterdir())
    return files[0] if files else directory if folders else None


def read_plain(source: Path, *, most_steps: int | None = MOST_STEPS) -> tuple[str, list[Sample]]:
    """Every sample of a folder or file, and the feature that they are: `image`, `text` or `sequence`.

    Args:
        source: the folder or file.
        most_steps: of a sequence; None takes any length.

    Raises:
        JobFailed: naming the first sample that cannot be used, and why.
    """
    readers = {".csv": read_csv, ".jsonl": read_json_lines, ".npz": read_arrays}
    if source.is_dir():
        samples = list(read_folders(source))
    elif source.suffix not in readers:
        raise JobFailed(
            f"{source} is neither a folder of images by class nor one of {', '.join(FILE_SUFFIXES)}."
        )
    else:
        try:
            samples = list(readers[source.suffix](source))
        except OSError as error:
            raise JobFailed(f"{source} cannot be read: {error.strerror or error}.") from error
        except UnicodeDecodeError as error:
            raise JobFailed(f"{source} is not UTF-8: byte {error.start} is wrong.") from error
    if not samples:
        raise JobFailed(f"{source} holds no sample.")
    if source.is_dir() or source.suffix == ".npz" and isinstance(samples[0].content, bytes):
        return "image", samples
    if isinstance(samples[0].content, bytes):
        for sample in samples:
            if not isinstance(sample.content, bytes):
                raise JobFailed(f"{sample.place} has a sequence, the samples before it a text.")
        return "text", samples
    check_sequences(samples, most_steps)
    return "sequence", samples


def read_folders(folder: Path) -> Iterator[Sample]:
    """The images of a folder of classes."""
    classes = sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    if not classes:
        raise JobFailed(f"{folder} holds no folder; give each class one, with its images in it.")
    for one in classes:
        images = [file for file in sorted(one.rglob("*")) if file.suffix.lower() in IMAGE_SUFFIXES]
        if not images:
            raise JobFailed(f"The class '{one.name}' is empty: {one} holds no PNG or JPEG file.")
        for file in images:
            yield Sample(checked_image(file), one.name, None, str(file))


def checked_image(file: Path) -> bytes:
    """The bytes of an image that decodes whole."""
    from PIL import Image

    content = file.read_bytes()
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise JobFailed(
            f"{file} is no PNG or JPEG image that can be decoded ({type(error).__name__}). Replace it or take it out."
        ) from error
    return content


def read_csv(file: Path) -> Iterator[Sample]:
    """The rows of a CSV file as texts, or, where it has a column `sequence`, as the steps of sequences."""
    header, rows = csv_table(file)
    needed = "sequence" if "sequence" in header else "text"
    for column in (needed, "label"):
        if column not in header:
            raise JobFailed(
                f"{file} has no column '{column}'. It needs the columns text and label, or sequence, label and one "
                "for each channel."
            )
    if needed == "text":
        for place, row in rows:
            yield Sample(row["text"].encode(), label_of(row, place), group_of(row), place)
        return
    channels = [name for name in header if name not in ("sequence", "label", "group")]
    steps: dict[str, list] = {}
    for place, row in rows:
        steps.setdefault(row["sequence"], []).append((place, row))
    for recording in steps.values():
        place, first = recording[0]
        for other, row in recording:
            if (row["label"], row.get("group")) != (first["label"], first.get("group")):
                raise JobFailed(f"{other} has another label or group than the same sequence's first step.")
        values = [[number(row[name], where) for name in channels] for where, row in recording]
        yield Sample(np.array(values, np.float32), label_of(first, place), group_of(first), place)


def csv_table(file: Path) -> tuple[list[str], list[tuple[str, dict[str, str]]]]:
    """A CSV file's header, and its rows with their places; empty lines are none.

    Raises:
        JobFailed: naming the line that is no CSV or has another number of columns, or the column that is there twice.
        OSError: when it cannot be read.
        UnicodeDecodeError: when it is not UTF-8.
    """
    csv.field_size_limit(LONGEST_FIELD_CHARACTERS)
    with file.open(encoding="utf-8-sig", newline="") as content:
        rows = csv.reader(content, strict=True)
        try:
            header = next(rows, [])
            twice = next((name for name in header if header.count(name) > 1), None)
            if twice is not None:
                raise JobFailed(f"{file} has two columns named '{twice}'. Rename or remove one.")
            return header, [row_of(row, header, f"{file} line {rows.line_num}") for row in rows if row]
        except csv.Error as error:
            raise JobFailed(f"{file} is no CSV at line {rows.line_num}: {error}.") from error


def row_of(row: list[str], header: list[str], place: str) -> tuple[str, dict[str, str]]:
    """A row with its columns' names."""
    if len(row) != len(header):
        raise JobFailed(f"{place} has {len(row)} columns, the header {len(header)}.")
    return place, dict(zip(header, row, strict=True))


def number(text: str, place: str) -> float:
    """A number of a CSV file; what is empty is NaN, which is refused with its step."""
    try:
        return float(text) if text.strip() else np.nan
    except ValueError as error:
        raise JobFailed(f"{place} holds '{text[:40]}' where a number has to be.") from error


def read_json_lines(file: Path) -> Iterator[Sample]:
    """The objects of a JSON Lines file as texts or sequences."""
    for place, row in json_objects(file):
        if not isinstance(row.get("text", ""), str):
            raise JobFailed(f"{place} is no object with a text or a sequence, and a label.")
        if "text" in row:
            content = row["text"].encode("utf-8", "replace")
        elif "sequence" in row:
            content = array_of(row["sequence"], place)
        else:
            raise JobFailed(f"{place} has neither a text nor a sequence.")
        yield Sample(content, label_of(row, place), group_of(row), place)


def json_objects(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON Lines file with their places; empty lines are none.

    Raises:
        JobFailed: naming the line that is no JSON object.
        OSError: when it cannot be read.
        UnicodeDecodeError: when it is not UTF-8.
    """
    with file.open(encoding="utf-8-sig") as lines:
        for position, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            place = f"{file} line {position}"
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise JobFailed(f"{place} is not JSON ({type(error).__name__}).") from error
            if not isinstance(row, dict):
                raise JobFailed(f"{place} is no JSON object.")
            yield place, row


def array_of(steps: Any, place: str) -> np.ndarray:
    """A sequence from lists; an empty one has no channels either, and is refused with the others' check."""
    if not isinstance(steps, list) or not all(isinstance(step, list) for step in steps):
        raise JobFailed(f"The sequence of {place} is no list of steps, each a list of numbers.")
    widths = {len(step) for step in steps}
    if len(widths) > 1:
        wrong = next(i for i, step in enumerate(steps) if len(step) != len(steps[0]))
        raise JobFailed(
            f"Step {wrong} of the sequence of {place} has {len(steps[wrong])} channels, the first {len(steps[0])}."
        )
    try:
        values = np.array(steps, np.float32)
    except (TypeError, ValueError) as error:
        raise JobFailed(f"The sequence of {place} holds something that is no number.") from error
    return values.reshape(len(steps), -1) if steps else values.reshape(0, 0)


def read_arrays(file: Path) -> Iterator[Sample]:
    """The samples of an npz file."""
    from model_code.data.images import png

    content = load_arrays(file)
    x, y, groups = content["x"], content["y"], content.get("group")
    is_image = x.dtype == np.uint8 and (x.ndim == 3 or x.ndim == 4 and x.shape[-1] == 3)
    if not is_image and not (x.ndim == 3 and x.dtype.kind in "fiu"):
        raise JobFailed(
            f"The array x of {file} is {x.dtype} {list(x.shape)}; it has to be uint8 images [N, H, W] or [N, H, W, 3], "
            "or numbers [N, steps, channels]."
        )
    for position, one in enumerate(x):
        row = {"label": y[position].item(), "group": None if groups is None else str(groups[position])}
        place = f"{file} x[{position}]"
        sample = png(one) if is_image else one.astype(np.float32)
        yield Sample(sample, label_of(row, place), row["group"], place)


def load_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays x, y and, where there is one, group of an npz file, of one length.

    Pickled objects in it are refused, since reading them can run anything.

    Raises:
        JobFailed: when it is no such file.
        OSError: when it cannot be read.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
    except (ValueError, EOFError, zipfile.BadZipFile, MemoryError) as error:
        raise JobFailed(
            f"{file} cannot be read as arrays of numbers or strings ({type(error).__name__})."
        ) from error
    x, y, groups = content.get("x"), content.get("y"), content.get("group")
    if x is None or y is None or any(len(one) != len(x) for one in (y, groups) if one is not None):
        raise JobFailed(f"{file} needs the arrays x and y, of one length; it holds {', '.join(content)}.")
    return content


def label_of(row: dict[str, Any], place: str) -> str:
    """The label's name; a number is one too."""
    label = row.get("label")
    if isinstance(label, str | int | float) and not isinstance(label, bool) and str(label).strip():
        return str(label).strip()
    raise JobFailed(f"{place} has no label.")


def group_of(row: dict[str, Any]) -> str | None:
    """What the sample was taken from."""
    return None if row.get("group") in (None, "") else str(row["group"])


def check_sequences(samples: list[Sample], most_steps: int | None) -> None:
    """Refuses sequences that no network can read; see `read_plain` for what is raised."""
    channels = None
    for sample in samples:
        if isinstance(sample.content, bytes):
            raise JobFailed(f"{sample.place} has a text, the samples before it a sequence.")
        if not sample.content.size:
            raise JobFailed(f"{sample.place} is a sequence of length 0. Take it out, or record it again.")
        channels = channels or sample.content.shape[1]
        if sample.content.shape[1] != channels:
            raise JobFailed(
                f"{sample.place} has {sample.content.shape[1]} channels, the samples before it {channels}."
            )
        if most_steps is not None and len(sample.content) > most_steps:
            raise JobFailed(
                f"{sample.place} is a sequence of {len(sample.content):,} steps; an RNN learns little from more than "
                f"{most_steps:,}. Cut it into windows (--window)."
            )
        missing = np.flatnonzero(~np.isfinite(sample.content).all(axis=1))
        if missing.size:
            raise JobFailed(
                f"{sample.place} holds no number at step {missing[0]}. Fill the gap, or take it out."
            )

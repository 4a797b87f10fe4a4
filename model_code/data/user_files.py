"""The one reader of labelled data as people have it: folders of images, tables of any kind, arrays.

| source | holds |
|---|---|
| folder | a folder for each class with images in it, or with a table for each recording, below `train/`, `val/` and `test/` or not; or one data file, which may name images beside it; or `train.csv`, `val.csv` and `test.csv` |
| `.csv`, `.tsv`, `.jsonl`, `.json`, `.parquet` | a column for the label and one of texts, of images' paths, or any others, which are a table; or `sequence`, the label and a column for each channel: a row is a step, and rows with the same `sequence` are one |
| `.jsonl` | objects with `sequence`, a list of steps, each a list of numbers |
| `.npz` | arrays `x` and `y`, or `x_train`, `y_train`, `x_test` and `y_test`: x is images [N, H, W, 3] or [N, H, W, 1], numbers [N, H, W] that are those of grey images (see `array_files.are_grey`), sequences [N, steps, channels] or a table [N, columns]; y is names or numbers of classes |

A column or array `group` says what a sample was taken from, a person for instance. Columns are found by their names, or
named by the caller; see `columns.py`.
"""  # noqa: E501 - a table's rows cannot be broken

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data import image_files, tables
from model_code.data.array_files import read_arrays
from model_code.data.columns import Columns, Roles, roles_in
from model_code.data.image_folders import read_image_folders
from model_code.data.recording_folders import holds_recordings, read_recording_folders
from model_code.data.recordings import sequences_in, times_of
from model_code.data.samples import LeftOut, Sample, TableColumn, UserData, sorted_out
from model_code.data.splits import SPLIT_NAMES
from model_code.data.table_columns import rows_as_arrays
from model_code.data.tables import Table, read_table
from model_code.data.values import alike, is_missing, label_name
from model_code.failures import JobFailed

FILE_SUFFIXES = (*tables.SUFFIXES, ".npz")
MOST_STEPS = 10_000


def find_source(directory: Path) -> Path | None:
    """The plain data of a channel: its one data file, or the channel itself where it has folders, or None.

    Raises:
        JobFailed: when it holds several data files.
    """
    files = data_files(directory)
    if len(files) > 1:
        raise JobFailed(
            f"The channel {directory} holds {files[0].name} and {files[1].name}. Leave one data file in it."
        )
    return files[0] if files else directory if image_files.folders_in(directory) else None


def data_files(directory: Path) -> list[Path]:
    """The visible data files in a folder; not the files that a channel of shards has."""
    return [
        one
        for one in image_files.visible(directory)
        if one.is_file()
        and one.suffix.lower() in FILE_SUFFIXES
        and one.name not in ("labels.json", "data_card.json")
    ]


def read_data(
    source: Path,
    columns: Columns | None = None,
    *,
    most_steps: int | None = MOST_STEPS,
    as_recordings: bool = False,
) -> UserData:
    """Every sample of a folder or file.

    Args:
        source: the folder or file.
        columns: which the caller names.
        most_steps: of a sequence; None takes any length.
        as_recordings: takes the rows of a table without a column `sequence` for the steps of recordings.

    Raises:
        JobFailed: naming what cannot be read, or the first samples that cannot be used where they are too many.
    """
    columns = columns or Columns()
    read = read_folder if source.is_dir() else read_file
    data = read(source, columns, as_recordings)
    if data.feature == "sequence":
        data = without_unusable_sequences(data, most_steps)
    labels = alike([sample.label for sample in data.samples])
    pairs = zip(data.samples, labels, strict=True)
    named = [sample if sample.label == label else replace(sample, label=label) for sample, label in pairs]
    return replace(data, samples=named)


def read_folder(folder: Path, columns: Columns, as_recordings: bool) -> UserData:
    """A folder's images or recordings by class, its one data file, or the data files of its splits."""
    files = data_files(folder)
    splits = {SPLIT_NAMES.get(file.stem.casefold()): file for file in files}
    if "train" in splits and None not in splits and len(splits) == len(files) > 1:
        return joined(
            folder, {name: read_file(file, columns, as_recordings) for name, file in splits.items() if name}
        )
    # Beside images one file may say what they are.
    if len(files) == 1 and (
        not image_files.folders_in(folder) or (roles := roles_of_manifest(files[0], columns)) and roles.image
    ):
        return read_file(files[0], columns, as_recordings)
    if len(files) > 1 and not image_files.folders_in(folder):
        raise JobFailed(f"{folder} holds {files[0].name} and {files[1].name}. Name one of them.")
    if holds_recordings(folder):
        return read_recording_folders(folder, columns, as_recordings)
    return read_image_folders(folder)


def roles_of_manifest(file: Path, columns: Columns) -> Roles | None:
    """The roles in a file that may name images; None where it is no such file."""
    try:
        return roles_in(read_table(file), columns) if file.suffix.lower() in tables.SUFFIXES else None
    except JobFailed:
        return None


def joined(folder: Path, parts: dict[str, UserData]) -> UserData:
    """Data whose splits are files."""
    features = {part.feature for part in parts.values()}
    if len(features) > 1 or len({part.columns for part in parts.values()}) > 1:
        raise JobFailed(f"The data files of {folder} do not hold the same columns.")
    samples = [replace(sample, split=name) for name, part in parts.items() for sample in part.samples]
    left_out = tuple(one for part in parts.values() for one in part.left_out)
    notes = tuple(dict.fromkeys(note for part in parts.values() for note in part.notes))
    first = next(iter(parts.values()))
    return UserData(folder, first.feature, samples, left_out, notes, first.columns)


def read_file(file: Path, columns: Columns, as_recordings: bool) -> UserData:
    """The samples of one data file."""
    if file.suffix.lower() == ".npz":
        try:
            return read_arrays(file)
        except OSError as error:
            raise JobFailed(f"{file} cannot be read: {error.strerror or error}.") from error
    if file.suffix.lower() not in FILE_SUFFIXES:
        raise JobFailed(
            f"{file} is neither a folder of images by class nor one of {', '.join(FILE_SUFFIXES)}."
        )
    table = read_table(file)
    roles = roles_in(table, columns, as_recordings)
    notes = [*table.notes, *roles.notes]
    steps_in_rows = any(isinstance(value, list) for value in table.values(roles.sequence or ""))
    columns_found: tuple[TableColumn, ...] = ()
    sequences: Iterator[Sample | LeftOut]
    image, sequence, text = roles.image, roles.sequence, roles.text
    if image is not None:
        feature, sequences = "image", rows_as(table, roles, lambda row: image_content(row[image], file))
    elif sequence is not None and steps_in_rows:
        feature, sequences = "sequence", rows_as(table, roles, lambda row: array_of(row.get(sequence)))
    elif sequence is not None or as_recordings and roles.time is not None:
        feature, sequences = "sequence", sequences_in(table, roles, notes, as_recordings)
    elif text is not None:
        feature, sequences = "text", rows_as(table, roles, lambda row: text_content(row.get(text)))
    else:
        feature = "table"
        columns_found, contents = rows_as_arrays(table, roles, notes)
        rows = iter(contents)
        sequences = rows_as(table, roles, lambda _: next(rows))
    samples, left_out = sorted_out(sequences, file)
    return UserData(file, feature, samples, tuple(left_out), tuple(notes), columns_found)


class Unusable(ValueError):
    """A row holds no content; the message is the end of a sentence that begins with its place."""


def rows_as(
    table: Table, roles: Roles, content_of: Callable[[dict[str, Any]], Any]
) -> Iterator[Sample | LeftOut]:
    """A sample of each row."""
    for (place, row), time in zip(table.rows, times_of(table, roles), strict=True):
        try:
            content = content_of(row)
        except Unusable as unusable:
            yield LeftOut(place, str(unusable))
            continue
        label = row.get(roles.label)
        if is_without_label(label):
            yield LeftOut(place, "has no label")
            continue
        group = row.get(roles.group) if roles.group else None
        split = SPLIT_NAMES[row[roles.split].strip().casefold()] if roles.split else None
        named = None if is_missing(group) else str(group)
        yield Sample(content, label_name(label, place), named, place, split, time)


def is_without_label(value: Any) -> bool:
    """Whether a row says no class; `nan` is what a data frame writes for one."""
    return value is None or isinstance(value, str) and not value.strip() or value != value


def text_content(value: Any) -> bytes:
    """A text in UTF-8."""
    if value is None or isinstance(value, str) and not value.strip():
        raise Unusable("has no text")
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise Unusable("holds no text in its column of texts")
    return str(value).encode("utf-8", "replace")


def image_content(value: Any, file: Path) -> bytes | Path:
    """The image that a row names, relative to the file, or holds."""
    if isinstance(value, dict) and isinstance(value.get("bytes"), bytes):
        return value["bytes"]
    if is_missing(value):
        raise Unusable("names no image")
    # As it is, or as a program on Windows writes it. This one answers False for what no file can be named.
    paths = (file.parent / name for name in (str(value), str(value).replace("\\", "/")))
    path = next((path for path in paths if os.path.isfile(path)), None)  # noqa: PTH113
    if path is None:
        raise Unusable(f"names the image {value}, which is not there")
    return path


def array_of(steps: Any) -> np.ndarray:
    """A sequence from lists; an empty one has no channels either, and is left out with the others' check."""
    if not isinstance(steps, list) or not all(isinstance(step, list) for step in steps):
        raise Unusable("has a sequence that is no list of steps, each a list of numbers")
    if len({len(step) for step in steps}) > 1:
        wrong = next(i for i, step in enumerate(steps) if len(step) != len(steps[0]))
        raise Unusable(
            f"has a sequence whose step {wrong + 1} has {len(steps[wrong])} channels, the first {len(steps[0])}"
        )
    try:
        values = np.array(steps, np.float32)
    # A whole number may be larger than any float.
    except (TypeError, ValueError, OverflowError) as error:
        raise Unusable("has a sequence that holds something that is no number") from error
    return values.reshape(len(steps), -1) if steps else values.reshape(0, 0)


def without_unusable_sequences(data: UserData, most_steps: int | None) -> UserData:
    """Data whose sequences a network can read; see `read_data` for what is raised."""
    channels = next((sample.sequence.shape[1] for sample in data.samples if sample.sequence.size), 0)
    checked = [unusable(sample, channels, most_steps) or sample for sample in data.samples]
    samples, left_out = sorted_out([*checked, *data.left_out], data.source)
    return replace(data, samples=samples, left_out=tuple(left_out))


def unusable(sample: Sample, channels: int, most_steps: int | None) -> LeftOut | None:
    """Why a sequence cannot be used; None where it can."""
    values = sample.sequence
    if not values.size:
        return LeftOut(sample.place, "is a sequence of length 0")
    if values.shape[1] != channels:
        return LeftOut(
            sample.place, f"has {values.shape[1]} channels, the first sample that has any {channels}"
        )
    if most_steps is not None and len(values) > most_steps:
        raise JobFailed(
            f"{sample.place} is a sequence of {len(values):,} steps; an RNN learns little from more than "
            f"{most_steps:,}. Cut it into windows (--window)."
        )
    missing = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if missing.size:
        return LeftOut(sample.place, f"holds no number at step {missing[0] + 1}")
    return None

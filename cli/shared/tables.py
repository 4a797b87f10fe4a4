"""Tables in which every word is whole: most of them are names that somebody is going to type again."""

from __future__ import annotations

from typing import Any

from rich.table import Column, Table
from rich.text import Text

from model_code.markup import visible


class WordTable(Table):
    """A table whose plain cells and title show words of anybody as they are, in whatever console it is printed."""

    def add_row(self, *cells: Any, **options: Any) -> None:
        """A row; a style is for cells of `rich.text.Text`."""
        super().add_row(*map(as_words, cells), **options)


def as_words(cell: Any) -> Any:
    """A plain cell without markup; any other as it is."""
    return Text(visible(cell, "\n")) if isinstance(cell, str) else cell


def new_table(*columns: str | Column, title: str | None = None, **options: Any) -> Table:
    """A table whose plain columns break a word that is too wide for them, where rich would cut its end off.

    Args:
        columns: headings, or columns with ways of their own.
        title: above it.
        options: of `rich.table.Table`.
    """
    headed = (Column(column, overflow="fold") if isinstance(column, str) else column for column in columns)
    shown = None if title is None else Text(visible(title), "table.title")
    return WordTable(*headed, title=shown, **options)

"""Tables in which every word is whole: most of them are names that somebody is going to type again."""

from __future__ import annotations

from typing import Any

from rich.table import Column, Table


def new_table(*columns: str | Column, **options: Any) -> Table:
    """A table whose plain columns break a word that is too wide for them, where rich would cut its end off.

    Args:
        columns: headings, or columns with ways of their own.
        options: of `rich.table.Table`.
    """
    headed = (Column(one, overflow="fold") if isinstance(one, str) else one for one in columns)
    return Table(*headed, **options)

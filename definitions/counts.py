"""Writes how many of something there are: `1 object`, `2,000 objects`."""

from __future__ import annotations


def counted(number: int, one: str, several: str = "") -> str:
    """A number of things, with commas between thousands.

    Args:
        number: of them.
        one: the word for one of them.
        several: the word for any other number; with an `s` behind `one` where it is left out.
    """
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"

"""Writes how many of something there are: `1 object`, `2,000 objects`."""

from __future__ import annotations


def counted(number: int, singular: str, plural: str = "") -> str:
    """A number of things, with commas between thousands.

    Args:
        number: of them.
        singular: the word for one of them.
        plural: the word for any other number; `singular` with an `s` behind it where it is left out.
    """
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"

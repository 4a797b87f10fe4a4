"""Makes words of somebody else's safe to show: no control of a terminal, a log or a plot is left in them.

Names of classes, files and models come from data. HTML is escaped by its templates (jinja's autoescape), Rich's markup
is off in every console of the command line, and a plot's by `literal_plots`; what is left is here.
"""

from __future__ import annotations

import unicodedata
from contextlib import AbstractContextManager

# They turn the order of what stands around them (Unicode, bidirectional algorithm).
DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Control characters, lone surrogates, and separators of lines and paragraphs.
NEVER_SHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})


def visible(words: str, keep: str = "") -> str:
    """The words with each character that would control where they are shown as Python escapes it.

    >>> visible("cat\\x1b[2J")
    'cat\\\\x1b[2J'

    Args:
        words: of anybody.
        keep: characters that may stay, such as the end of a line.
    """
    if words.isascii() and words.isprintable():
        return words
    return "".join(word if word in keep or is_shown(word) else escaped(word) for word in words)


def shortened(words: str, characters: int) -> str:
    """The visible words, so many characters of them at most.

    >>> shortened("a long name", 7)
    'a long…'
    """
    shown = visible(words)
    return shown if len(shown) <= characters else f"{shown[: characters - 1]}…"


def is_shown(character: str) -> bool:
    """Whether a character stands for itself."""
    return unicodedata.category(character) not in NEVER_SHOWN and character not in DIRECTIONS


def escaped(character: str) -> str:
    """A character by its number."""
    return character.encode("unicode_escape").decode("ascii")


def literal_plots() -> AbstractContextManager[None]:
    """Inside, matplotlib draws a dollar as a dollar, and begins no formula with it."""
    import matplotlib

    return matplotlib.rc_context({"text.parse_math": False})

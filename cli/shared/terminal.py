"""Names of files are UTF-8 whatever the locale, and no character of ours ends a command where a terminal has ASCII."""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata
from collections.abc import Mapping

HANDLER = "recognition-ascii"
SYMBOLS = {
    **{"✓": "+", "✗": "x", "·": "-", "…": "...", "×": "x", "→": "->", "−": "-"},
    **{"–": "-", "—": "-", "“": '"', "”": '"', "‘": "'", "’": "'", "≥": ">=", "≤": "<=", "±": "+/-"},
}


def require_utf8() -> None:
    """Begins the command anew in Python's UTF-8 mode (PEP 540) where it was told to go by another locale.

    Paths, and what programs say to each other, are UTF-8 then. The terminal still gets its own encoding.
    """
    if sys.getfilesystemencoding() == "utf-8":
        return
    shown = getattr(sys.stdout, "encoding", None) or "ascii"
    variables = {"PYTHONIOENCODING": f"{shown}:backslashreplace", **os.environ, "PYTHONUTF8": "1"}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], variables)


def prepare(variables: Mapping[str, str] = os.environ) -> None:
    """Lets both streams write what their encoding lacks in ASCII, instead of raising UnicodeEncodeError.

    Python writes UTF-8 in the locale C (PEP 540); who asks for that locale gets ASCII here.
    """
    codecs.register_error(HANDLER, replace)
    encoding = "ascii" if asks_for_ascii(variables) else None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=encoding, errors=HANDLER)


def asks_for_ascii(variables: Mapping[str, str]) -> bool:
    """Whether the locale of characters is set to C or POSIX, and Python was told nothing else."""
    if variables.get("PYTHONIOENCODING") or variables.get("PYTHONUTF8"):
        return False
    # The first that is set counts (POSIX, "Environment Variables").
    chosen = next((variables[name] for name in ("LC_ALL", "LC_CTYPE", "LANG") if variables.get(name)), "")
    return chosen in ("C", "POSIX")


def replace(error: UnicodeError) -> tuple[str, int]:
    """An error handler of `codecs`: the characters that cannot be written, in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(in_ascii, error.object[error.start : error.end])), error.end


def in_ascii(character: str) -> str:
    """A symbol in others, a letter without its marks, and anything else as Python escapes it."""
    if character in SYMBOLS:
        return SYMBOLS[character]
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or character.encode("ascii", "backslashreplace").decode()

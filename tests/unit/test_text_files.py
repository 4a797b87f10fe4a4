"""Text is read and written as UTF-8, not in the encoding that the machine's locale happens to have."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The calls that read or write text, with the places of their mode and of their encoding among the arguments.
TEXT = {"read_text": (None, 0), "write_text": (None, 1), "open": (0, 2), "fdopen": (1, 3)}
# What is opened by these is no text.
BINARY = ("Image", "archive", "bz2", "gzip", "os", "self", "tarfile", "webbrowser", "zipfile")


def constant(call: ast.Call, name: str, place: int | None) -> object:
    """The value of an argument by its name or place; None when it is not given, or is not written out."""
    given = [word.value for word in call.keywords if word.arg == name]
    given += call.args[place : place + 1] if place is not None else []
    return getattr(given[0], "value", None) if given else None


def names_no_encoding(call: ast.Call) -> bool:
    """Whether a call reads or writes text in the encoding of the locale."""
    if any(word.arg == "encoding" for word in call.keywords):
        return False
    if any(word.arg in ("text", "universal_newlines") for word in call.keywords):
        return "subprocess" in ast.unparse(call.func)
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in TEXT:
        return False
    if function.attr == "open" and ast.unparse(function.value) in BINARY:
        return False
    mode, encoding = TEXT[function.attr]
    return len(call.args) <= encoding and "b" not in str(constant(call, "mode", mode))


def places(text: str) -> list[int]:
    """The lines of a program with such a call."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and names_no_encoding(node)
    ]


def test_all_text_is_read_and_written_in_an_encoding_that_is_named():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [name for name in listed.decode().splitlines() if not name.startswith("tests/")]
    found = {name: places((ROOT / name).read_text(encoding="utf-8")) for name in files}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "call",
    [
        "(place / 'a').read_text()",
        "file.write_text(words)",
        "file.open('w')",
        "os.fdopen(number, 'w')",
        "subprocess.run(words, text=True)",
    ],
)
def test_a_call_in_the_locales_encoding_is_seen(call):
    assert places(call) == [1]


@pytest.mark.parametrize(
    "call", ["file.open('rb')", "file.read_text('utf-8')", "file.read_bytes()", "Image.open(file)"]
)
def test_a_call_that_names_its_encoding_or_reads_bytes_is_none(call):
    assert places(call) == []

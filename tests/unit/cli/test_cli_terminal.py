"""Where a terminal knows ASCII alone, symbols become others and letters lose their marks; nothing raises."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from cli.shared.project import ROOT
from cli.shared.terminal import asks_for_ascii, in_ascii

LOCALES = ("LC_ALL", "LC_CTYPE", "LANG", "PYTHONIOENCODING", "PYTHONUTF8")
ASCII = [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}]


def run(code: str, variables: dict[str, str], *words: str) -> subprocess.CompletedProcess:
    """Runs code in a process that has these variables alone to choose its encoding by."""
    environment = {name: value for name, value in os.environ.items() if name not in LOCALES}
    return subprocess.run(
        [sys.executable, "-c", code, *words], cwd=ROOT, env={**environment, **variables}, capture_output=True
    )


@pytest.mark.parametrize("variables", ASCII)
def test_a_command_that_prints_symbols_succeeds_in_ascii(variables):
    code = (
        "import sys; from cli.main import run; "
        "sys.argv = 'recognition advise --set modality=text --set task=sentiment'.split(); run()"
    )
    ended = run(code, variables)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.isascii() and b"Comprehend" in ended.stdout


@pytest.mark.parametrize("variables", ASCII)
def test_steps_tables_and_words_are_told_in_ascii(variables):
    code = (
        "from cli.shared.terminal import prepare; prepare()\n"
        "from cli.shared.progress import Progress\n"
        "from rich.console import Console; from rich.table import Table\n"
        "with Progress().step('Größe × 2 – “fertig” 画'): pass\n"
        "Console().print(Table('Café'))\n"
    )
    ended = run(code, variables)
    assert (ended.returncode, ended.stderr.isascii(), ended.stdout.isascii()) == (0, True, True)
    assert ended.stderr.splitlines()[-1] == rb"""+ Gro\xdfe x 2 - "fertig" \u753b - 0 s"""
    assert b"| Cafe |" in ended.stdout


def test_a_path_that_no_ascii_names_is_read_in_python_without_utf8(tmp_path):
    folder = tmp_path / "Grüße"
    folder.mkdir()
    (folder / "rückblick.csv").write_text("text,label\nEin Film,gut\n", encoding="utf-8")
    variables = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = ("advise", "--data", str(folder / "rückblick.csv"))
    ended = run("from cli.main import run; run()", variables, *words)
    assert (ended.returncode, ended.stderr.isascii()) == (1, True)
    assert b"Gru\\xdfe/ruckblick.csv holds 1 class" in ended.stderr


def test_elsewhere_every_character_stays():
    code = "from cli.shared.terminal import prepare; prepare(); print('✓ Größe')"
    assert run(code, {"LC_ALL": "C.UTF-8"}).stdout.decode() == "✓ Größe\n"


@pytest.mark.parametrize(
    ("variables", "asks"),
    [
        ({}, False),
        ({"LC_ALL": "C"}, True),
        ({"LANG": "POSIX"}, True),
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, False),
        ({"LC_CTYPE": "en_GB.UTF-8", "LANG": "C"}, False),
        ({"LC_ALL": "C", "PYTHONIOENCODING": "utf-8"}, False),
        ({"LC_ALL": "C", "PYTHONUTF8": "1"}, False),
    ],
)
def test_the_locale_c_asks_for_ascii_unless_python_is_told_otherwise(variables, asks):
    assert asks_for_ascii(variables) is asks


@pytest.mark.parametrize(
    ("character", "written"), [("✓", "+"), ("é", "e"), ("…", "..."), ("画", "\\u753b"), ("a", "a")]
)
def test_a_character_in_ascii(character, written):
    assert in_ascii(character) == written


@pytest.mark.parametrize("words", [["--help"], ["status", "--json"], ["plan", "classes", "--count", "10"]])
def test_where_nobody_reads_on_nothing_is_told(words):
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", "from cli.main import run; run()", *words]
    ended = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert ended.returncode in (1, 128 + signal.SIGPIPE)
    assert b"Traceback" not in ended.stderr
    assert b"fault" not in ended.stderr

"""The programs of `tools` and `benchmarks` refuse every word that they do not know; none is ignored."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from cli.shared.project import ROOT

READS_ALL = {"parse_args", "refuse_arguments"}
PROGRAMS = [
    file
    for folder in ("tools", "benchmarks")
    for file in sorted((ROOT / folder).glob("*.py"))
    if '__name__ == "__main__"' in file.read_text(encoding="utf-8")
]


def called(file: Path) -> set[str]:
    """The names of what a program calls."""
    functions = [node.func for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Call)]
    return {getattr(one, "attr", getattr(one, "id", "")) for one in functions}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda file: f"{file.parent.name}.{file.stem}")
def test_a_program_reads_all_words_that_it_is_given(program):
    assert called(program) & READS_ALL


def test_a_word_that_a_program_does_not_know_is_refused():
    words = [sys.executable, "-m", "tools.write_hyperparameters", "elsewhere"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 2
    assert b"unrecognized arguments: elsewhere" in ended.stderr


@pytest.mark.parametrize(
    "program", [["local_aws", "--state", "nowhere"], ["serving"]], ids=lambda words: words[0]
)
def test_a_port_that_no_program_has_is_refused(program):
    words = [sys.executable, "-m", *program, "--port", "70000"]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 2
    assert b"--port is from 0 to 65,535." in ended.stderr


def test_the_files_of_a_reader_are_written_where_one_says(tmp_path):
    words = [sys.executable, "-m", "tools.reader_files"]
    ended = subprocess.run([*words, str(tmp_path)], cwd=ROOT, capture_output=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "reviews.csv").is_file()
    refused = subprocess.run([*words, str(tmp_path / "none")], cwd=ROOT, capture_output=True, check=False)
    assert (refused.returncode, b"there is no folder" in refused.stderr) == (2, True)

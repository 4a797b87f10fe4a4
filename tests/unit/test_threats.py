"""Each threat names the test that fails when nothing stops it any more, and each such test is marked as a threat's."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ["who", "wants", "what stops them", "the test", "what is left"]
LINES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs" / "threats.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("|")
]
ROWS = [line for line in LINES if line != COLUMNS and set("".join(line)) != {"-"}]


def test_every_table_has_the_same_columns():
    assert LINES.count(COLUMNS) == 2
    assert {len(line) for line in LINES} == {len(COLUMNS)}


def marked(file: Path) -> set[str]:
    """The tests of a file that are marked."""
    return {
        f"{file.relative_to(ROOT)}::{node.name}"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        if any("mark.threat" in ast.unparse(one) for one in node.decorator_list)
    }


def test_no_row_is_missing_whose_test_is_there():
    files = [file for file in (ROOT / "tests").rglob("test_*.py") if "mark.threat" in file.read_text("utf-8")]
    named = {row[3].strip("`") for row in ROWS}
    assert named == {test for file in files for test in marked(file)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} wants {row[1]}"[:70])
def test_what_stops_somebody_is_tested(row):
    who, wants, stops, test, _ = row
    assert who and wants and stops
    file, name = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", test).groups()
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

"""Each threat names the test that fails when nothing stops it any more."""

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


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} wants {row[1]}"[:70])
def test_what_stops_somebody_is_tested(row):
    who, wants, stops, test, _ = row
    assert who and wants and stops
    file, name = re.fullmatch(r"`(tests/[\w/]+\.py)::(test_\w+)`", test).groups()
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

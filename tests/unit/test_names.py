"""Names: a variable has the noun of what it holds, `one` and `found` say nothing; a test's is no longer than a line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["cli", "client", "definitions", "lambdas", "local_aws", "serving", "tools"]
PACKAGES += [f"model_code/{package}" for package in ("evaluation", "export", "networks", "training")]
PACKAGES += [
    f"stacks/{package}" for package in ("api", "bulk", "inference", "monitoring", "release", "shared")
]
PACKAGES += [f"stacks/{package}" for package in ("storage", "training")]
EMPTY = {"one", "found"}
MOST_CHARACTERS = 79


def variables_of(file: Path) -> set[str]:
    """The names of a file's variables and parameters; a class's fields are none of them."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    fields = {
        id(part.target)
        for node in nodes
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.AnnAssign)
    }
    stored = {
        node.id
        for node in nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in fields
    }
    return stored | {node.arg for node in nodes if isinstance(node, ast.arg)}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_variable_is_named_by_a_noun(package):
    files = (ROOT / package).rglob("*.py")
    assert [file.relative_to(ROOT).as_posix() for file in files if variables_of(file) & EMPTY] == []


def test_no_name_of_a_test_is_longer_than_a_line_of_a_terminal():
    names = {
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    assert [name for name in names if len(name) > MOST_CHARACTERS] == []

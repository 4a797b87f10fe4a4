"""The lessons of docs/learn: whole, and of code that compiles and imports what there is."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path

import pytest

from tools.run_lesson import LESSONS, code_of, run

ROOT = LESSONS.parents[1]
PAGES = sorted(LESSONS.glob("[0-9]*.md"))
OURS = ("advisor", "model_code", "tools")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_lesson_asks_shows_a_picture_and_names_the_exam_guides_skills(page):
    text = page.read_text("utf-8")
    assert text.count('??? question "') >= 1
    assert "show(" in "".join(code_of(page))
    assert "**Of the exam guide:**" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_name_that_a_lesson_imports_of_the_project_is_there(page):
    for code in code_of(page):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
                assert {name.name for name in node.names} <= names_in(node.module), (page.name, node.module)


def names_in(module: str) -> set[str]:
    """What can be imported from a module, which is not run for it: names that it binds, and modules below it."""
    file = Path(importlib.util.find_spec(module).origin)
    names = {path.stem for path in file.parent.glob("*.py")} if file.name == "__init__.py" else set()
    for statement in ast.parse(file.read_text("utf-8")).body:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names |= {name.asname or name.name for name in statement.names}
        else:
            names |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return names


def test_the_lesson_on_the_decision_runs(capsys):
    run(LESSONS / "7-decide.md")
    printed = capsys.readouterr().out
    assert printed.count('??? question "') == 10
    assert "would come first" in printed


def test_every_page_of_docs_is_in_the_sites_navigation():
    _, navigation = (ROOT / "mkdocs.yml").read_text("utf-8").split("\nnav:\n")
    named = set(re.findall(r"[\w/.-]+\.md", navigation))
    assert named == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}


def test_the_site_brings_along_what_its_search_needs_without_a_server():
    """Or the plugin `offline` adds the address of another host."""
    configured = (ROOT / "mkdocs.yml").read_text("utf-8")
    (name,) = re.findall(r"^  polyfills: \[(.*iframe-worker.*)\]$", configured, re.MULTILINE)
    assert (ROOT / "docs" / name).is_file()

"""`make fuzz` feeds properties that are there, goes on behind one that fails, and names it at the end."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools import fuzz

ROOT = Path(__file__).resolve().parents[2]
PROPERTIES = [one for several in fuzz.GUIDED.values() for one in several]


@pytest.mark.parametrize("test", PROPERTIES, ids=lambda test: test.rpartition("::")[2])
def test_what_is_fed_is_a_property_without_fixtures(test):
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    [function] = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    calls = {ast.unparse(one.func): one for one in function.decorator_list if isinstance(one, ast.Call)}
    given = calls["given"]
    assert len(function.args.args) == len(given.args) + len(given.keywords)
    assert "settings" not in calls, "Its own number of examples would hold at night, too."


def test_the_others_go_on_behind_a_failure_which_is_named_at_the_end(monkeypatch, tmp_path, capsys):
    begun = []
    monkeypatch.setattr(fuzz, "FOLDER", tmp_path)
    monkeypatch.setattr(fuzz, "run", lambda test, _: begun.append(test) or test != PROPERTIES[0])
    assert fuzz.main(seconds=1, processes=1, wanted="") == 1
    # What failed is run again, for its smallest form.
    assert begun == [PROPERTIES[0], *PROPERTIES, fuzz.UNGUIDED]
    printed = capsys.readouterr().out
    assert f"FAILED {PROPERTIES[0]}\n1 of {len(PROPERTIES) + 1} properties failed." in printed

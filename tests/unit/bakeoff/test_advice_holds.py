"""The benchmark of the advice: its arithmetic, and that the rules and the page are honest about it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from advisor import tables
from benchmarks import advice_holds
from benchmarks.packaged_sets import SETS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "advisor.md"


def one(holds: bool, *families: str, failed: dict[str, str] | None = None) -> dict:
    return {"holds": holds, "families_compared": list(families), "failed": failed or {}}


def test_sets_on_which_one_family_took_part_are_counted_apart():
    summary = advice_holds.summary(
        {
            "a": one(True, "traditional"),
            "b": one(True, "traditional", "cnn"),
            "c": one(False, "rnn", "traditional"),
            "d": one(True, "traditional", failed={"cnn": "It was not done."}),
        }
    )
    assert (summary["sets_measured"], summary["holds"]) == (4, 0.75)
    assert (summary["sets_with_several_families"], summary["holds_where_several_families_took_part"]) == (
        2,
        0.5,
    )
    assert summary["misses"] == ["c"]
    assert summary["candidates_that_did_not_finish"] == {"d": {"cnn": "It was not done."}}


def test_no_rule_names_a_set_of_the_benchmark():
    rules = (tables.DATA / "rules.toml").read_text().lower()
    assert not [name for name in SETS if re.search(rf"\b{name.replace('_', '[ _-]?')}\b", rules)]


def test_the_page_quotes_the_committed_result():
    result = json.loads(advice_holds.RESULT.read_text())
    words = PAGE.read_text()
    assert f"{result['sets_measured']} sets" in words
    assert f"held on {result['holds']:.0%} of them" in words
    assert f"{result['sets_with_several_families']} of them" in words
    assert result == {**result, **advice_holds.summary(result["sets"])}

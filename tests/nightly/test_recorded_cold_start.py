"""The page of speeds tells what the functions' imports took when they were measured."""

from __future__ import annotations

import json

from benchmarks.cold_start import FUNCTIONS, RESULT


def test_the_page_tells_what_the_recorded_imports_took():
    recorded = json.loads(RESULT.read_text())["functions"]
    assert set(recorded) == {"nothing", *FUNCTIONS}
    for record in recorded.values():
        assert record["code_mebibytes"] > 0
    page = (RESULT.parents[2] / "docs" / "serving-speed.md").read_text()
    of_functions = [record["milliseconds"] for name, record in recorded.items() if name != "nothing"]
    told = json.loads(RESULT.read_text())["pydantic"]["of_a_functions_import"]
    assert f"{told:.2f} times as long" in page
    assert f"{min(of_functions):.0f} to {max(of_functions):.0f} ms" in page

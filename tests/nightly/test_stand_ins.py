"""The page of the stand-ins: it is what the stand-ins and their measured figures make."""

from __future__ import annotations

import json

from benchmarks.stand_ins import Figure, wilson
from tools.write_stand_ins import NOT_MEASURED, PAGE, RESULT, figures_of, marks, tables, with_tables, without


def test_the_page_has_the_tables_that_the_stand_ins_and_the_result_make():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_tables(page), "Run: make generate"
    assert tables() in page


def test_every_stand_in_has_a_figure_or_a_reason_why_it_has_none():
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    measured = {name for name in marks() if figures_of(name, result)}
    assert measured | set(NOT_MEASURED) == set(marks())
    assert not measured & set(NOT_MEASURED)
    assert {figure["operation"] for figure in result["figures"]} == measured
    for figure in result["figures"]:
        low, high = figure["interval_95"]
        assert 0 <= low <= figure["value"] <= high <= 1
        assert high > low


def test_what_has_no_stand_in_is_named():
    assert {"RecognizeCelebrities", "DetectProtectiveEquipment"} <= set(without())
    assert not set(without()) & set(marks())


def test_a_share_is_of_all_parts_and_its_interval_of_the_samples():
    figure = Figure("Detect", "it is right", "data", [9.0, 0.0], [10.0, 10.0]).as_json()
    assert (figure["value"], figure["samples"]) == (0.45, 2)
    assert figure["interval_95"] == [0.0, 0.9]


def test_where_all_samples_agree_the_interval_is_wilsons():
    # Wilson (1927): 10 of 10 is 0.722 at least.
    assert Figure("Detect", "it is right", "data", [1.0] * 10, [1.0] * 10).as_json()["interval_95"] == [
        0.7225,
        1.0,
    ]
    assert [round(one, 3) for one in wilson(0.0, 10)] == [0.0, 0.278]

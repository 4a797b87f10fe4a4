"""The advisor agrees with what practitioners would say of real problems."""

from __future__ import annotations

import pytest

from advisor import Problem, recommend, tables
from tools.write_use_cases import PAGE, page

CASES = tables.read("use_cases.toml")["use_case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_advice_is_the_practitioners(case):
    advice = recommend(Problem.from_dict(case["problem"]))
    assert advice.options[0].id == case["first"], [
        (option.id, option.points) for option in advice.options[:3]
    ]


def test_there_are_forty_different_ones_in_many_industries():
    assert len({case["title"] for case in CASES}) == len(CASES) >= 40
    assert len({case["industry"] for case in CASES}) >= 10


def test_every_kind_of_answer_is_among_them():
    families = {tables.candidates()[case["first"]].family for case in CASES}
    assert families == set(tables.FAMILIES)


def test_the_page_is_made_from_them():
    assert PAGE.read_text() == page(), "Run: make generate"

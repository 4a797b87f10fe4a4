"""Writes docs/use-cases.md from the advisor's use cases: `python -m tools.write_use_cases`."""

from __future__ import annotations

from pathlib import Path

from advisor import Problem, recommend, tables
from tools.arguments import refuse_arguments

PAGE = Path(__file__).resolve().parents[1] / "docs" / "use-cases.md"
HEAD = """# Use cases

{count} real problems with the advisor's answer. The page is made from
[use_cases.toml](../advisor/data/use_cases.toml) by `python -m tools.write_use_cases`; a test asks the advisor about
each of them and fails when it disagrees. Ask about your own with `recognition advise`.

| industry | problem | what comes first | AWS | why |
|---|---|---|---|---|
"""


def page() -> str:
    """The page's text, with what the advisor says now."""
    cases = tables.read("use_cases.toml")["use_case"]
    rows = []
    for case in sorted(cases, key=lambda case: (case["industry"], case["id"])):
        first = recommend(Problem.from_dict(case["problem"])).options[0]
        rows.append(
            f"| {case['industry']} | {case['title']} | {first.family} | {case['services']} | {case['why']} |"
        )
    return HEAD.format(count=len(cases)) + "\n".join(rows) + "\n"


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(page(), encoding="utf-8")

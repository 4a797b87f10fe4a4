"""Writes what following the advice costs into docs/advisor.md: `python -m tools.write_regret`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from benchmarks import regret
from definitions.counts import counted
from tools.arguments import refuse_arguments

PAGE = Path(__file__).resolve().parents[1] / "docs" / "advisor.md"
PLACE = re.compile(r"(<!-- regret: [^\n]* -->\n).*?(?=<!-- end of the regret -->)", re.DOTALL)
TITLES = {
    "all": "all",
    "contested": "contested",
    "contested_and_not_cited": "contested, and cited by no rule",
}


def section(sets: dict[str, Any]) -> str:
    """The table and the sentences below it."""
    summary = regret.summary(sets)
    rows = [
        "| sets | policy | mean regret, points | median | largest | within one point |",
        "|---|---|---|---|---|---|",
    ]
    for part, title in TITLES.items():
        for policy in ("the advice", *regret.POLICIES):
            figures = summary[part].get(policy)
            if figures:
                cells = (
                    f"{figures['mean'] * 100:.1f}",
                    f"{figures['median'] * 100:.1f}",
                    f"{figures['largest'] * 100:.1f}",
                    f"{figures['within_one_point']:.0%}",
                )
                rows.append(f"| {title} ({summary[part]['sets']}) | {policy} | {' | '.join(cells)} |")
    misses = [
        f"{name} ({miss['regret'] * 100:.1f}, {miss['best']} instead of {miss['advised']})"
        for name, miss in sorted(summary["regrets"].items(), key=lambda pair: -pair[1]["regret"])
        if miss["regret"] > regret.WITHIN
    ]
    older, whole = summary["older_than_the_candidates"], len(sets)
    return "\n".join(
        [
            *rows,
            "",
            f"The advice cost more than a point on {counted(len(misses), 'set')}: {', '.join(misses) or 'none'}.",
            "",
            f"Measured by older candidates, {len(older)} of {whole} sets: {', '.join(older) or 'none'}.",
            "",
        ]
    )


def page(text: str) -> str:
    """The page with its section anew."""
    sets = json.loads(regret.RESULT.read_bytes())["sets"]
    return PLACE.sub(lambda head: f"{head[1]}\n{section(sets)}\n", text)


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""Writes how many examples each family needs into docs/examples.md: `python -m tools.write_examples_curve`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tools.arguments import refuse_arguments

PAGE = Path(__file__).resolve().parents[1] / "docs" / "examples.md"
RESULT = Path(__file__).resolve().parents[1] / "benchmarks" / "results" / "examples_curve.json"
PLACE = re.compile(r"(<!-- examples: [^\n]* -->\n).*?(?=<!-- end of the examples -->)", re.DOTALL)
TITLES = {
    "cifar10": "CIFAR-10, ten classes",
    "cats_and_dogs": "CIFAR-10, cats and dogs",
    "imdb": "IMDb, two classes",
    "newsgroups_hardware": "20 Newsgroups, two kinds of hardware",
    "spam_assassin": "SpamAssassin, spam or not",
}


def section(result: dict[str, Any]) -> str:
    """The table: a row for each number of training examples of each set."""
    rows = [
        "| set | training examples | best traditional | network from scratch | on pretrained features |",
        "|---|---|---|---|---|",
    ]
    for name, title in TITLES.items():
        for point in result["curves"].get(name, []):
            networks = (point.get("from_scratch"), point.get("pretrained"))
            scores = [
                max(point["traditional"].values()),
                *(network and network["accuracy"] for network in networks),
            ]
            cells = [f"{score:.3f}" if score else "" for score in scores]
            rows.append(f"| {title} | {point['examples']:,} | {' | '.join(cells)} |")
    return "\n".join(["", *rows, ""])


def page(text: str) -> str:
    """The page with its section anew."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    return PLACE.sub(lambda head: f"{head[1]}{section(result)}\n", text)


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

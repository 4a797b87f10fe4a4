"""Writes the tables of docs/stand-ins.md from stand-ins and measured figures: `python -m tools.write_stand_ins`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from lambdas.catalogue import OPERATIONS
from local_aws.managed import comprehend, rekognition
from tools.arguments import refuse_arguments

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "stand-ins.md"
RESULT = ROOT / "benchmarks" / "results" / "stand_ins.json"
PLACE = re.compile(r"(<!-- stand-ins: [^\n]* -->\n).*?(?=<!-- end of the stand-ins -->)", re.DOTALL)
# Why there is no figure; a stand-in has either a figure or a sentence here.
NOT_MEASURED = {
    "DetectTargetedSentiment": "no set with opinions marked by their object was found in a package",
    "DetectKeyPhrases": "no set with marked phrases was found in a package",
    "DetectSyntax": "no tagged English set was found in a package",
    "DetectPiiEntities": "no set with marked personal data was found in a package",
}


def marks() -> dict[str, str]:
    """Each operation that has a stand-in of its own, with the sentence that marks its answers."""
    services = (rekognition.stand_in(), comprehend.stand_in())
    return {
        name: mark
        for service in services
        for name, (mark, _) in service.operations.items()
        if not name.startswith("Batch")
    }


def without() -> list[str]:
    """The services' operations that the API asks and no stand-in answers."""
    known = {name for service in (rekognition, comprehend) for name in service.stand_in().operations}
    return sorted(
        {operation.api for operation in OPERATIONS if operation.service in ("rekognition", "comprehend")}
        - known
    )


def figures_of(operation: str, result: dict[str, Any]) -> list[str]:
    """Its measured figures as cells: what, the share with its interval, of how many samples, on which data."""
    return [
        f"{row['what']} | {row['value']:.3f} ({row['interval_95'][0]:.3f} to {row['interval_95'][1]:.3f}) | "
        f"{row['samples']:,} | {row['data']}"
        for row in result["figures"]
        if row["operation"] == operation
    ]


def tables() -> str:
    """Who stands in, how right it is, and what has no stand-in."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    rows = ["| operation | stand-in |", "|---|---|"]
    rows += [
        f"| {name} | {mark.removesuffix('; not Rekognition').removesuffix('; not Comprehend')} |"
        for name, mark in marks().items()
    ]
    measured = [
        "| operation | what was measured | share (95 % interval) | samples | data |",
        "|---|---|---|---|---|",
    ]
    for name in marks():
        cells = figures_of(name, result) or [f"not measured: {NOT_MEASURED[name]} | | |"]
        measured += [f"| {name} | {cell} |" for cell in cells]
    none = f"No stand-in, and so 501: {', '.join(without())}."
    return "\n".join([*rows, "", none, "", *measured, ""])


def with_tables(page: str) -> str:
    """The page with the tables in their place."""
    return PLACE.sub(lambda result: f"{result[1]}\n{tables()}\n", page, count=1)


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

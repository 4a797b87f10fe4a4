"""Writes the tables of docs/serving-speed.md from the result of benchmarks.serving_speed.

Example: python -m tools.write_serving_figures
"""

from __future__ import annotations

import json
from typing import Any

from tools.arguments import refuse_arguments
from tools.write_figures import PLACE, RESULTS, ROOT, where

PAGE = ROOT / "docs" / "serving-speed.md"
RESULT = RESULTS / "serving_speed.json"


def tables(result: dict[str, Any]) -> str:
    """Speed, and what happens under load."""
    rows = [
        f"Measured on {where(result)}; {result['rounds']} rounds of {result['seconds_a_round']:g} s, in turn.",
        "",
        "| 16 connections, as fast as it answers | requests a second | FastAPI, signature | ratio "
        "| FastAPI, `predict` | ratio | wrong answers |",
        "|---|---|---|---|---|---|---|",
        *(speed_row(name, figures) for name, figures in result["closed_loop"].items()),
        "",
        "| requests due by a clock of their own | due a second | answered | 429 | p50 | p99 | wrong, unanswered, or "
        "429 without `Retry-After` |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, contenders in result["open_loop"].items():
        for contender, title in (("litert", "this server"), ("signature", "FastAPI, signature")):
            for share, figures in contenders[contender].items():
                rows.append(load_row(f"{name}, {title}, {share}", figures))
    return "\n".join(rows) + "\n"


def speed_row(name: str, figures: dict[str, Any]) -> str:
    """A workload's row."""
    rates, against = figures["requests_per_second"], figures["litert_against"]
    cells = [
        name,
        f"{rates['litert']:,.0f}",
        f"{rates['signature']:,.0f}",
        f"{against['signature']:.3g} ×",
        f"{rates['predict']:,.0f}",
        f"{against['predict']:.3g} ×",
        f"{figures['wrong_answers']['litert']} of {figures['answers_compared']['litert']:,}",
    ]
    return f"| {' | '.join(cells)} |"


def load_row(name: str, figures: dict[str, Any]) -> str:
    """The row of a rate."""
    amiss = (figures[key] for key in ("wrong_answers", "unanswered", "refused_without_retry_after"))
    cells = [
        name,
        f"{figures['requests_per_second_due']:,.0f}",
        f"{figures['statuses'].get('200', 0):,}",
        f"{figures['statuses'].get('429', 0):,}",
        f"{figures['p50_milliseconds']:,.1f} ms",
        f"{figures['p99_milliseconds']:,.1f} ms",
        ", ".join(f"{number:,}" for number in amiss),
    ]
    return f"| {' | '.join(cells)} |"


def with_tables(page: str) -> str:
    """The page with the tables in their place."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    return PLACE.sub(lambda head: f"{head[1]}\n{tables(result)}\n", page, count=1)


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

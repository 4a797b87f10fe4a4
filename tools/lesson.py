"""What the code of a lesson shows: a figure as a picture in the page, rows as a table."""

from __future__ import annotations

import contextlib
import html
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

# Readable on a light page and on a dark one.
INK = "#7a7f87"


def figure(rows: int = 1, columns: int = 1, *, height: float = 3.0) -> tuple[Any, Any]:
    """A figure as wide as the page, and its axes [rows, columns], or the one axis."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    style: dict[str, Any] = {
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
        ),
        **{"figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none"},
        **{"axes.spines.top": False, "axes.spines.right": False, "font.size": 9, "svg.fonttype": "none"},
    }
    plt.rcParams.update(style)  # pyright: ignore[reportCallIssue, reportArgumentType]  # its keys are literals
    return plt.subplots(rows, columns, figsize=(7.5, height), layout="constrained")


def show(shown: Any, description: str) -> str:
    """A figure as SVG, to be printed into the page.

    Args:
        shown: the figure, which is closed.
        description: what it shows, for whoever cannot see it.
    """
    import matplotlib.pyplot as plt

    written = io.StringIO()
    # Without a date and with one salt, so that the same figure is the same file.
    with plt.rc_context({"svg.hashsalt": "lesson"}):
        shown.savefig(written, format="svg", metadata={"Date": None})
    plt.close(shown)
    drawing = written.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    label = html.escape(description, quote=True)
    # On one line, or the page would take it for text.
    return f'<div class="figure" role="img" aria-label="{label}">{" ".join(drawing.split())}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table, to be printed into the page."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def samples(name: str) -> dict[str, Any]:
    """The splits of a public set, fetched once into the cache that the commands use too."""
    from model_code.data.prepare import load
    from model_code.data.public_datasets import DATASETS

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recognition"
    # Its progress is for a terminal, not for the page.
    with contextlib.redirect_stdout(sys.stderr):
        return load(DATASETS[name], cache)[0]


def result(name: str) -> Any:
    """A committed result of the benchmarks."""
    results = Path(__file__).resolve().parents[1] / "benchmarks" / "results"
    return json.loads((results / f"{name}.json").read_bytes())

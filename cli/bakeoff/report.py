"""Writes a bake-off's report: JSON for programs, one self-contained HTML page with plots for people."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from advisor import Problem
from advisor.break_even import VOLUMES, costs_at_volumes
from advisor.tables import candidates as advised
from bakeoff.contest import Contest
from bakeoff.results import Result, known
from cli.bakeoff import progress
from cli.shared.pages import render_page
from definitions.metrics import METRICS

TEMPLATE = "bakeoff/report.html.j2"
QUIET = "#808890"
ACCENT, SECOND = "#3b82f6", "#f59e0b"
COLOURS = (ACCENT, SECOND, "#10b981", "#ef4444", "#8b5cf6")
# Beyond this a confusion matrix is wider than a page.
CLASSES_SHOWN = 20


def write(directory: Path, held: Contest, problem: Problem, data: str) -> Path:
    """Writes `report.json` and `report.html` to `directory`; returns the page.

    Args:
        directory: where they go.
        held: the bake-off.
        problem: what the advisor was asked.
        data: the data set's name, as the reader knows it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "report.json").write_text(json.dumps(facts(held, problem, data), indent=2), encoding="utf-8")
    page = directory / "report.html"
    page.write_text(render(held, problem, data), encoding="utf-8")
    return page


def facts(held: Contest, problem: Problem, data: str) -> dict[str, Any]:
    """Everything but the single predictions, as plain JSON values."""
    return {
        "data": data,
        "modality": held.modality,
        "labels": list(held.labels),
        "examples": held.parts,
        "problem": problem.to_dict(),
        "seconds": round(held.seconds, 1),
        "interrupted": held.interrupted,
        "results": [facts_of_result(result) for result in held.results],
        "absent": [asdict(absentee) for absentee in held.absent],
        "verdict": asdict(held.verdict) if held.verdict else None,
        "notes": list(held.notes),
    }


def facts_of_result(result: Result) -> dict[str, Any]:
    """One candidate's figures."""
    left_out = ("candidate", "predictions")
    figures = {
        name: asdict(value) if hasattr(value, "low") else value
        for name, value in vars(result).items()
        if name not in left_out
    }
    candidate = result.candidate
    return {
        "id": candidate.id,
        "title": candidate.title,
        "family": candidate.family,
        "stand_in": candidate.stand_in,
        **figures,
    }


def render(held: Contest, problem: Problem, data: str) -> str:
    """The page; it refers to nothing outside itself."""
    finished, metrics = progress.ranked(held), progress.shown_metrics(held)
    return render_page(
        TEMPLATE,
        data=data,
        held=held,
        rows=[{"result": result, "cells": progress.row(result, metrics)} for result in finished],
        notes=progress.notes(held),
        headings=progress.headings(held),
        scores_svg=draw_scores(finished, metrics) if finished else "",
        speed_svg=draw_speed(finished) if finished else "",
        cost_svg=draw_costs(finished, problem),
        volume=problem.predictions_per_month,
        matrices=[
            matrix_of(result, held.labels) for result in finished[:1] if len(held.labels) <= CLASSES_SHOWN
        ],
    )


def matrix_of(result: Result, labels: tuple[str, ...]) -> dict[str, Any]:
    """The confusion matrix of one candidate, with the share of the true class in each cell."""
    # The last column is there for services, which may answer outside the classes.
    outside = any(counts[-1] for counts in result.confusion)
    columns = [*labels, "none of them"] if outside else list(labels)
    rows = []
    for truth, counts in enumerate(result.confusion):
        total = sum(counts) or 1
        cells = [
            {"count": count, "share": count / total, "right": truth == answer}
            for answer, count in enumerate(counts[: len(columns)])
        ]
        rows.append({"label": labels[truth], "cells": cells})
    return {"title": result.candidate.title, "columns": columns, "rows": rows}


def draw_scores(finished: list[Result], metrics: tuple[str, str]) -> str:
    """The scores with their intervals, the best on top."""
    figure, (axes,) = new_figure(1, 0.8 + 0.5 * len(finished))
    for offset, name, colour in zip((0.12, -0.12), metrics, (ACCENT, SECOND), strict=True):
        for place, result in enumerate(reversed(finished)):
            score = result.score(name)
            spread = [[max(0.0, score.value - score.low)], [max(0.0, score.high - score.value)]]
            axes.errorbar(
                score.value, place + offset, xerr=spread, fmt="o", markersize=5, capsize=3, color=colour,
                label=METRICS[name] if place == 0 else None,
            )  # fmt: skip
    axes.set_yticks(range(len(finished)), [result.candidate.title for result in reversed(finished)])
    axes.set_ylim(-0.6, len(finished) - 0.4)
    axes.set_xlabel("share of the test part, with 95 % intervals", color=QUIET, fontsize=9)
    axes.legend(frameon=False, fontsize=8, labelcolor=QUIET, loc="best")
    return as_svg(figure)


def draw_speed(finished: list[Result]) -> str:
    """Training time and latencies, on logarithmic scales."""
    figure, (training, latency) = new_figure(2, 0.8 + 0.4 * len(finished))
    names = [result.candidate.title for result in reversed(finished)]
    places = range(len(finished))
    training.barh(
        places,
        [max(known(result.training_seconds), 1e-3) for result in reversed(finished)],
        color=ACCENT,
        height=0.5,
    )
    training.set_yticks(places, names)
    training.set_xscale("log")
    training.set_xlabel("seconds of training", color=QUIET, fontsize=9)
    for name, colour in (("p50_ms", ACCENT), ("p99_ms", SECOND)):
        values = [max(getattr(result, name), 1e-4) for result in reversed(finished)]
        latency.plot(values, list(places), "o", color=colour, label=name.removesuffix("_ms"))
    latency.set_yticks(places, [""] * len(names))
    latency.set_ylim(training.get_ylim())
    latency.set_xscale("log")
    latency.set_xlabel("milliseconds an answer", color=QUIET, fontsize=9)
    latency.legend(frameon=False, fontsize=8, labelcolor=QUIET)
    return as_svg(figure)


def draw_costs(finished: list[Result], problem: Problem) -> str:
    """Monthly cost against volume of what can be bought; empty where no price is known."""
    figure, (axes,) = new_figure(1, 3.0)
    ids = list(
        dict.fromkeys(result.candidate.advised_as for result in finished if result.candidate.advised_as)
    )
    for name, colour in zip(ids, COLOURS, strict=False):
        costs = costs_at_volumes(advised()[name], problem)
        known = [(volume, usd) for volume, usd in zip(VOLUMES, costs, strict=True) if usd]
        if known:
            axes.plot(*zip(*known, strict=True), marker=".", color=colour, label=name)
    if not axes.lines:
        return ""
    if problem.predictions_per_month:
        axes.axvline(problem.predictions_per_month, color=QUIET, linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("predictions a month; dotted: yours", color=QUIET, fontsize=9)
    axes.set_ylabel("US dollars a month", color=QUIET, fontsize=9)
    axes.legend(frameon=False, fontsize=8, labelcolor=QUIET)
    return as_svg(figure)


def new_figure(columns: int, height: float) -> tuple[Any, list[Any]]:
    """A transparent figure that reads on a light and on a dark page."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5, height), layout="constrained")
    figure.patch.set_alpha(0)
    drawn = [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
    for axes in drawn:
        axes.patch.set_alpha(0)
        axes.tick_params(colors=QUIET, labelsize=8, which="both")
        axes.grid(alpha=0.25)
        for side in axes.spines.values():
            side.set_color(f"{QUIET}80")
    return figure, drawn


def as_svg(figure: Any) -> str:
    """The drawing alone, without an XML prologue and without a date."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()[buffer.getvalue().index("<svg") :]

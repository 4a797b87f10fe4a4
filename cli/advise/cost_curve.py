"""Draws what the best options cost a month against the volume."""

from __future__ import annotations

from pathlib import Path

from advisor import Problem, tables
from advisor.break_even import VOLUMES, break_even, costs_at_volumes
from advisor.engine import Advice
from model_code.outputs import written

OPTIONS_DRAWN = 5
FORMATS = (".svg", ".png", ".pdf")


def draw_cost_curve(problem: Problem, advice: Advice, path: Path, *, overwrite: bool = False) -> None:
    """Writes the picture to `path`; options whose price is unknown are left out and named below it.

    Raises:
        OutputRefused: when the file is there and may not be replaced.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="items a month", ylabel="US dollars a month")
    axes.grid(visible=True, alpha=0.3)
    unknown = []
    shown = advice.options[:OPTIONS_DRAWN]
    for option in shown:
        costs = costs_at_volumes(tables.candidates()[option.id], problem)
        known = [(volume, usd) for volume, usd in zip(VOLUMES, costs, strict=True) if usd]
        if known:
            axes.plot(*zip(*known, strict=True), marker=".", label=tables.candidates()[option.id].title)
        else:
            unknown.append(tables.candidates()[option.id].title)
    for other in shown[1:]:
        volume = break_even(tables.candidates()[shown[0].id], tables.candidates()[other.id], problem)
        if volume is not None:
            axes.axvline(volume, color="grey", linestyle=":", linewidth=1)
            axes.annotate(
                f"{volume:,.0f}", (volume, axes.get_ylim()[0]), rotation=90, va="bottom", fontsize=8
            )
    axes.set_title("Monthly cost; dotted: from here on an option is cheaper than the first")
    if axes.lines:
        axes.legend()
    if unknown:
        axes.text(
            0.01, 0.98, f"unknown price: {', '.join(unknown)}", transform=axes.transAxes, va="top", fontsize=8
        )
    with written(path, overwrite=overwrite) as unfinished:
        figure.savefig(unfinished)

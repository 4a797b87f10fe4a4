"""Writes the demo's report: JSON for programs, one self-contained HTML page for people."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cli.recognize.samples import Exchange
from cli.shared.pages import render_page

TEMPLATE = "local/report.html.j2"


@dataclass(frozen=True)
class ModelReport:
    """One trained model: its data card, its evaluation on the test split, its curves by epoch and step, samples."""

    kind: str
    version: str
    dataset: dict[str, Any]
    evaluation: dict[str, Any]
    samples: list[dict[str, Any]]
    history: list[dict[str, float]]
    curve: list[dict[str, float]]
    hyperparameters: dict[str, str]

    @property
    def metrics(self) -> dict[str, Any]:
        """The evaluation's metrics, whichever of SageMaker's two problem types they are under."""
        return next(value for key, value in self.evaluation.items() if key.endswith("classification_metrics"))


def write_report(
    directory: Path,
    models: list[ModelReport],
    exchanges: list[Exchange],
    *,
    steps: dict[str, float],
    seconds: float,
    embedded_aws: bool,
) -> Path:
    """Writes `report.json` and `report.html` to `directory`; returns the page."""
    facts = {
        "embedded_aws": embedded_aws,
        "seconds_after_data": round(seconds),
        "seconds_of_steps": steps,
        "models": [asdict(model) for model in models],
        "answers": [asdict(exchange) for exchange in exchanges],
    }
    (directory / "report.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
    page = directory / "report.html"
    content = render(models, exchanges, steps=steps, seconds=seconds, embedded_aws=embedded_aws)
    page.write_text(content, encoding="utf-8")
    return page


def render(
    models: list[ModelReport],
    exchanges: list[Exchange],
    *,
    steps: dict[str, float],
    seconds: float,
    embedded_aws: bool,
) -> str:
    """The page; it refers to nothing outside itself."""
    return render_page(
        TEMPLATE,
        models=[
            {
                "report": model,
                "curve_svg": draw_curve(model.history, model.curve),
                "confusion": confusion_rows(model),
            }
            for model in models
        ],
        exchanges=exchanges,
        steps=steps,
        seconds=seconds,
        embedded_aws=embedded_aws,
    )


def confusion_rows(model: ModelReport) -> list[dict[str, Any]]:
    """The confusion matrix as rows of cells with the share of the true class that each holds."""
    matrix = model.metrics["confusion_matrix"]
    rows = []
    for truth, predictions in matrix.items():
        total = sum(predictions.values())
        cells = [
            {
                "count": predictions[label],
                "share": predictions[label] / total if total else 0.0,
                "right": label == truth,
            }
            for label in matrix
        ]
        rows.append({"label": truth, "cells": cells})
    return rows


def draw_curve(history: list[dict[str, float]], curve: list[dict[str, float]]) -> str:
    """Losses and accuracies as an SVG that reads on a light and on a dark page.

    Args:
        history: what was measured on the validation split at the end of each epoch.
        curve: means of training by steps, so that a single epoch is a curve, too.
    """
    from matplotlib.figure import Figure

    epochs_per_step = history[-1]["epoch"] / curve[-1]["step"] if history and curve else 0.0
    figure = Figure(figsize=(7.5, 2.8), layout="constrained")
    figure.patch.set_alpha(0)
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.patch.set_alpha(0)
        trained = [(point["step"] * epochs_per_step, point[f"train_{quantity}"]) for point in curve]
        name = f"validation_{quantity}"
        validated = [(row["epoch"], row[name]) for row in history if name in row]
        for points, colour, label in ((trained, "#3b82f6", "train"), (validated, "#f59e0b", "validation")):
            if points:
                axes.plot(*zip(*points, strict=True), marker="o", markersize=3, color=colour, label=label)
        axes.set_title(quantity, color="#808890", fontsize=10)
        axes.set_xlabel("epoch", color="#808890", fontsize=9)
        axes.tick_params(colors="#808890", labelsize=8)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.25)
        for side in axes.spines.values():
            side.set_color("#80889080")
        if axes.lines:
            axes.legend(frameon=False, fontsize=8, labelcolor="#808890")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()[buffer.getvalue().index("<svg") :]

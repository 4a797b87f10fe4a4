"""Pictures of an evaluation: confusion matrix, how sure against how right, precision and recall by class, learning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model_code.evaluation.files import PLOT_FILES
from model_code.failures import JobFailed
from model_code.markup import literal_plots, shortened

# Above so many classes their names and counts would not be legible.
MOST_LABELLED_CLASSES = 30
BINS = 15
LABEL_CHARACTERS = 40


def write_plots(
    matrix: np.ndarray,
    confidence: np.ndarray,
    right: np.ndarray,
    labels: Sequence[str],
    card: dict[str, Any],
    directory: Path,
) -> None:
    """Writes PLOT_FILES to `directory`; without a curve in the model's card the last one is left out.

    Args:
        matrix: counts [C, C]; rows are the truth, columns the answers.
        confidence: of each answer, float [N].
        right: whether each answer was right, [N].
        labels: C names.
        card: of the model, with `curve` by steps and `history` by epochs.
        directory: there already.

    Raises:
        JobFailed: where matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise JobFailed("Plots need matplotlib, which is not installed here. Leave --plots out.") from error
    labels = [shortened(label, LABEL_CHARACTERS) for label in labels]
    draw = (
        lambda axes: draw_confusion(axes, matrix, labels),
        lambda axes: draw_reliability(axes, confidence, right),
        lambda axes: draw_classes(axes, matrix, labels),
        *([lambda axes: draw_learning(axes, card["curve"], card["history"])] if card.get("curve") else []),
    )
    with literal_plots():
        for name, draw_plot in zip(PLOT_FILES, draw, strict=False):
            figure = Figure(figsize=(6, 5), dpi=120, layout="constrained")
            draw_plot(figure.subplots())
            figure.savefig(directory / name)


def draw_confusion(axes, matrix: np.ndarray, labels: Sequence[str]) -> None:
    """Each row's shares as shades, with the counts."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="answer", ylabel="truth", title="Confusion matrix")
    if len(labels) > MOST_LABELLED_CLASSES:
        return
    positions = range(len(labels))
    axes.set_xticks(positions, labels, rotation=90)
    axes.set_yticks(positions, labels)
    for row in positions:
        for column in positions:
            shade = "white" if shares[row, column] > 0.5 else "black"
            axes.text(
                column, row, str(matrix[row, column]), ha="center", va="center", color=shade, fontsize=7
            )


def draw_reliability(axes, confidence: np.ndarray, right: np.ndarray) -> None:
    """The share of right answers in each bin of confidence, beside the diagonal of a model that knows itself."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    filled = counts > 0
    sure = np.bincount(bins, weights=confidence, minlength=BINS)[filled] / counts[filled]
    share = np.bincount(bins, weights=right, minlength=BINS)[filled] / counts[filled]
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="as sure as right")
    axes.plot(sure, share, marker="o", label="model")
    axes.bar(
        (np.arange(BINS) + 0.5) / BINS, counts / counts.sum(), width=0.9 / BINS, alpha=0.3, label="answers"
    )
    axes.set(xlabel="confidence", ylabel="share", xlim=(0, 1), ylim=(0, 1.02), title="Reliability")
    axes.legend(loc="upper left")


def draw_classes(axes, matrix: np.ndarray, labels: Sequence[str]) -> None:
    """Precision and recall of each class, side by side."""
    hits, positions = np.diag(matrix), np.arange(len(labels))
    for offset, name, total in ((-0.2, "precision", matrix.sum(axis=0)), (0.2, "recall", matrix.sum(axis=1))):
        axes.barh(positions + offset, hits / np.maximum(total, 1), height=0.4, label=name)
    axes.set(xlim=(0, 1), title="Classes")
    axes.invert_yaxis()
    if len(labels) <= MOST_LABELLED_CLASSES:
        axes.set_yticks(positions, labels)
    axes.legend(loc="lower left")


def draw_learning(axes, curve: Sequence[dict[str, float]], history: Sequence[dict[str, float]]) -> None:
    """The losses by steps: what training lowered, the plain log loss, and that of the validation split by epochs."""
    steps = [point["step"] for point in curve]
    axes.plot(steps, [point["train_objective"] for point in curve], color="0.7", label="training, as lowered")
    axes.plot(steps, [point["train_loss"] for point in curve], label="training, log loss")
    if history:
        ends = [steps[-1] * row["epoch"] / history[-1]["epoch"] for row in history]
        losses = [row["validation_loss"] for row in history]
        axes.plot(ends, losses, marker=".", label="validation, log loss")
        best = int(np.argmin(losses))
        axes.axvline(ends[best], color="0.5", linestyle=":", label=f"least, epoch {history[best]['epoch']:g}")
    axes.set(xlabel="step", ylabel="loss", ylim=(0, None), title="Learning")
    axes.legend()

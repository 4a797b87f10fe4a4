"""Draws the advisor's tree of questions, with the way that the answers take."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from advisor import Problem
from advisor.tables import candidates
from advisor.tree import Node, tree_of
from cli.advise.advice import QUESTIONS
from model_code.outputs import written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEAF_INCHES, LEVEL_INCHES = 0.62, 3.8
TAKEN, OTHER = "#c2410c", "#6b7280"
QUESTION_LETTERS, ANSWER_LETTERS = 28, 22


def draw_tree(problem: Problem, path: Path, *, overwrite: bool = False) -> None:
    """Writes the picture to `path`, an .svg, .png or .pdf file.

    Raises:
        OutputRefused: when the file is there and may not be replaced.
    """
    from matplotlib.figure import Figure

    tree = tree_of(problem)
    leaves, levels = leaves_of(tree), depth_of(tree)
    figure = Figure((LEVEL_INCHES * (levels + 1), LEAF_INCHES * leaves + 1.0), layout="constrained")
    axes = figure.add_subplot(xlim=(-0.45, levels + 0.6), ylim=(leaves - 0.4, -0.6))
    axes.set_axis_off()
    draw_node(axes, tree, 0, 0.0, taken=True)
    known = [problem.modality, problem.task, problem.labels and f"{problem.labels} labels"]
    title = ", ".join(word.replace("_", " ") for word in known if word)
    axes.set_title(f"{title}: which candidate comes first (orange: your answers)", fontsize=11, loc="left")
    with written(path, overwrite=overwrite) as unfinished:
        figure.savefig(unfinished)


def draw_node(axes: Axes, node: Node, level: int, top: float, *, taken: bool) -> float:
    """Draws a node and what lies below it, from the line `top` on; returns the node's own line."""
    lines, line = [], top
    for branch in node.branches:
        lines.append(draw_node(axes, branch.node, level + 1, line, taken=branch.taken))
        line += leaves_of(branch.node)
    own = sum((lines[0], lines[-1])) / 2 if lines else top
    for branch, below in zip(node.branches, lines, strict=True):
        colour: dict[str, Any] = {"color": TAKEN if branch.taken else OTHER}
        axes.plot([level, level + 0.5, level + 1], [own, below, below], zorder=0, **colour)
        words = fill(branch.words, ANSWER_LETTERS)
        axes.text(level + 0.52, below - 0.06, words, fontsize=7.5, va="bottom", **colour)
    asked = QUESTIONS.get(node.question, node.question.replace("_", " "))
    words = (
        fill(f"{asked}?", QUESTION_LETTERS)
        if node.question
        else fill(candidates()[node.first].title, QUESTION_LETTERS)
    )
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": TAKEN if taken else OTHER}
    weight = "normal" if node.question else "bold"
    axes.text(level, own, words, fontsize=8, ha="center", va="center", bbox=box, weight=weight)
    return own


def leaves_of(node: Node) -> int:
    """How many leaves a tree has."""
    return sum(leaves_of(branch.node) for branch in node.branches) or 1


def depth_of(node: Node) -> int:
    """How many forks lie between the root and the furthest leaf."""
    return max((1 + depth_of(branch.node) for branch in node.branches), default=0)

"""The advice as a tree of questions, found by asking the rules: at each fork the question that divides the most.

The tree is no second set of rules. What stands at a leaf is what `advisor.ranking.first_of` says about the answers on
the way to it, and a question is asked where its values put different candidates first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from advisor.counterfactuals import VOLUME, alternatives, first_with, show
from advisor.problem import CHOICES, COUNTS, NUMBERS, SWITCHES, Problem
from advisor.ranking import first_of

DEPTH = 3
NO_QUESTION: tuple[str, list[tuple[Any, str]]] = ("", [])
# They say nothing about the problem itself, only about what it may cost, which the cost curve shows.
NOT_ASKED = ("budget_usd_per_month", "upkeep_usd_per_month", "burstiness", VOLUME)


@dataclass(frozen=True, slots=True)
class Branch:
    """The answers to a fork's question that lead the same way.

    Attributes:
        words: the answers, for a reader.
        taken: whether the caller's answer is among them, at every fork up to here.
        node: where they lead.
    """

    words: str
    taken: bool
    node: Node


@dataclass(frozen=True, slots=True)
class Node:
    """A fork, or a leaf without a question.

    Attributes:
        question: the answer of `Problem` that is asked for; empty at a leaf.
        first: the candidate that comes first with the answers up to here.
        branches: of a fork, two at least.
    """

    question: str
    first: str
    branches: tuple[Branch, ...]


def tree_of(problem: Problem) -> Node:
    """The tree for the problem's modality, task and labels, with the way that its other answers take.

    Args:
        problem: with modality and task.
    """
    start = Problem(
        modality=problem.modality, task=problem.task, labels=problem.labels, region=problem.region
    )
    return grown(start, problem, DEPTH, taken=True)


def grown(asked: Problem, problem: Problem, depth: int, *, taken: bool) -> Node:
    """The tree below the answers in `asked`, of so many questions at most."""
    question, found = best_question(asked) if depth else NO_QUESTION
    if not question:
        return Node("", first_of(asked), ())
    branches: list[Branch] = []
    own = getattr(problem, question)
    for values in runs(question, found):
        inside = taken and own is not None and holds(question, own, values, found)
        value = own if inside else values[len(values) // 2]
        node = grown(asked.replace(**{question: value}), problem, depth - 1, taken=inside)
        branches.append(Branch(words_of(question, values, found), inside, node))
    return Node(question, first_of(asked), tuple(branches))


def best_question(asked: Problem) -> tuple[str, list[tuple[Any, str]]]:
    """The open question whose values divide the candidates most evenly, with their winners; empty if none does."""
    best, most = NO_QUESTION, 0.0
    for name, values in alternatives().items():
        if name in NOT_ASKED or getattr(asked, name) is not None:
            continue
        winners = [(value, first_with(asked, name, value)) for value in values]
        found = sorted(
            ((value, first) for value, first in winners if first), key=lambda one: order_of(name, one[0])
        )
        evenness = entropy(Counter(first for _, first in found))
        if evenness > most + 1e-9:
            best, most = (name, found), evenness
    return best


def entropy(counts: Counter[str]) -> float:
    """Of the winners' shares, in bits."""
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values()) if total else 0.0


def order_of(name: str, value: Any) -> float:
    """Choices in their table's order, numbers by their size."""
    return CHOICES[name].index(value) if name in CHOICES else float(value)


def runs(name: str, found: list[tuple[Any, str]]) -> Iterator[list[Any]]:
    """Values that put the same candidate first: neighbours of numbers, any of choices."""
    if name in CHOICES or name in SWITCHES:
        for winner in dict.fromkeys(first for _, first in found):
            yield [value for value, first in found if first == winner]
        return
    for _, group in groupby(found, key=lambda one: one[1]):
        yield [value for value, _ in group]


def holds(name: str, own: Any, values: list[Any], found: list[tuple[Any, str]]) -> bool:
    """Whether an answer belongs to a run: a number up to where the next run begins."""
    if name in CHOICES or name in SWITCHES:
        return own in values
    later = [value for value, _ in found if value > values[-1]]
    is_first = values[0] == found[0][0]
    return (is_first or own >= values[0]) and (not later or own < later[0])


def words_of(name: str, values: list[Any], found: list[tuple[Any, str]]) -> str:
    """A run in words: its choices, or its bounds."""
    if name in SWITCHES:
        return " or ".join("yes" if value else "no" for value in values)
    if name not in COUNTS and name not in NUMBERS:
        return " or ".join(str(value).replace("_", " ") for value in values)
    later = [value for value, _ in found if value > values[-1]]
    if values[0] == found[0][0]:
        return f"below {show(later[0])}" if later else "any number"
    return f"{show(values[0])} to below {show(later[0])}" if later else f"{show(values[0])} and more"

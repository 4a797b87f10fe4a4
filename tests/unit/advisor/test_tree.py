"""The tree of questions says what the rules say, and shows the way of the caller's answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from advisor import Problem, recommend, tree
from advisor.problem import TASKS
from advisor.tree import Node

SERIES = {"modality": "time_series", "task": "classification"}


def ways(node: Node, asked: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every node with the questions on the way to it."""
    yield asked, node
    for branch in node.branches:
        yield from ways(branch.node, (*asked, node.question))


def way_taken(node: Node) -> list[tuple[str, str]]:
    """The questions and answers of the caller's way."""
    for branch in node.branches:
        if branch.taken:
            return [(node.question, branch.words), *way_taken(branch.node)]
    return []


@pytest.mark.parametrize("modality", TASKS)
@pytest.mark.parametrize(
    "task", ["classification", "moderation", "sentiment", "forecasting", "transcription"]
)
def test_every_fork_leads_to_different_candidates_and_asks_no_question_twice(modality, task):
    if task not in TASKS[modality]:
        return
    for asked, node in ways(tree.tree_of(Problem(modality=modality, task=task))):
        assert len(set(asked)) == len(asked) <= tree.DEPTH and node.question not in asked
        assert len(node.branches) != 1
        if node.question:
            assert len({leaf.first for _, leaf in ways(node) if not leaf.question}) > 1


def test_the_way_taken_ends_at_the_advice_where_every_question_on_it_is_answered():
    """Only what the tree asks is answered, so that nothing else can decide."""
    answers: dict = dict(SERIES)
    node = tree.tree_of(Problem(**answers))
    while node.question:
        value = {"labelled_examples": 5_000, "sequence_length": 50, "classes": 3}.get(node.question)
        values = [value] if value else tree.alternatives()[node.question]
        answers[node.question] = values[0]
        node = tree.tree_of(Problem(**answers))
        for _ in range(len(answers) - len(SERIES)):
            node = next(branch.node for branch in node.branches if branch.taken)
    assert node.first == recommend(Problem(**answers)).options[0].id


def test_an_unknown_answer_ends_the_way():
    root = tree.tree_of(Problem(**SERIES))
    assert way_taken(root) == []


def test_a_number_belongs_to_the_branch_whose_bounds_hold_it():
    found = [(0, "a"), (19, "a"), (20, "b"), (1_000, "b"), (5_000, "a")]
    runs = list(tree.runs("labelled_examples", found))
    assert runs == [[0, 19], [20, 1_000], [5_000]]
    words = [tree.words_of("labelled_examples", values, found) for values in runs]
    assert words == ["below 20", "20 to below 5,000", "5,000 and more"]
    for own, place in ((3, 0), (19, 0), (20, 1), (4_999, 1), (5_000, 2), (10**6, 2)):
        inside = [tree.holds("labelled_examples", own, values, found) for values in runs]
        assert inside.index(True) == place and sum(inside) == 1


def test_choices_that_lead_the_same_way_share_a_branch():
    found = [("none", "a"), ("local", "b"), ("long", "a")]
    assert list(tree.runs("dependence", found)) == [["none", "long"], ["local"]]
    assert tree.words_of("dependence", ["none", "long"], found) == "none or long"

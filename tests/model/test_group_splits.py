"""Whole groups are held out, of every class, and the latest where a time is named; the card says what was done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model_code.data.columns import Columns
from model_code.data.own_data import import_own
from model_code.data.splits import split_by_time, split_positions
from model_code.failures import JobFailed

SHARES = {"validation": 0.1, "test": 0.2}


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_one_class_each_are_held_out_class_by_class(seed):
    labels = [f"class {number}" for number in range(10) for _ in range(10) for _ in range(3)]
    groups = [f"{number} {group}" for number in range(10) for group in range(10) for _ in range(3)]

    splits = split_positions(labels, groups, shares=SHARES, seed=seed)

    for name, expected in (("train", 7), ("validation", 1), ("test", 2)):
        held = {groups[position] for position in splits[name]}
        assert sorted({group.split()[0] for group in held}) == [str(number) for number in range(10)]
        assert len(held) == 10 * expected


@pytest.mark.parametrize("seed", range(5))
def test_groups_are_drawn_until_every_split_has_every_class(seed):
    # A class in four of twelve groups, each of which holds the other class too.
    labels = [label for group in range(12) for label in ("often", "rare" if group < 4 else "often")]
    groups = [str(group) for group in range(12) for _ in range(2)]

    splits = split_positions(labels, groups, shares=SHARES, seed=seed)

    assert all(
        {labels[position] for position in positions} == {"often", "rare"} for positions in splits.values()
    )


def test_of_groups_those_with_the_latest_samples_are_held_out():
    times = [1, 9, 2, 3, 8, 4, 5, 6, 7, 0]
    groups = ["a", "a", "b", "b", "c", "c", "d", "d", "e", "e"]

    splits = split_by_time(times, SHARES, groups)

    assert {name: {groups[position] for position in positions} for name, positions in splits.items()} == {
        "train": {"b", "d", "e"},
        "validation": {"c"},
        "test": {"a"},
    }
    with pytest.raises(JobFailed, match="The 2 groups are too few to hold out those with the latest samples"):
        split_by_time(times, SHARES, ["a"] * 5 + ["b"] * 5)


def rows(path: Path, count: int, **columns) -> Path:
    """Texts of two classes, with columns that are made of their number."""
    lines = [
        {"text": f"text {i}", "label": i % 2, **{name: make(i) for name, make in columns.items()}}
        for i in range(count)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_card_says_that_groups_with_the_latest_samples_are_held_out(tmp_path):
    file = rows(tmp_path / "a.jsonl", 60, day=lambda i: i, person=lambda i: f"p{i // 6}")

    card = import_own(file, out=tmp_path / "out", columns=Columns(time="day", group="person"))

    assert card["split_rule"].endswith("the groups with the latest samples are held out")
    assert set(json.loads((tmp_path / "out" / "test" / "groups.json").read_text())) == {"p8", "p9"}


def test_the_card_tells_of_groups_that_the_datas_own_splits_tear(tmp_path):
    names = ("train", "val", "test")
    file = rows(tmp_path / "a.jsonl", 30, split=lambda i: names[i % 3], group=lambda i: f"p{min(i, 3)}")

    card = import_own(file, out=tmp_path / "out")

    assert card["split_rule"].endswith(
        "the splits are those of the data; 1 group is in more than one of them"
    )


def test_the_card_says_what_of_the_datas_training_samples_is_held_out(tmp_path):
    file = rows(tmp_path / "a.jsonl", 40, split=lambda i: "test" if i < 10 else "train")

    card = import_own(file, out=tmp_path / "out")

    assert card["split_rule"].endswith(
        "the splits are those of the data, and of its training samples each class is divided by itself, at random, "
        "seed 0"
    )

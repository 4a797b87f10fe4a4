"""Splits samples into train, validation and test so that nothing leaks from one into another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from model_code.failures import JobFailed

NAMES = ("train", "validation", "test")
# What people call them.
SPLIT_NAMES = {
    **{"train": "train", "training": "train", "test": "test", "testing": "test"},
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
}


def split_positions(
    labels: Sequence[str],
    groups: Sequence[str] | None,
    *,
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, list[int]]:
    """The positions of each split's samples, in a random order.

    With groups, whole groups are held out, so that shares are met as nearly as groups allow; without, each class is
    divided by the shares on its own.

    Args:
        labels: N names.
        groups: N names of what each sample was taken from, or None.
        shares: of all samples, for `validation` and `test`; one of them may be 0.
        seed: of the random order.

    Raises:
        JobFailed: when a class is in too few samples or groups to be in every split.
    """
    wanted = require_shares(shares)
    generator = np.random.default_rng(seed)
    divide = by_class if groups is None else by_group
    splits = divide(np.array(labels), np.array(groups), wanted, generator)
    for name in ("train", *wanted):
        missing = sorted(set(labels) - {labels[i] for i in splits[name]})
        if missing:
            of_what = "samples" if groups is None else "groups"
            raise JobFailed(
                f"The class '{missing[0]}' is in too few {of_what} to be in {', '.join(('train', *wanted))}: {name} "
                f"would have none of it. Add {of_what} of it, change the shares or the seed, or leave the class out."
            )
    return {name: generator.permutation(splits[name]).tolist() for name in NAMES}


def require_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """The shares above 0.

    Raises:
        JobFailed: when they leave nothing to train on, or one is below 0.
    """
    if min(shares.values()) < 0 or not 0 < sum(shares.values()) < 1:
        raise JobFailed("The shares of validation and test have to be above 0, and below 1 together.")
    return {name: share for name, share in shares.items() if share}


def split_by_time(times: Sequence[float], shares: Mapping[str, float]) -> dict[str, list[int]]:
    """The positions of each split's samples: the earliest train, the latest test; see `require_shares` for errors."""
    require_shares(shares)
    order = np.argsort(np.array(times), kind="stable").tolist()
    first_test = len(order) - round(shares["test"] * len(order))
    first_validation = first_test - round(shares["validation"] * len(order))
    return {
        "train": order[:first_validation],
        "validation": order[first_validation:first_test],
        "test": order[first_test:],
    }


def by_class(
    labels: np.ndarray, _: np.ndarray, shares: dict[str, float], generator: np.random.Generator
) -> dict[str, list[int]]:
    """Each class's samples divided by the shares; one at least for validation and test."""
    splits: dict[str, list[int]] = {name: [] for name in NAMES}
    for label in sorted(set(labels.tolist())):
        order = generator.permutation(np.flatnonzero(labels == label)).tolist()
        for name, share in shares.items():
            count = max(1, round(share * int((labels == label).sum())))
            splits[name] += order[:count]
            order = order[count:]
        splits["train"] += order
    return splits


def by_group(
    labels: np.ndarray, groups: np.ndarray, shares: dict[str, float], generator: np.random.Generator
) -> dict[str, list[int]]:
    """Groups in a random order: each goes to the first split that is still short of its share, the rest to train."""
    splits: dict[str, list[int]] = {name: [] for name in NAMES}
    for group in generator.permutation(sorted(set(groups.tolist()))):
        positions = np.flatnonzero(groups == group).tolist()
        short = [name for name, share in shares.items() if len(splits[name]) < share * len(labels) * 0.999]
        splits[short[-1] if short else "train"] += positions
    return splits

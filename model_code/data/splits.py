"""Splits samples into train, validation and test so that nothing leaks from one into another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from model_code.failures import JobFailed

NAMES = ("train", "validation", "test")


def distinct_positions(contents: Sequence[bytes | np.ndarray]) -> list[int]:
    """The positions of the samples that no earlier one equals byte for byte."""
    seen: set[bytes] = set()
    kept = []
    for position, content in enumerate(contents):
        digest = hashlib.sha256(np.ascontiguousarray(content) if isinstance(content, np.ndarray) else content)
        if digest.digest() not in seen:
            seen.add(digest.digest())
            kept.append(position)
    return kept


def split_positions(
    labels: Sequence[str],
    groups: Sequence[str] | None,
    *,
    validation_share: float,
    test_share: float,
    seed: int,
) -> dict[str, list[int]]:
    """The positions of each split's samples, in a random order.

    With groups, whole groups are held out, so that shares are met as nearly as groups allow; without, each class is
    divided by the shares on its own.

    Args:
        labels: N names.
        groups: N names of what each sample was taken from, or None.
        validation_share: of all samples.
        test_share: of all samples.
        seed: of the random order.

    Raises:
        JobFailed: when a class is in too few samples or groups to be in every split.
    """
    shares = {"validation": validation_share, "test": test_share}
    if min(shares.values()) <= 0 or sum(shares.values()) >= 1:
        raise JobFailed("The shares of validation and test have to be above 0, and below 1 together.")
    generator = np.random.default_rng(seed)
    divide = by_class if groups is None else by_group
    splits = divide(np.array(labels), np.array(groups), shares, generator)
    for name in NAMES:
        missing = sorted(set(labels) - {labels[i] for i in splits[name]})
        if missing:
            of_what = "samples" if groups is None else "groups"
            raise JobFailed(
                f"The class '{missing[0]}' is in too few {of_what} to be in train, validation and test: {name} would "
                f"have none of it. Add {of_what} of it, change the shares or the seed, or leave the class out."
            )
    return {name: generator.permutation(splits[name]).tolist() for name in NAMES}


Divide = Callable[[np.ndarray, np.ndarray, dict[str, float], np.random.Generator], dict[str, list[int]]]


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

"""Splits samples into train, validation and test so that nothing leaks from one into another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from model_code.failures import JobFailed

NAMES = ("train", "validation", "test")
# So many random orders of groups are tried for one in which every split has every class.
DRAWS = 100
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

    With groups, whole groups are held out, so that shares are met as nearly as groups allow. Without, and where every
    group is of one class, each class is divided by the shares on its own.

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
    divide, draws = (by_class, 1) if groups is None else (by_group, DRAWS)
    lacking = ("", "")
    for _ in range(draws):
        splits = divide(np.array(labels), np.array(groups), wanted, generator)
        missing = {
            name: sorted(set(labels) - {labels[i] for i in splits[name]}) for name in ("train", *wanted)
        }
        if not any(missing.values()):
            return {name: generator.permutation(splits[name]).tolist() for name in NAMES}
        lacking = next((name, classes[0]) for name, classes in missing.items() if classes)
    of_what = "samples" if groups is None else "groups"
    raise JobFailed(
        f"The class '{lacking[1]}' is in too few {of_what} to be in {', '.join(('train', *wanted))}: {lacking[0]} "
        f"would have none of it. Add {of_what} of it, or leave the class out."
    )


def require_shares(shares: Mapping[str, float]) -> dict[str, float]:
    """The shares above 0.

    Raises:
        JobFailed: when they leave nothing to train on, or one is below 0.
    """
    if min(shares.values()) < 0 or not 0 < sum(shares.values()) < 1:
        raise JobFailed("The shares of validation and test have to be above 0, and below 1 together.")
    return {name: share for name, share in shares.items() if share}


def split_by_time(
    times: Sequence[float], shares: Mapping[str, float], groups: Sequence[str] | None = None
) -> dict[str, list[int]]:
    """The positions of each split's samples: the earliest train, the latest test.

    With groups, whole groups are held out: those whose last sample is the latest.

    Raises:
        JobFailed: when the groups are too few; and see `require_shares`.
    """
    wanted = require_shares(shares)
    names = list(range(len(times))) if groups is None else list(groups)
    last: dict[str | int, float] = {}
    for name, time in zip(names, times, strict=True):
        last[name] = max(time, last.get(name, time))
    members: dict[str | int, list[int]] = {name: [] for name in sorted(last, key=last.__getitem__)}
    for position in np.argsort(np.array(times), kind="stable").tolist():
        members[names[position]].append(position)
    splits: dict[str, list[int]] = {name: [] for name in NAMES}
    for group in reversed(members.values()):
        short = [
            name
            for name in ("test", "validation")
            if len(splits[name]) < round(wanted.get(name, 0) * len(times))
        ]
        split = splits[short[0] if short else "train"]
        split[:0] = group
    if groups is not None and not all(splits[name] for name in ("train", *wanted)):
        raise JobFailed(
            f"The {len(members)} groups are too few to hold out those with the latest samples. Add groups, or leave "
            "--group or --time out."
        )
    return splits


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
    """Groups in a random order: each goes to the first split that is still short of its share, the rest to train.

    Where every group is of one class, that is done class by class.
    """
    is_pure = len(set(zip(groups.tolist(), labels.tolist(), strict=True))) == len(set(groups.tolist()))
    strata = labels if is_pure else np.zeros(len(labels))
    splits: dict[str, list[int]] = {name: [] for name in NAMES}
    for stratum in sorted(set(strata.tolist())):
        inside = strata == stratum
        found: dict[str, list[int]] = {name: [] for name in NAMES}
        for group in generator.permutation(sorted(set(groups[inside].tolist()))):
            short = [
                name for name, share in shares.items() if len(found[name]) < share * inside.sum() * 0.999
            ]
            found[short[-1] if short else "train"] += np.flatnonzero(groups == group).tolist()
        for name, positions in found.items():
            splits[name] += positions
    return splits

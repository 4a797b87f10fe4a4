"""The splits of a bake-off: by time where the examples have one, so that the latest test; else by chance."""

from __future__ import annotations

import numpy as np

from bakeoff import splits
from bakeoff.errors import ComparisonRefused
from bakeoff.examples import Examples, fingerprints
from bakeoff.splits import Split
from model_code.data.splits import NAMES, split_by_time
from model_code.failures import JobFailed


def rounds_of(examples: Examples, seed: int, seconds: float, *, single: bool = False) -> list[Split]:
    """One split by time, or those of `bakeoff.splits.rounds_of`, which says what the arguments are and what is raised.

    Of a set with times the latest part tests, the part before it validates. Copies and examples of one source stay
    together, by the latest of them.
    """
    if examples.times is None:
        return splits.rounds_of(examples, seed, seconds, single=single)
    contents = fingerprints(examples)
    groups = splits.groups_of(examples, contents)
    splits.refuse_the_meaningless(examples, groups)
    count = splits.FOLDS_SMALL if len(examples) < splits.SMALL_SET else splits.FOLDS_LARGE
    shares = {"validation": (1 - 1 / count) / splits.VALIDATION_FOLDS, "test": 1 / count}
    try:
        found = split_by_time(examples.times.tolist(), shares, [str(group) for group in groups])
    except JobFailed as failure:
        raise ComparisonRefused(str(failure)) from failure
    train, validation, test = (np.sort(found[name]) for name in NAMES)
    for part, positions in {"training": train, "test": test}.items():
        missing = set(range(len(examples.labels))) - set(examples.targets[positions].tolist())
        if missing:
            raise ComparisonRefused(
                f"The {part} part would hold no example of the class '{examples.labels[min(missing)]}', because all of "
                "them are of another time. Add some of it, or leave the class or --time out."
            )
    notes = splits.notes_about(examples, contents, groups)
    notes.append(f"The latest {len(test):,} examples test, and the others train.")
    return [
        Split(
            examples.take(train),
            examples.take(validation),
            examples.take(test),
            groups[test],
            tuple(notes),
            np.zeros(len(test), int),
        )
    ]

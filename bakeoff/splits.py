"""One split for every candidate, without a leak: the same content and the same source are in one part only."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np

from bakeoff.errors import ComparisonRefused
from bakeoff.examples import Examples, fingerprints

EXAMPLES_LEAST = 40
GROUPS_OF_A_CLASS_LEAST = 5
SOURCES_LEAST = 4
# Below this a fifth is too small a test: a third of the examples tests.
SMALL_SET = 2_000
FOLDS_SMALL, FOLDS_LARGE = 3, 5
VALIDATION_FOLDS = 8


@dataclass(frozen=True)
class Split:
    """The parts, what a reader should know of them, and which test examples belong together.

    Attributes:
        test_groups: int [test]; examples with the same number are copies or of one source, so they are no independent
            evidence.
        notes: sentences.
    """

    train: Examples
    validation: Examples
    test: Examples
    test_groups: np.ndarray
    notes: tuple[str, ...]


def split(examples: Examples, seed: int) -> Split:
    """Splits into train, validation and test, alike in their classes as far as the groups allow.

    Raises:
        ComparisonRefused: when a comparison on this data would mean nothing.
    """
    contents = fingerprints(examples)
    groups = groups_of(examples, contents)
    refuse_the_meaningless(examples, groups)
    folds = FOLDS_SMALL if len(examples) < SMALL_SET else FOLDS_LARGE
    rest, test = first_fold(examples.targets, groups, folds, seed)
    inner_rest, inner_validation = first_fold(examples.targets[rest], groups[rest], VALIDATION_FOLDS, seed)
    train, validation = rest[inner_rest], rest[inner_validation]
    for part, positions in (("training", train), ("test", test)):
        missing = set(range(len(examples.labels))) - set(examples.targets[positions].tolist())
        if missing:
            name = examples.labels[min(missing)]
            raise ComparisonRefused(
                f"The {part} part would hold no example of the class '{name}', because its examples come from too "
                "few sources. Add sources of it, or leave the class out."
            )
    notes = notes_about(examples, contents, groups)
    return Split(
        examples.take(train), examples.take(validation), examples.take(test), groups[test], tuple(notes)
    )


def groups_of(examples: Examples, contents: list[bytes]) -> np.ndarray:
    """Int [N]: equal where two examples have the same content or the same source, directly or over others."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    kinds = [contents] if examples.sources is None else [contents, examples.sources.tolist()]
    rows, columns, offset = [], [], len(examples)
    for keys in kinds:
        _, numbers = np.unique(np.array(keys), return_inverse=True)
        rows.append(np.arange(len(examples)))
        columns.append(numbers + offset)
        offset += int(numbers.max()) + 1
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    links = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(offset, offset))
    return connected_components(links, directed=False)[1][: len(examples)]


def refuse_the_meaningless(examples: Examples, groups: np.ndarray) -> None:
    """Raises ComparisonRefused where no test could tell two candidates apart."""
    counts = Counter(examples.targets.tolist())
    if len(counts) < 2:
        raise ComparisonRefused(
            f"All {len(examples)} examples are of one class; at least two are needed to compare anything."
        )
    different = len(set(groups.tolist()))
    what = "different examples" if examples.sources is None else "sources with different examples"
    if different == 1:
        raise ComparisonRefused(
            f"All {len(examples)} examples are the same or of one source, so nothing is left to test on."
        )
    least = EXAMPLES_LEAST if examples.sources is None else SOURCES_LEAST
    if different < least or len(examples) < EXAMPLES_LEAST:
        raise ComparisonRefused(
            f"There are {different} {what} among {len(examples)}; a test part needs {least} at least, and "
            f"{EXAMPLES_LEAST} examples. Collect more before comparing."
        )
    if examples.sources is None:
        for target, name in enumerate(examples.labels):
            sources = len(set(groups[examples.targets == target].tolist()))
            if sources < GROUPS_OF_A_CLASS_LEAST:
                raise ComparisonRefused(
                    f"The class '{name}' has {sources} different examples, and {GROUPS_OF_A_CLASS_LEAST} are needed to "
                    "train and to test on it. Add some, or leave the class out."
                )


def first_fold(
    targets: np.ndarray, groups: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Positions outside and inside one of `folds` parts in which no group is cut and every class has its share."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    _, firsts, members = np.unique(groups, return_index=True, return_inverse=True)
    is_pure = bool((targets == targets[firsts][members]).all())
    with warnings.catch_warnings():
        # A class with fewer groups than folds is spread as far as it goes, which is what is wanted.
        warnings.simplefilter("ignore", UserWarning)
        if is_pure and len(firsts) > folds:
            splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
            _, inside = next(iter(splitter.split(firsts, targets[firsts])))
            chosen = np.isin(members, inside)
        else:
            # Groups of several classes need a search over the groups, which is slow for very many of them.
            splitter = StratifiedGroupKFold(min(folds, len(firsts)), shuffle=True, random_state=seed)
            _, inside = next(iter(splitter.split(targets, targets, groups)))
            chosen = np.isin(np.arange(len(targets)), inside)
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def notes_about(examples: Examples, contents: list[bytes], groups: np.ndarray) -> list[str]:
    """What a reader should know before trusting the figures."""
    notes = []
    copies = len(contents) - len(set(contents))
    if copies:
        notes.append(
            f"{copies:,} of {len(contents):,} examples are there more than once; copies stay in one part."
        )
    classes: dict[bytes, set[int]] = {}
    for content, target in zip(contents, examples.targets.tolist(), strict=True):
        classes.setdefault(content, set()).add(target)
    torn = sum(len(duplicates) > 1 for duplicates in classes.values())
    if torn:
        notes.append(f"{torn:,} contents carry more than one label, so nothing can be right on all of them.")
    if examples.sources is not None:
        notes.append(
            f"{len(set(examples.sources.tolist())):,} sources; the test part holds other sources than the training."
        )
    return notes


def at_most(examples: Examples, most: int, seed: int) -> Examples:
    """A seeded choice of `most` examples with every class's share kept; all where there are no more.

    With sources, whole sources are chosen until `most` is reached.
    """
    if len(examples) <= most:
        return examples
    generator = np.random.default_rng(seed)
    if examples.sources is not None:
        order = generator.permutation(np.unique(examples.sources))
        sizes = np.cumsum([(examples.sources == source).sum() for source in order])
        kept = order[: max(SOURCES_LEAST, int(np.searchsorted(sizes, most)) + 1)]
        return examples.take(np.flatnonzero(np.isin(examples.sources, kept)))
    chosen = []
    for target in range(len(examples.labels)):
        positions = generator.permutation(np.flatnonzero(examples.targets == target))
        share = max(GROUPS_OF_A_CLASS_LEAST, round(most * len(positions) / len(examples)))
        chosen.append(positions[:share])
    return examples.take(np.sort(np.concatenate(chosen)))

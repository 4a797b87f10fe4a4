"""The same splits for every candidate, without a leak: equal content and one source are in one part only."""

from __future__ import annotations

import dataclasses
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bakeoff.errors import ComparisonRefused
from bakeoff.examples import Examples, fingerprints
from definitions.counts import counted

EXAMPLES_LEAST = 40
GROUPS_OF_A_CLASS_LEAST = 5
# Fewer are too few for a claim about sources that nobody has seen.
SOURCES_LEAST = 10
# With fewer independent examples or sources, every one of them tests once, in as many rounds; with still fewer, twice.
FEW, VERY_FEW = 500, 200
ROUNDS = 5
# What the candidates need for so many rounds, and for twice as many.
SECONDS_FOR_ROUNDS, SECONDS_FOR_TWICE = 300.0, 1_200.0
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
        rounds: int [test]; in which round of `rounds_of` an example tested, 0 where there is one.
    """

    train: Examples
    validation: Examples
    test: Examples
    test_groups: np.ndarray
    notes: tuple[str, ...]
    rounds: np.ndarray


def split(examples: Examples, seed: int) -> Split:
    """Splits once; see `rounds_of`."""
    (parts,) = rounds_of(examples, seed, seconds=0.0, single=True)
    return parts


def rounds_of(examples: Examples, seed: int, seconds: float, *, single: bool = False) -> list[Split]:
    """Splits into train, validation and test, alike in their classes as far as the groups allow.

    One split tests a part of a large set. Where there are few examples, or few sources, one part is too few to tell
    candidates apart: then there are several splits, whose test parts are all examples, once or twice.

    Args:
        examples: all that take part.
        seed: of the splits.
        seconds: that the candidates have; without enough for several rounds there is one.
        single: asks for one split whatever the number.

    Raises:
        ComparisonRefused: when a comparison on this data would mean nothing.
    """
    contents = fingerprints(examples)
    repeats = repeats_by_nature(examples, contents)
    if repeats:
        # Each row is an example of its own.
        contents = [str(position).encode() for position in range(len(examples))]
    groups = groups_of(examples, contents)
    refuse_the_meaningless(examples, groups)
    notes = notes_about(examples, contents, groups)
    if repeats:
        notes.append(
            "Most rows repeat, because the columns hold few values: each is an example of its own, and may test "
            "where an equal one trained."
        )
    independent = len(np.unique(groups))
    enough = seconds >= SECONDS_FOR_ROUNDS or examples.sources is not None
    if single or independent >= FEW or not enough:
        count = FOLDS_SMALL if len(examples) < SMALL_SET else FOLDS_LARGE
        rest, test = next(folds(examples.targets, groups, count, seed))
        return [parts_of(examples, groups, rest, test, seed, notes)]
    repeats = 2 if independent < VERY_FEW and seconds >= SECONDS_FOR_TWICE else 1
    notes.append(
        f"With {independent:,} independent {'examples' if examples.sources is None else 'sources'}, each of them "
        f"tests {'once' if repeats == 1 else 'twice'}: cross-validation in {repeats * ROUNDS} rounds, each with "
        "another seed."
    )
    return [
        parts_of(examples, groups, rest, test, seed + number, notes, number=number, several=True)
        for number, (rest, test) in enumerate(
            fold
            for repeat in range(repeats)
            for fold in folds(examples.targets, groups, ROUNDS, seed + repeat)
        )
    ]


def parts_of(
    examples: Examples,
    groups: np.ndarray,
    rest: np.ndarray,
    test: np.ndarray,
    seed: int,
    notes: list[str],
    *,
    number: int = 0,
    several: bool = False,
) -> Split:
    """The split with these positions for the test; see `rounds_of` for what is raised."""
    inner_rest, inner_validation = next(folds(examples.targets[rest], groups[rest], VALIDATION_FOLDS, seed))
    train, validation = rest[inner_rest], rest[inner_validation]
    # A class that one round's test part lacks is in another's.
    checked = {"training": train} if several else {"training": train, "test": test}
    for part, positions in checked.items():
        missing = set(range(len(examples.labels))) - set(examples.targets[positions].tolist())
        if missing:
            name = examples.labels[min(missing)]
            raise ComparisonRefused(
                f"The {part} part would hold no example of the class '{name}', because its examples come from too "
                "few sources. Add sources of it, or leave the class out."
            )
    return Split(
        examples.take(train),
        examples.take(validation),
        examples.take(test),
        groups[test],
        tuple(notes),
        np.full(len(test), number),
    )


def together(rounds: list[Split]) -> Split:
    """The first round's parts, with the test parts of all rounds one behind the other."""
    first = rounds[0]
    if len(rounds) == 1:
        return first
    contents = [content for parts in rounds for content in parts.test.contents]
    arrays = isinstance(first.test.contents, np.ndarray)
    test = dataclasses.replace(
        first.test,
        contents=np.concatenate([parts.test.contents for parts in rounds]) if arrays else contents,
        targets=np.concatenate([parts.test.targets for parts in rounds]),
        sources=None,
    )
    groups, numbers = (
        np.concatenate([getattr(parts, name) for parts in rounds]) for name in ("test_groups", "rounds")
    )
    return dataclasses.replace(first, test=test, test_groups=groups, rounds=numbers)


def repeats_by_nature(examples: Examples, contents: list[bytes]) -> bool:
    """Whether rows are equal because their columns hold few values, and not because somebody copied them."""
    return examples.modality == "tabular" and 1 < len(set(contents)) < len(contents) / 2


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


def folds(
    targets: np.ndarray, groups: np.ndarray, count: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Positions outside and inside each of `count` parts in which no group is cut and every class has its share.

    There are fewer parts where even the most frequent class has fewer examples.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    _, firsts, members = np.unique(groups, return_index=True, return_inverse=True)
    is_pure = bool((targets == targets[firsts][members]).all())
    count = min(count, int(np.bincount(targets[firsts] if is_pure else targets).max()))
    with warnings.catch_warnings():
        # A class with fewer groups than folds is spread as far as it goes, which is what is wanted.
        warnings.simplefilter("ignore", UserWarning)
        if is_pure and len(firsts) > count:
            splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
            parts = [np.isin(members, inside) for _, inside in splitter.split(firsts, targets[firsts])]
        else:
            # Groups of several classes need a search over the groups, which is slow for very many of them.
            splitter = StratifiedGroupKFold(min(count, len(firsts)), shuffle=True, random_state=seed)
            places = np.arange(len(targets))
            parts = [np.isin(places, inside) for _, inside in splitter.split(targets, targets, groups)]
    for part in parts:
        yield np.flatnonzero(~part), np.flatnonzero(part)


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
        several = counted(torn, "content carries", "contents carry")
        notes.append(f"{several} more than one label, so nothing can be right on all of them.")
    if examples.sources is not None:
        notes.append(
            f"{counted(len(set(examples.sources.tolist())), 'source')}; the test part holds other sources than the "
            "training."
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

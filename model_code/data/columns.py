"""Which column of a table is the label, the text, the image, the group, the time: as the caller says or by name."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from definitions.words import CHARACTERS, words_of
from model_code.data.tables import Table
from model_code.data.values import dates_of, is_missing, numbers_of
from model_code.failures import JobFailed

# In the order in which they are looked for; capital letters do not matter.
LABEL_NAMES = ("label", "labels", "class", "target", "category", "y")
TEXT_NAMES = ("text", "review", "body", "content", "message", "comment", "sentence")
IMAGE_NAMES = ("image", "image_path", "file", "file_name", "filename", "path", "source-ref")
GROUP_NAMES = ("group", "source")
TIME_NAMES = ("time", "timestamp", "datetime", "date")
SEQUENCE = "sequence"
SPLIT = "split"
IDENTIFIER_NAMES = ("id", "index", "row", "uuid", "guid")
# What a group is often called; too often something else to be taken for one unasked.
LIKELY_GROUPS = ("subject", "person", "patient", "user", "speaker", "device", "machine", "participant")
# A text of one word is more often a category than something to read; so is a short one beside other columns, as a name.
WORDS_OF_A_TEXT, WORDS_BESIDE_OTHERS = 3, 8
# Values of a column that are looked at to tell what it is.
VALUES_LOOKED_AT = 1_000
# A column in which so large a share are numbers is one of numbers, and what is none in it is a mistake.
NUMERIC_SHARE = 0.9


@dataclass(frozen=True)
class Columns:
    """The columns that a caller names; None leaves it to the names above.

    Attributes:
        label: what is to be told.
        text: what it is told from, where that is a text.
        image: the path of each row's image, relative to the file.
        group: what a sample was taken from, a person for instance; no group is in two splits.
        time: orders the steps of recordings; in other data the latest samples are held out.
    """

    label: str | None = None
    text: str | None = None
    image: str | None = None
    group: str | None = None
    time: str | None = None


@dataclass(frozen=True)
class Roles:
    """What was found, in the file's own spelling; None where there is no such column.

    Attributes:
        label, text, image, group, time: see `Columns`.
        sequence: the recording that a step is of, or the steps themselves.
        split: train, validation or test, where the file says it.
        notes: sentences about what was chosen among several, or left out.
    """

    label: str
    text: str | None
    image: str | None
    group: str | None
    time: str | None
    sequence: str | None
    split: str | None
    notes: tuple[str, ...]

    def taken(self) -> set[str]:
        """The columns that are no features."""
        return {var for var in vars(self).values() if isinstance(var, str)}


def roles_in(table: Table, asked: Columns, as_recordings: bool = False) -> Roles:
    """The columns' roles.

    Args:
        table: the rows.
        asked: which the caller names.
        as_recordings: the rows are steps, which have a time.

    Raises:
        JobFailed: when a column that was asked for is not there, or none can be told to be the label.
    """
    notes: list[str] = []
    label = wanted(table, asked.label, "label") or label_by_name(table)
    sequence = by_name(table, (SEQUENCE,))
    split = by_name(table, (SPLIT,))
    split = split if split and looks_like_splits(table.values(split)) else None
    group = wanted(table, asked.group, "group") or by_name(table, GROUP_NAMES)
    if group is None and (likely := by_name(table, LIKELY_GROUPS)):
        notes.append(f"The column '{likely}' may say what belongs together; if so, --group {likely}.")
    time = wanted(table, asked.time, "time") or (
        by_name(table, TIME_NAMES) if sequence or as_recordings else None
    )
    image = wanted(table, asked.image, "image") or image_by_name(table)
    text = wanted(table, asked.text, "text")
    if text is None and not (image or sequence):
        others = {label, group, time, split}
        text = text_among(table, [name for name in table.columns if name not in others], notes)
    return Roles(label, text, image, group, time, sequence, split, tuple(notes))


def wanted(table: Table, name: str | None, option: str) -> str | None:
    """The column that the caller named, in the file's spelling."""
    if name is None:
        return None
    found = by_name(table, (name,))
    if found is None:
        raise JobFailed(
            f"{table.file} has no column '{name}' for --{option}. It has: {', '.join(table.columns)}."
        )
    return found


def by_name(table: Table, names: Iterable[str]) -> str | None:
    """The first of these names that a column has."""
    spelled = {column.casefold(): column for column in reversed(table.columns)}
    return next((spelled[name.casefold()] for name in names if name.casefold() in spelled), None)


def label_by_name(table: Table) -> str:
    """The label's column."""
    names = LABEL_NAMES
    if by_name(table, ("x",)):
        # Beside an x a y is a coordinate.
        names = tuple(name for name in names if name != "y")
    found = by_name(table, names)
    if found is None and is_without_header(table):
        raise JobFailed(
            f"The first line of {table.file} holds numbers and no names of columns. Put a line of names before it, "
            "such as label."
        )
    if found is None:
        raise JobFailed(
            f"{table.file} has no column named {', '.join(names[:-1])} or {names[-1]}. Say which one holds the classes "
            f"(--label), or rename it to label. It has: {', '.join(table.columns) or 'none'}."
        )
    return found


def is_without_header(table: Table) -> bool:
    """Whether most columns are called by a number, as those of a file whose first line is data already."""
    number = numbers_of(table.columns, table.separator)
    return sum(number(name) is not None for name in table.columns) > len(table.columns) / 2


def image_by_name(table: Table) -> str | None:
    """A column of that name whose values are images' paths, or images as Parquet holds them."""
    from model_code.data.image_files import SUFFIXES

    def is_image(value: Any) -> bool:
        if isinstance(value, str):
            return PurePosixPath(value).suffix.lower() in SUFFIXES
        return isinstance(value, dict) and isinstance(value.get("bytes"), bytes)

    for name in IMAGE_NAMES:
        if column := by_name(table, (name,)):
            values = present(table.values(column))
            if values and all(map(is_image, values)):
                return column
    return None


def looks_like_splits(values: Sequence[Any]) -> bool:
    """Whether a column says of every row which part it is of."""
    from model_code.data.splits import SPLIT_NAMES

    return all(isinstance(value, str) and value.strip().casefold() in SPLIT_NAMES for value in values)


def text_among(table: Table, columns: Sequence[str], notes: list[str]) -> str | None:
    """The column that is to be read, if one is."""
    named = by_name(table, ("text",))
    if named in columns:
        return named
    lengths = {name: words_in_the_middle(table.values(name)) for name in columns}
    texts = [name for name in columns if lengths[name] >= WORDS_OF_A_TEXT]
    if not texts:
        return None
    spelled = [name.casefold() for name in texts]
    known = next((texts[spelled.index(name)] for name in TEXT_NAMES if name in spelled), None)
    chosen = known or max(texts, key=lambda name: lengths[name])
    features = [name for name in columns if name not in texts and not is_identifier(name, table.values(name))]
    if known is None and lengths[chosen] < WORDS_BESIDE_OTHERS and len(features) >= 2:
        notes.append(
            f"'{chosen}' holds short texts beside other columns, so this is a table. Else: --text {chosen}."
        )
        return None
    if len(texts) > 1:
        others = " and ".join(f"'{name}'" for name in texts if name != chosen)
        notes.append(f"'{chosen}' is read as the text, and {others} is not; --text names another.")
    elif unread := [name for name in columns if name != chosen]:
        notes.append(f"'{chosen}' is read as the text; not used: {', '.join(unread)}.")
    return chosen


def words_in_the_middle(values: Sequence[Any]) -> float:
    """The median words of a column's values; 0 where they are no words, or most are the same few.

    Two characters of a script without spaces count as a word.
    """
    texts = present(values)
    if not all(isinstance(value, str) for value in texts) or len(set(texts)) * 2 < len(texts):
        return 0.0
    number = numbers_of(texts, "")
    if not texts or any(number(text) is not None for text in texts) or dates_of(texts):
        return 0.0
    return statistics.median(
        len(words) - sum(bool(CHARACTERS.match(word)) for word in words) / 2 for words in map(words_of, texts)
    )


def present(values: Sequence[Any]) -> list[Any]:
    """Values that are there, VALUES_LOOKED_AT of them at most, from all over the column."""
    found = [value for value in values if isinstance(value, dict) or not is_missing(value)]
    return found[:: max(1, len(found) // VALUES_LOOKED_AT)][:VALUES_LOOKED_AT]


def is_identifier(name: str, values: Sequence[Any]) -> bool:
    """Whether a column numbers or names the rows and says nothing else of them."""
    spelled = name.casefold().replace(" ", "_")
    is_named = (
        spelled in IDENTIFIER_NAMES
        or spelled.startswith(("column_1", "unnamed"))
        or name.endswith(("Id", "ID"))
    )
    return (is_named or spelled.endswith("_id")) and len({str(value) for value in values}) == len(values)

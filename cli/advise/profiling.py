"""Measures a data set in a folder or a file and fills in the advisor's answers that can be measured."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.shared.errors import CommandFailed

LABEL_NAMES = ("label", "class", "target", "y")
SAMPLES_OPENED = 200
# A text of one word is more often a category than something to read.
WORDS_OF_A_TEXT = 3


@dataclass(frozen=True)
class Profile:
    """What was measured.

    Attributes:
        answers: for `advisor.Problem`.
        notes: sentences that a reader should know before trusting a comparison on this data.
    """

    answers: dict[str, Any]
    notes: tuple[str, ...]


def profile(path: Path) -> Profile:
    """Measures a folder of images by class, a CSV or JSON Lines file with a label, or an npz with x and y.

    Raises:
        CommandFailed: naming the row or the file that cannot be used.
    """
    from model_code.data.user_files import FILE_SUFFIXES

    if path.is_dir():
        return profile_images(path)
    if path.suffix not in FILE_SUFFIXES:
        raise CommandFailed(f"{path} is neither a folder of images nor a .csv, .jsonl or .npz file.")
    with sentences(path):
        return profile_arrays(path) if path.suffix == ".npz" else profile_rows(path, read_rows(path))


@contextmanager
def sentences(path: Path) -> Iterator[None]:
    """Turns what the readers of `model_code.data.user_files` raise about a file into CommandFailed."""
    from model_code.failures import JobFailed

    try:
        yield
    except JobFailed as failure:
        raise CommandFailed(str(failure)) from failure
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{path} is not UTF-8: byte {error.start} is wrong.") from error


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file with a header, or the objects of a JSON Lines file; see `sentences` for what is raised."""
    from model_code.data.user_files import csv_table, json_objects

    rows = csv_table(path)[1] if path.suffix == ".csv" else json_objects(path)
    return [row for _, row in rows]


def profile_images(folder: Path) -> Profile:
    """A folder with a subfolder of images for each class."""
    from PIL import Image, UnidentifiedImageError

    from model_code.data.user_files import IMAGE_SUFFIXES

    classes = {
        one.name: sorted(file for file in one.rglob("*") if file.suffix.lower() in IMAGE_SUFFIXES)
        for one in sorted(folder.iterdir())
        if one.is_dir()
    }
    empty = [name for name, files in classes.items() if not files]
    if empty:
        raise CommandFailed(f"The folder {folder / empty[0]} holds no PNG or JPEG image.")
    files = [file for found in classes.values() for file in found]
    require_classes(Counter({name: len(found) for name, found in classes.items()}), folder)
    sides = []
    for file in files[:: max(1, len(files) // SAMPLES_OPENED)]:
        try:
            with Image.open(file) as image:
                sides.append(max(image.size))
        except (UnidentifiedImageError, OSError) as error:
            raise CommandFailed(f"{file} is no readable image.") from error
    answers = {
        "modality": "image",
        "task": "classification",
        "image_side_pixels": int(statistics.median(sides)),
    }
    return Profile({**answers, **counts(len(files), len(classes))}, ())


def profile_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Profile:
    """Rows with a label: of texts where a column holds sentences, of series where one is `sequence`, else a table."""
    if not rows:
        raise CommandFailed(f"{path} has no rows.")
    if "sequence" in rows[0]:
        return profile_sequences(path)
    label = next((name for name in LABEL_NAMES if name in rows[0]), None)
    if label is None:
        raise CommandFailed(f"{path} has no column named {', '.join(LABEL_NAMES[:-1])} or {LABEL_NAMES[-1]}.")
    for number, row in enumerate(rows, start=1):
        if set(row) != set(rows[0]):
            raise CommandFailed(f"Example {number} of {path} has other fields than the first one.")
        if row[label] is None or not str(row[label]).strip():
            raise CommandFailed(f"Example {number} of {path} has no {label}.")
    labels = Counter(str(row[label]) for row in rows)
    require_classes(labels, path)
    columns = [name for name in rows[0] if name != label]
    if not columns:
        raise CommandFailed(f"{path} has a label and nothing to tell it from.")
    notes = duplicates(rows)
    texts = [name for name in columns if is_text([row[name] for row in rows])]
    if texts:
        lengths = [len(str(row[texts[0]])) for row in rows]
        answers = {
            "modality": "text",
            "task": "classification",
            "characters_per_item": max(1, int(statistics.median(lengths))),
        }
        return Profile({**answers, **counts(len(rows), len(labels))}, notes)
    numeric = all(is_number(value) for value in labels)
    if numeric and len(labels) > max(20, len(rows) // 5):
        answers = {"modality": "tabular", "task": "regression", "labelled_examples": len(rows)}
        return Profile(answers, notes)
    return Profile({"modality": "tabular", "task": "classification", **counts(len(rows), len(labels))}, notes)


def profile_sequences(path: Path) -> Profile:
    """Series as `model_code.data.user_files` reads them: a list of steps in each object, or a row a step."""
    from model_code.data.user_files import read_plain

    _, samples = read_plain(path)
    labels = Counter(sample.label for sample in samples)
    require_classes(labels, path)
    length = int(statistics.median(len(sample.content) for sample in samples))
    answers = {"modality": "time_series", "task": "classification", "sequence_length": length}
    return Profile({**answers, **counts(len(samples), len(labels))}, ())


def profile_arrays(path: Path) -> Profile:
    """An npz file with x and y: images [N, H, W] or [N, H, W, C] of bytes, series [N, T, D], or a table [N, D]."""
    import numpy as np

    from model_code.data.user_files import load_arrays

    arrays = load_arrays(path)
    x, y = arrays["x"], arrays["y"]
    if y.ndim != 1 or x.ndim not in (2, 3, 4) or len(x) != len(y):
        raise CommandFailed(
            f"{path} has x of shape {x.shape} and y of shape {y.shape}, which do not fit together."
        )
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))[0, 0])
        raise CommandFailed(f"Example {row + 1} of {path} holds a value that is not finite.")
    labels = Counter(y.tolist())
    require_classes(labels, path)
    measured = counts(len(x), len(labels))
    if x.dtype == np.uint8 and x.ndim >= 3:
        side = int(max(x.shape[1:3]))
        return Profile(
            {"modality": "image", "task": "classification", "image_side_pixels": side, **measured}, ()
        )
    if x.ndim == 3:
        length = int(x.shape[1])
        return Profile(
            {"modality": "time_series", "task": "classification", "sequence_length": length, **measured}, ()
        )
    return Profile({"modality": "tabular", "task": "classification", **measured}, ())


def counts(examples: int, classes: int) -> dict[str, int]:
    """How much there is, as answers."""
    return {"labelled_examples": examples, "classes": classes}


def require_classes(labels: Counter, path: Path) -> None:
    """Refuses data from which nothing can be learnt.

    Raises:
        CommandFailed: when there is one class only, or a class with one example.
    """
    if len(labels) < 2:
        raise CommandFailed(
            f"{path} holds {len(labels)} class; at least two are needed to tell one from another."
        )
    if sum(labels.values()) < 3:
        raise CommandFailed(
            f"{path} holds {sum(labels.values())} examples, which are too few to say anything."
        )


def duplicates(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """A note when rows are there more than once: a split between two of them leaks."""
    different = len({json.dumps(row, sort_keys=True) for row in rows})
    if different == len(rows):
        return ()
    return (
        f"{len(rows) - different} of {len(rows)} rows are there more than once; remove them before a split.",
    )


def is_number(value: Any) -> bool:
    """Whether a field reads as a number."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def is_text(values: Sequence[Any]) -> bool:
    """Whether a column holds sentences rather than numbers or categories."""
    words = [value for value in values if isinstance(value, str) and not is_number(value)]
    return bool(words) and statistics.median(len(word.split()) for word in words) >= WORDS_OF_A_TEXT

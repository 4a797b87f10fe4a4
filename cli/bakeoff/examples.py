"""Reads the caller's data set whole, as labelled examples for a bake-off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.examples import Examples
from cli.advise import profiling
from cli.shared.errors import CommandFailed
from model_code.data.images import png
from model_code.data.user_files import Sample, load_arrays, read_plain

SOURCE_NAMES = ("group", "source")
MISSING = ("", "na", "n/a", "nan", "null", "none", "?")
# A column in which so large a share are numbers is one of numbers, and what is none in it is a mistake.
NUMERIC_SHARE = 0.9


def read_examples(path: Path, measured: profiling.Profile) -> Examples:
    """The examples of a folder of images by class, a CSV or JSON Lines file with a label, or an npz with x and y.

    A column or an array named `group` says what an example was taken from, a person for instance: examples of one
    group are never in two parts of a split.

    Args:
        path: of the data.
        measured: its profile, which says what they are examples of.

    Raises:
        CommandFailed: naming the row or the file that cannot be used.
    """
    if measured.answers["task"] != "classification":
        raise CommandFailed(
            f"The label of {path} is a quantity with many values. A bake-off compares classifiers; make classes of it."
        )
    modality = measured.answers["modality"]
    with profiling.sentences(path):
        if path.is_dir() or modality == "time_series" and path.suffix != ".npz":
            return examples_of_samples(modality, read_plain(path)[1])
        if path.suffix == ".npz":
            return read_arrays(path, modality)
        return examples_of_rows(path, profiling.read_rows(path))


def examples_of_samples(modality: str, samples: list[Sample]) -> Examples:
    """Images of a folder by class, every one of which was opened; or series of any lengths."""
    targets, labels = classes_of([sample.label for sample in samples])
    groups = [sample.group for sample in samples]
    sources = None
    if any(group is not None for group in groups):
        without = next((sample for sample in samples if sample.group is None), None)
        if without is not None:
            raise CommandFailed(f"{without.place} has no group, but other samples have one.")
        sources = np.unique(np.array(groups, str), return_inverse=True)[1]
    contents: Any = [sample.content for sample in samples]
    if modality == "time_series" and len({len(one) for one in contents}) == 1:
        contents = np.stack(contents)
    return Examples(modality, contents, targets, labels, sources)


def read_arrays(path: Path, modality: str) -> Examples:
    """An npz file with x and y, and `group` where there are sources."""
    arrays = load_arrays(path)
    x, y, group = arrays["x"], arrays["y"], arrays.get("group")
    if group is not None and group.shape != y.shape:
        raise CommandFailed(f"{path} has group of shape {group.shape} and y of shape {y.shape}.")
    sources = None if group is None else np.unique(group, return_inverse=True)[1]
    targets, labels = classes_of([str(value) for value in y.tolist()])
    if modality == "image":
        flat = x[..., 0] if x.ndim == 4 and x.shape[3] == 1 else x
        return Examples("image", [png(one) for one in flat], targets, labels, sources)
    if modality == "time_series":
        return Examples("time_series", x.astype(np.float32), targets, labels, sources)
    numeric = (True,) * x.shape[1]
    return Examples("tabular", x.astype(np.float64).astype(object), targets, labels, sources, numeric)


def examples_of_rows(path: Path, rows: list[dict[str, Any]]) -> Examples:
    """Rows with a label: their text where a column holds sentences, else their columns."""
    label = next(name for name in profiling.LABEL_NAMES if name in rows[0])
    targets, labels = classes_of([str(row[label]) for row in rows])
    source = next((name for name in SOURCE_NAMES if name in rows[0]), None)
    sources = None
    if source is not None:
        sources = np.unique([str(row[source]) for row in rows], return_inverse=True)[1]
    columns = [name for name in rows[0] if name not in (label, source)]
    texts = [name for name in columns if profiling.is_text([row[name] for row in rows])]
    if texts:
        for number, row in enumerate(rows, start=1):
            if not isinstance(row[texts[0]], str) or not row[texts[0]].strip():
                raise CommandFailed(f"Example {number} of {path} has no {texts[0]}.")
        return Examples("text", [row[texts[0]] for row in rows], targets, labels, sources)
    numeric = []
    table = np.empty((len(rows), len(columns)), object)
    for position, name in enumerate(columns):
        values, is_numeric = column(path, name, [row[name] for row in rows])
        table[:, position] = values
        numeric.append(is_numeric)
    return Examples("tabular", table, targets, labels, sources, tuple(numeric))


def column(path: Path, name: str, values: list[Any]) -> tuple[list[Any], bool]:
    """A column's values, numbers with NaN or words with None where one is missing; and whether they are numbers.

    Raises:
        CommandFailed: naming the row whose value is no number in a column of numbers, or no plain value.
    """
    for number, value in enumerate(values, start=1):
        if isinstance(value, list | dict):
            raise CommandFailed(
                f"{name} of example {number} of {path} is no plain value but a list or an object."
            )
    missing = [value is None or str(value).strip().casefold() in MISSING for value in values]
    numbers = [not gone and profiling.is_number(value) for value, gone in zip(values, missing, strict=True)]
    present = len(values) - sum(missing)
    if sum(numbers) < NUMERIC_SHARE * present or not present:
        return [None if gone else str(value) for value, gone in zip(values, missing, strict=True)], False
    for number, (value, gone, fits) in enumerate(zip(values, missing, numbers, strict=True), start=1):
        if not gone and not fits:
            raise CommandFailed(
                f"{name} of example {number} of {path} is '{str(value)[:40]}', and nearly all others are numbers. "
                "Correct it, or leave it empty."
            )
        if not gone and not np.isfinite(float(value)):
            raise CommandFailed(f"{name} of example {number} of {path} is not finite.")
    return [np.nan if gone else float(value) for value, gone in zip(values, missing, strict=True)], True


def classes_of(names: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Positions of the classes, int32 [N], and their names in order."""
    labels, targets = np.unique(np.array(names), return_inverse=True)
    return targets.astype(np.int32), tuple(str(label) for label in labels)

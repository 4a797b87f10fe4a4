"""Makes the features of a table: numbers, dates taken apart, and words; a row's number or name is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from model_code.data.columns import NUMERIC_SHARE, Roles, is_identifier
from model_code.data.samples import TableColumn
from model_code.data.tables import Table
from model_code.data.values import dates_of, is_missing, numbers_of
from model_code.failures import JobFailed

PARTS_OF_A_DATE = ("year", "month", "day", "weekday", "hour")


def rows_as_arrays(
    table: Table, roles: Roles, notes: list[str]
) -> tuple[tuple[TableColumn, ...], list[np.ndarray]]:
    """The features, and the rows as object arrays of floats (NaN where missing) and words (None where missing).

    Args:
        table: the rows.
        roles: columns that have one are no features.
        notes: takes sentences about columns that are left out or taken apart.

    Raises:
        JobFailed: naming the value that is no number in a column of numbers, or no plain value; or when there is no
            feature.
    """
    columns: list[TableColumn] = []
    features: list[Sequence[float | str | None]] = []
    for name in table.columns:
        if name in roles.taken():
            continue
        values = table.values(name)
        if is_identifier(name, values):
            notes.append(f"'{name}' numbers or names the rows, so nothing is learnt from it.")
            continue
        for part, numeric, found in features_of(table, name, values):
            columns.append(TableColumn(part, numeric))
            features.append(found)
        if columns and columns[-1].name.startswith(f"{name}: "):
            notes.append(f"'{name}' holds dates, of which year, month, day, weekday and hour are used.")
    if not columns:
        raise JobFailed(f"{table.file} has a label and nothing to tell it from.")
    rows = np.empty((len(table.rows), len(columns)), object)
    for position, feature in enumerate(features):
        rows[:, position] = feature
    return tuple(columns), list(rows)


def features_of(
    table: Table, name: str, values: list[Any]
) -> list[tuple[str, bool, Sequence[float | str | None]]]:
    """What one column gives: name, whether it is of numbers, and values; see `rows_as_arrays` for what is raised."""
    missing = [is_missing(value) for value in values]
    for (place, _), value in zip(table.rows, values, strict=True):
        if isinstance(value, list | dict):
            raise JobFailed(f"{place} holds no plain value but a list or an object in '{name}'.")
    number = numbers_of(values, table.separator)
    numbers = [None if gone else number(value) for value, gone in zip(values, missing, strict=True)]
    count, present = sum(value is not None for value in numbers), len(values) - sum(missing)
    if present and count >= NUMERIC_SHARE * present:
        for (place, _), value, found, gone in zip(table.rows, values, numbers, missing, strict=True):
            if not gone and found is None:
                raise JobFailed(
                    f"{place} holds '{str(value)[:40]}' in '{name}', and nearly all others are numbers. Correct it, or "
                    "leave it empty."
                )
            if found is not None and not np.isfinite(found):
                raise JobFailed(f"{place} holds a number in '{name}' that is not finite.")
        return [(name, True, [np.nan if value is None else value for value in numbers])]
    if date := dates_of([value for value, gone in zip(values, missing, strict=True) if not gone]):
        moments = [None if gone else date(value) for value, gone in zip(values, missing, strict=True)]
        parts = [
            [np.nan] * 5
            if moment is None
            else [moment.year, moment.month, moment.day, moment.weekday(), moment.hour]
            for moment in moments
        ]
        return [
            (f"{name}: {part}", True, [float(row[position]) for row in parts])
            for position, part in enumerate(PARTS_OF_A_DATE)
        ]
    words = [None if gone else str(value) for value, gone in zip(values, missing, strict=True)]
    return [(name, False, words)]

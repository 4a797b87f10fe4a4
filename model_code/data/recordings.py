"""Makes sequences of a table whose rows are steps: in the order of time, without columns that are no channels."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from definitions.counts import counted
from model_code.data.columns import NUMERIC_SHARE, Roles, is_identifier
from model_code.data.samples import LeftOut, Sample
from model_code.data.splits import SPLIT_NAMES
from model_code.data.tables import Table
from model_code.data.values import Numbers, dates_of, is_missing, label_name, numbers_of, seconds_of
from model_code.failures import JobFailed

# A step that is so many times the usual one is a gap.
GAP_STEPS = 5

Step = tuple[str, dict[str, Any], float | None]
"""A row's place and values, and its time."""


def sequences_in(
    table: Table, roles: Roles, notes: list[str], as_recordings: bool = False
) -> Iterator[Sample | LeftOut]:
    """The sequences of a table with a row for each step.

    Rows with the same value of `sequence`, and of the group where there is one, are a sequence. Without that column
    one reaches as far as group and label stay the same and time has no gap.

    Args:
        table: the rows.
        roles: of its columns.
        notes: takes sentences about rates, gaps and columns that are no channels.
        as_recordings: windows will be cut from them, so a sequence with a gap becomes several, which are its group
            where there is no other.

    Raises:
        JobFailed: naming the first row that cannot be used.
    """
    channels = channels_of(table, roles, notes)
    times = times_of(table, roles)
    recordings: dict[tuple, list[Step]] = {}
    for (place, row), time in zip(table.rows, times, strict=True):
        group = row.get(roles.group) if roles.group else None
        key = (group, row.get(roles.sequence)) if roles.sequence else (group,)
        recordings.setdefault(key, []).append((place, row, time))
    if roles.time:
        for steps in recordings.values():
            # A sort keeps the order of steps of one time.
            steps.sort(key=lambda step: step[2] or 0.0)
        note_rates(table, list(recordings.values()), roles.time, notes)
    cuts = as_recordings and roles.time is not None
    for key, steps in recordings.items():
        for part in runs_of(steps, roles) if cuts or roles.sequence is None else [steps]:
            sample = sequence_of(part, roles, channels)
            yield (
                replace(sample, group=str(key[-1])) if cuts and roles.sequence and not roles.group else sample
            )


def channels_of(table: Table, roles: Roles, notes: list[str]) -> dict[str, Numbers]:
    """The columns of numbers that no role has, and how each is read; a note names the others."""
    channels, others = {}, []
    for name in table.columns:
        if name in roles.taken():
            continue
        values = [value for value in table.values(name) if not is_missing(value)]
        number = numbers_of(values, table.separator)
        wrong = sum(number(value) is None for value in values)
        # Among few values one that is no number is a mistake, which is named with its row.
        is_of_words = wrong and (wrong == len(values) or wrong > max(1, (1 - NUMERIC_SHARE) * len(values)))
        if is_of_words or is_identifier(name, table.values(name)) or values and dates_of(values[:100]):
            others.append(name)
        else:
            channels[name] = number
    if others:
        notes.append(f"No channels, because they hold no measured numbers: {', '.join(others)}.")
    if not channels:
        raise JobFailed(f"{table.file} has no column of numbers that could be a channel of its sequences.")
    return channels


def times_of(table: Table, roles: Roles) -> list[float | None]:
    """Each row's time as a number, or None where there is no such column.

    Raises:
        JobFailed: naming the first row without a time.
    """
    if roles.time is None:
        return [None] * len(table.rows)
    values = table.values(roles.time)
    number = numbers_of(values, table.separator)
    date = dates_of([value for value in values if number(value) is None])
    times = []
    for (place, _), value in zip(table.rows, values, strict=True):
        time = number(value)
        moment = date(value) if time is None and date else None
        if time is None and moment is None:
            raise JobFailed(
                f"{place} holds '{str(value)[:40]}' in the column '{roles.time}', which is neither a number nor a date "
                "of the form that the others have."
            )
        times.append(time if moment is None else seconds_of(moment))
    return times


def note_rates(table: Table, recordings: list[list[Step]], column: str, notes: list[str]) -> None:
    """Says how far apart the steps are, and where they are much further."""
    pairs = [
        (after[2] - before[2], after[0])
        for steps in recordings
        for before, after in itertools.pairwise(steps)
        if before[2] is not None and after[2] is not None
    ]
    if not pairs:
        return
    usual = statistics.median(interval for interval, _ in pairs)
    notes.append(f"Steps are in the order of '{column}', {usual:g} apart as a rule.")
    gaps = [place for interval, place in pairs if interval > GAP_STEPS * usual > 0]
    if gaps:
        where = gaps[0].removeprefix(f"{table.file} ")
        notes.append(
            f"{counted(len(gaps), 'gap is', 'gaps are')} longer than {GAP_STEPS} such steps, the first before {where}."
        )


def runs_of(steps: list[Step], roles: Roles) -> Iterator[list[Step]]:
    """The parts of a group's steps in which the label stays and time has no gap."""
    intervals = [(after[2] or 0.0) - (before[2] or 0.0) for before, after in itertools.pairwise(steps)]
    usual = statistics.median(intervals) if intervals else 0.0
    run = steps[:1]
    for (before, after), interval in zip(itertools.pairwise(steps), intervals, strict=True):
        if before[1][roles.label] != after[1][roles.label] or interval > GAP_STEPS * usual > 0:
            yield run
            run = []
        run.append(after)
    yield run


def sequence_of(steps: list[Step], roles: Roles, channels: dict[str, Numbers]) -> Sample:
    """One sequence of its steps.

    Raises:
        JobFailed: naming the step whose label is another, or whose value is no number.
    """
    place, first, time = steps[0]
    label = first.get(roles.label)
    for other, row, _ in steps:
        if row.get(roles.label) != label:
            raise JobFailed(f"{other} has another label or group than the same sequence's first step.")
    values = np.full((len(steps), len(channels)), np.nan, np.float32)
    for position, (where, row, _) in enumerate(steps):
        for channel, (name, number) in enumerate(channels.items()):
            value = row.get(name)
            if not is_missing(value):
                found = number(value)
                if found is None:
                    raise JobFailed(f"{where} holds '{str(value)[:40]}' where a number has to be.")
                values[position, channel] = found
    group = first.get(roles.group) if roles.group else None
    split = first.get(roles.split) if roles.split else None
    return Sample(
        values,
        label_name(label, place),
        None if is_missing(group) else str(group),
        place,
        SPLIT_NAMES[split.strip().casefold()] if split else None,
        time,
    )

"""Cuts recordings of sensors into windows, and tells of those that are too short for one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from definitions.counts import counted
from model_code.data.samples import Sample, UserData
from model_code.failures import JobFailed


def usual_stride(window: int) -> int:
    """Steps from one window to the next, where nobody says it: half a window."""
    return max(1, window // 2)


def require_sequences(data: UserData) -> None:
    """Refuses to cut what is no sequence: JobFailed."""
    if data.feature != "sequence":
        raise JobFailed(
            f"{data.source} holds a {data.feature} in each sample; only sequences can be cut into windows."
        )


def without_short(data: UserData, window: int) -> UserData:
    """The recordings that hold a window at least; a note tells of the others.

    Raises:
        JobFailed: when the others have most of the steps, or all of a class.
    """
    long = [sample for sample in data.samples if len(sample.sequence) >= window]
    short = [sample for sample in data.samples if len(sample.sequence) < window]
    if not short:
        return data
    steps = [sum(len(sample.sequence) for sample in some) for some in (long, short)]
    first = f"{short[0].place} with {counted(len(short[0].sequence), 'step')}"
    told = f"{len(short):,} of {counted(len(data.samples), 'sequence')} are shorter than one window of {window:,}"
    if steps[1] > steps[0]:
        raise JobFailed(
            f"{told}, such as {first}. A recording ends where its label changes or time has a gap: say what was "
            "recorded together (--group), or take shorter windows."
        )
    if lost := sorted({sample.label for sample in short} - {sample.label for sample in long}):
        raise JobFailed(f"No sequence of the class '{lost[0]}' is as long as one window of {window:,} steps.")
    note = f"{told} and left out, with {steps[1] / sum(steps):.1%} of the steps; the first is {first}."
    return replace(data, samples=long, notes=(*data.notes, note))


def windows_of(sample: Sample, window: int, stride: int) -> Iterator[Sample]:
    """The windows of a recording that is as long as one at least."""
    steps = sample.sequence
    for start in range(0, len(steps) - window + 1, stride):
        yield replace(sample, content=steps[start : start + window])


def windowed(data: UserData, window: int) -> UserData:
    """Data whose recordings are cut; where they have no group, each is that of its windows.

    Raises:
        JobFailed: see `require_sequences` and `without_short`.
    """
    require_sequences(data)
    long = without_short(data, window)
    grouped = (
        sample if sample.group else replace(sample, group=f"recording {number}")
        for number, sample in enumerate(long.samples)
    )
    samples = [one for sample in grouped for one in windows_of(sample, window, usual_stride(window))]
    return replace(long, samples=samples)

"""Labelled examples in memory, in the one form that every candidate takes."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Examples:
    """Examples of one modality with their classes.

    Attributes:
        modality: image, text, time_series or tabular.
        contents: N of them: encoded PNG or JPEG files, texts, float32 series [N, T, D] or N of [steps, D] where their
            lengths differ, or table rows, an object array [N, columns] of floats (NaN where missing) and words (None
            where missing).
        targets: int32 [N], positions in `labels`.
        labels: the classes' names.
        sources: what an example was taken from (a person, a machine), int [N]; examples of one source must not be in
            two parts of a split. None where every example stands for itself.
        numeric: for a table, whether each column holds numbers.
        columns: for a table, their names.
        times: by which the latest examples test and the others train, float [N]; None leaves that to chance.
    """

    modality: str
    contents: Sequence[Any] | np.ndarray
    targets: np.ndarray
    labels: tuple[str, ...]
    sources: np.ndarray | None = None
    numeric: tuple[bool, ...] = ()
    columns: tuple[str, ...] = ()
    times: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, positions: np.ndarray) -> Examples:
        """The examples at these positions."""
        contents = self.contents
        taken = contents[positions] if isinstance(contents, np.ndarray) else [contents[i] for i in positions]
        sources, times = (None if one is None else one[positions] for one in (self.sources, self.times))
        targets = self.targets[positions]
        return dataclasses.replace(self, contents=taken, targets=targets, sources=sources, times=times)


def fingerprints(examples: Examples) -> list[bytes]:
    """A digest of each example's content; texts that differ in case or white space only have the same."""
    return [hashlib.sha256(canonical(examples.modality, content)).digest() for content in examples.contents]


def canonical(modality: str, content: Any) -> bytes:
    """The bytes that make two contents the same example."""
    if modality == "text":
        return " ".join(content.split()).casefold().encode("utf-8", "surrogatepass")
    if modality == "tabular":
        return repr(content.tolist()).encode("utf-8", "surrogatepass")
    if modality == "time_series":
        return np.ascontiguousarray(content).tobytes()
    return content

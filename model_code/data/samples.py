"""Labelled samples, and what becomes of those that cannot be used: named and left out, or too many of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from model_code.data.image_files import NoImage, network_file
from model_code.failures import JobFailed

# More than one in so many is no accident any more: then the whole is refused.
MOST_LEFT_OUT_SHARE = 0.01
# A label of so many different numbers is rather a quantity: more than these, and more than one in five samples.
MOST_NUMBERED_CLASSES, MOST_NUMBERED_SHARE = 20, 0.2


@dataclass(frozen=True)
class Sample:
    """One labelled sample.

    Attributes:
        content: an image's file, to be read with `image_of`, or its bytes; UTF-8; a float32 sequence [steps, channels];
            or a table's row, an object array [columns] of floats (NaN where missing) and words (None where missing).
        label: its class's name.
        group: what it was taken from, or None.
        place: where it stands, for a sentence about it.
        split: train, validation or test where the data says it.
        time: a number that orders the samples, or None.
    """

    content: bytes | np.ndarray | Path
    label: str
    group: str | None
    place: str
    split: str | None = None
    time: float | None = None

    @property
    def encoded(self) -> bytes:
        """An image's file or a text's UTF-8.

        Raises:
            OSError: when the file cannot be read.
            TypeError: when it is neither.
        """
        if isinstance(self.content, Path):
            return self.content.read_bytes()
        if not isinstance(self.content, bytes):
            raise TypeError(f"{self.place} is neither an image nor a text.")
        return self.content

    @property
    def sequence(self) -> np.ndarray:
        """A sequence [steps, channels]; TypeError when it is none."""
        if not isinstance(self.content, np.ndarray):
            raise TypeError(f"{self.place} is no sequence.")
        return self.content

    @cached_property
    def digest(self) -> bytes:
        """Of the content: equal for copies."""
        if isinstance(self.content, Path):
            with self.content.open("rb") as file:
                return hashlib.file_digest(file, "sha256").digest()
        if isinstance(self.content, bytes):
            return hashlib.sha256(self.content).digest()
        if self.content.dtype == object:
            return hashlib.sha256(repr(self.content.tolist()).encode("utf-8", "replace")).digest()
        shape = str(self.content.shape).encode()
        return hashlib.sha256(shape + np.ascontiguousarray(self.content).tobytes()).digest()


@dataclass(frozen=True)
class LeftOut:
    """A sample that cannot be used.

    Attributes:
        place: where it stands.
        reason: what is wrong, as the end of a sentence that begins with the place, without its full stop.
    """

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place} {self.reason}."


@dataclass(frozen=True)
class TableColumn:
    """A feature of a table: its name, and whether it holds numbers."""

    name: str
    is_numeric: bool


@dataclass(frozen=True)
class UserData:
    """Labelled data of one modality.

    Attributes:
        source: the folder or file.
        feature: `image`, `text`, `sequence` or `table`.
        samples: N of them.
        left_out: what cannot be used.
        notes: sentences about how it was read, and what was chosen.
        columns: of a table.
    """

    source: Path
    feature: str
    samples: list[Sample]
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    columns: tuple[TableColumn, ...] = ()

    @property
    def has_quantities(self) -> bool:
        """Whether the label is a number to be estimated rather than one of some classes."""
        labels = {sample.label for sample in self.samples}
        most = max(MOST_NUMBERED_CLASSES, MOST_NUMBERED_SHARE * len(self.samples))
        return len(labels) > most and all(is_number(label) for label in labels)


def is_number(label: str) -> bool:
    """Whether a label reads as a number."""
    try:
        float(label)
    except ValueError:
        return False
    return True


def sorted_out(found: Iterable[Sample | LeftOut], source: Path) -> tuple[list[Sample], list[LeftOut]]:
    """The samples, and those that are left out.

    Raises:
        JobFailed: when there is no sample; and see `require_few`.
    """
    samples: list[Sample] = []
    left_out: list[LeftOut] = []
    for one in found:
        if isinstance(one, Sample):
            samples.append(one)
        else:
            left_out.append(one)
    require_few(left_out, len(samples) + len(left_out))
    if not samples:
        raise JobFailed(f"{source} holds no sample.")
    return samples, left_out


def require_few(left_out: list[LeftOut], total: int) -> None:
    """Refuses data of which too much cannot be used.

    Raises:
        JobFailed: naming the first three, when they are more than MOST_LEFT_OUT_SHARE.
    """
    if len(left_out) > MOST_LEFT_OUT_SHARE * total:
        named = " ".join(map(str, left_out[:3]))
        raise JobFailed(
            f"{named} {len(left_out):,} of {total:,} samples cannot be used, and at most 1 % are left out. Mend or "
            "remove them."
        )


def image_of(sample: Sample) -> bytes:
    """An image sample as a PNG or JPEG file for the networks.

    Raises:
        NoImage: when it cannot be decoded.
    """
    try:
        content = sample.encoded
    except OSError as error:
        raise NoImage(f"cannot be read: {error.strerror or error}") from error
    return network_file(content, sample.content.name if isinstance(sample.content, Path) else "")

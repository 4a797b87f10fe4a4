"""Reads labelled arrays from npz files: images, sequences or a table, in one part or by splits."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data.archives import MOST_FILES, most_unpacked_bytes
from model_code.data.images import png
from model_code.data.samples import Sample, TableColumn, UserData
from model_code.data.splits import SPLIT_NAMES
from model_code.data.values import label_name
from model_code.failures import JobFailed

ROLES = {
    **dict.fromkeys(("x", "images", "sequences", "data"), "x"),
    **dict.fromkeys(("y", "labels", "label", "target", "targets"), "y"),
    "group": "group",
}
"""What the arrays of a part are called: as here, and in Keras's `mnist.npz`, MedMNIST and others."""
COLOURS = (1, 3)
LEAST_SIDE = 8
"""Of grey images among numbers [N, H, W]: scikit-learn's digits have that; sensors seldom have so many channels."""

# As numpy.savez and numpy.savez_compressed write; the others of zip unpack in steps without bound.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What Python's reader of zip and NumPy's of a header, which is a Python literal, raise at damaged bytes.
DAMAGED = (
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, SyntaxError, EOFError, MemoryError),
    *(ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError),
)


@dataclass(frozen=True)
class Part:
    """The arrays of one split.

    Attributes:
        split: its name; None where the file has no splits.
        x: N samples.
        y: N labels.
        groups: N names, or None.
        called: what x is called in the file.
    """

    split: str | None
    x: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None
    called: str


def read_arrays(file: Path) -> UserData:
    """The samples of an npz file."""
    notes: list[str] = []
    found = parts_of(file)
    found = [replace(part, x=part.x[..., np.newaxis]) for part in found] if are_grey(found, notes) else found
    highest = max((float(part.x.max(initial=0)) for part in found if part.x.dtype.kind in "fiu"), default=0.0)
    parts = [(part, as_images(file, part, highest, notes)) for part in found]
    (_, first), *others = parts
    if other := next((x for _, x in others if x.shape[1:] != first.shape[1:]), None):
        raise JobFailed(
            f"{file} holds samples of the shapes {list(first.shape[1:])} and {list(other.shape[1:])}."
        )
    feature = feature_of(file, parts[0][0].called, first)
    columns: tuple[TableColumn, ...] = ()
    if feature == "table":
        columns = tuple(TableColumn(f"column {position}", True) for position in range(1, first.shape[1] + 1))
        notes.append(
            f"x {list(first.shape)} is read as a table. If its rows are series of one channel, give it the shape "
            f"[{first.shape[0]}, {first.shape[1]}, 1]."
        )
    samples = [sample for part, x in parts for sample in samples_of(file, part, x, feature)]
    return UserData(file, feature, samples, (), tuple(dict.fromkeys(notes)), columns)


def are_grey(parts: Sequence[Part], notes: list[str]) -> bool:
    """Whether numbers [N, A, B] are grey images rather than sequences of A steps of B channels; a note says why.

    The array's name decides where it says `images` or `sequences`. Else square samples with sides of LEAST_SIDE at
    least are images where all numbers are from 0 to 1, or whole and from 0 to 255.
    """
    if any(part.x.ndim != 3 or part.x.dtype.kind not in "fiu" for part in parts):
        return False
    if all(part.x.dtype == np.uint8 for part in parts):
        return False
    called, (_, height, width) = parts[0].called, parts[0].x.shape
    shape = f"{called} {list(parts[0].x.shape)}"
    words = called.casefold().split("_")
    if "sequences" in words:
        return False
    if "images" in words:
        notes.append(f"{shape} is read as grey images, by its name.")
        return True
    is_square = height == width >= LEAST_SIDE
    if is_square and (values := values_of_pixels(parts)):
        meant = "_".join("sequences" if ROLES.get(word) == "x" else word for word in words)
        notes.append(
            f"{shape} is read as grey images: it is square, and its numbers are {values}. If they are sequences of "
            f"{height} steps with {width} channels, name the array {meant}."
        )
        return True
    why = (
        "its numbers are none of pixels"
        if is_square
        else f"it is not square with sides of {LEAST_SIDE} at least"
    )
    notes.append(
        f"{shape} is read as sequences of {height} steps with {width} channels: {why}. If they are grey images, give "
        f"it the shape [{len(parts[0].x)}, {height}, {width}, 1]."
    )
    return False


def values_of_pixels(parts: Sequence[Part]) -> str | None:
    """Which numbers of pixels all parts hold, in words; None where some are none of pixels."""
    arrays = [part.x for part in parts if part.x.size]
    if not arrays or not all(x.min() >= 0 for x in arrays):
        return None
    if all(x.max() <= 1 for x in arrays):
        return "from 0 to 1"
    is_whole = all(x.max() <= 255 and bool((x == np.round(x)).all()) for x in arrays)
    return "whole and from 0 to 255" if is_whole else None


def feature_of(file: Path, called: str, x: np.ndarray) -> str:
    """What the samples are."""
    if x.dtype == np.uint8 and (x.ndim == 3 or x.ndim == 4 and x.shape[-1] == 3):
        return "image"
    if x.ndim in (2, 3) and x.dtype.kind in "fiu":
        return "sequence" if x.ndim == 3 else "table"
    raise JobFailed(
        f"The array {called} of {file} is {x.dtype} {list(x.shape)}; it has to be images [N, H, W, 3] or [N, H, W, 1], "
        "uint8 images [N, H, W], numbers [N, steps, channels], or a table of numbers [N, columns]."
    )


def as_images(file: Path, part: Part, highest: float, notes: list[str]) -> np.ndarray:
    """Four-dimensional numbers as uint8 images [N, H, W] or [N, H, W, 3]; all else as it is. See `as_bytes`."""
    x = part.x
    if x.ndim != 4 or x.dtype.kind not in "fiu":
        return x
    if x.shape[-1] not in COLOURS and x.shape[1] in COLOURS:
        notes.append(f"{part.called} {list(x.shape)} has its channels first, as PyTorch has them.")
        x = x.transpose(0, 2, 3, 1)
    if x.shape[-1] not in COLOURS:
        return x
    if x.dtype != np.uint8:
        x = as_bytes(file, part.called, x, highest, notes)
    return x[..., 0] if x.shape[-1] == 1 else x


def as_bytes(file: Path, called: str, x: np.ndarray, highest: float, notes: list[str]) -> np.ndarray:
    """Images of other numbers in 8 bits; `highest` is the largest of all parts."""
    low = float(x.min(initial=0))
    if not (low >= 0 and highest <= 255):
        raise JobFailed(
            f"The images {called} of {file} hold values from {low:.4g} to {highest:.4g}. Give them as they were before "
            "they were standardised: from 0 to 1, or from 0 to 255."
        )
    factor = 255 if highest <= 1 else 1
    notes.append(
        f"The images {called} are numbers up to {highest:.4g}; times {factor} they are read as 8 bits."
    )
    return np.round(x * factor).astype(np.uint8)


def samples_of(file: Path, part: Part, x: np.ndarray, feature: str) -> list[Sample]:
    """A part's samples."""
    samples = []
    for position, one in enumerate(x):
        place = f"{file} {part.called}[{position}]"
        group = None if part.groups is None else str(part.groups[position])
        sample: Any = png(one) if feature == "image" else one.astype(np.float32)
        if feature == "table":
            if not np.isfinite(one).all():
                raise JobFailed(f"{place} holds a value that is not finite.")
            sample = one.astype(np.float64).astype(object)
        samples.append(Sample(sample, label_name(part.y[position].item(), place), group, place, part.split))
    return samples


def parts_of(file: Path) -> list[Part]:
    """The arrays of an npz file by splits.

    Raises:
        JobFailed: when it is no such file, or a part lacks its samples or a label for each.
    """
    content = load_arrays(file)
    named: dict[str | None, dict[str, str]] = {}
    for name in content:
        words = name.casefold().split("_")
        split = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)
        role = next((ROLES[word] for word in words if word in ROLES), None)
        if role and len(words) <= 2:
            named.setdefault(split, {})[role] = name
    parts = []
    for split, names in named.items():
        x, y, groups = (content.get(names.get(role, "")) for role in ("x", "y", "group"))
        if y is not None and y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        # Samples without a value take no byte, so a small file could tell of any number of them.
        if x is None or not x.ndim or (len(x) and not x.nbytes):
            break
        if y is None or any(one.shape != (len(x),) for one in (y, groups) if one is not None):
            break
        parts.append(Part(split, x, y, groups, names["x"]))
    else:
        if parts and (len(parts) == 1 or None not in named):
            if not any(len(part.x) for part in parts):
                raise JobFailed(f"{file} holds no sample.")
            return parts
    raise JobFailed(
        f"{file} needs the arrays x and y, of one length, and y of one label a sample; or x_train, y_train, x_test and "
        f"y_test. It holds {', '.join(f'{name} {list(one.shape)}' for name, one in content.items())}."
    )


def load_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays of an npz file by name.

    Pickled objects in it are refused, since reading them can run anything.

    Raises:
        JobFailed: when it is no such file, or would unpack beyond the bounds.
        OSError: when it cannot be opened.
    """
    with file.open("rb") as content:
        try:
            with zipfile.ZipFile(content) as archive:
                require_bounds(file, archive.infolist())
                return {
                    member.filename.removesuffix(".npy"): array_of(archive, member)
                    for member in archive.infolist()
                }
        except DAMAGED as error:
            raise JobFailed(
                f"{file} cannot be read as arrays of numbers or strings ({type(error).__name__})."
            ) from error


def require_bounds(file: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Refuses an npz file by its directory; no more than that tells is read of any member afterwards.

    Raises:
        JobFailed: when it has too many arrays, or arrays too large for it, or is compressed in another way.
    """
    if len(members) > MOST_FILES:
        raise JobFailed(f"{file} holds {len(members):,} arrays; {MOST_FILES:,} at most are read.")
    if any(member.compress_type not in COMPRESSIONS for member in members):
        raise JobFailed(f"{file} is compressed as NumPy compresses nothing. Save it with numpy.savez.")
    unpacked, most = sum(member.file_size for member in members), most_unpacked_bytes(file.stat().st_size)
    if unpacked > most:
        raise JobFailed(
            f"{file} unpacks to {unpacked:,} bytes; {most:,} at most are read of a file of its size. Save fewer "
            "samples, or save them with numpy.savez, which does not compress."
        )


def array_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """One array; one of DAMAGED when it cannot be read."""
    with archive.open(member) as content:
        return np.lib.format.read_array(content, allow_pickle=False)

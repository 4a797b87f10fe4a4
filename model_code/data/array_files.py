"""Reads labelled arrays from npz files: images, sequences or a table."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data.images import png
from model_code.data.samples import Sample, TableColumn, UserData
from model_code.data.values import label_name
from model_code.failures import JobFailed


def read_arrays(file: Path) -> UserData:
    """The samples of an npz file."""
    content = load_arrays(file)
    x, y, groups = content["x"], content["y"], content.get("group")
    if x.dtype == np.uint8 and x.ndim == 4 and x.shape[-1] == 1:
        x = x[..., 0]
    columns: tuple[TableColumn, ...] = ()
    notes: tuple[str, ...] = ()
    if x.dtype == np.uint8 and (x.ndim == 3 or x.ndim == 4 and x.shape[-1] == 3):
        feature = "image"
    elif x.ndim in (2, 3) and x.dtype.kind in "fiu":
        feature = "sequence" if x.ndim == 3 else "table"
    else:
        raise JobFailed(
            f"The array x of {file} is {x.dtype} {list(x.shape)}; it has to be uint8 images [N, H, W] or [N, H, W, 3], "
            "numbers [N, steps, channels], or a table of numbers [N, columns]."
        )
    if feature == "table":
        columns = tuple(TableColumn(f"column {position}", True) for position in range(1, x.shape[1] + 1))
        notes = (
            f"x {list(x.shape)} is read as a table. If its rows are series of one channel, give it the shape "
            f"[{x.shape[0]}, {x.shape[1]}, 1].",
        )
    samples = []
    for position, one in enumerate(x):
        place = f"{file} x[{position}]"
        group = None if groups is None else str(groups[position])
        sample: Any = png(one) if feature == "image" else one.astype(np.float32)
        if feature == "table":
            if not np.isfinite(one).all():
                raise JobFailed(f"{place} holds a value that is not finite.")
            sample = one.astype(np.float64).astype(object)
        samples.append(Sample(sample, label_name(y[position].item(), place), group, place))
    return UserData(file, feature, samples, (), notes, columns)


def load_arrays(file: Path) -> dict[str, np.ndarray]:
    """The arrays x, y and, where there is one, group of an npz file, of one length.

    Pickled objects in it are refused, since reading them can run anything.

    Raises:
        JobFailed: when it is no such file.
        OSError: when it cannot be read.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            content = {name: arrays[name] for name in arrays.files}
    except (ValueError, EOFError, zipfile.BadZipFile, MemoryError) as error:
        raise JobFailed(
            f"{file} cannot be read as arrays of numbers or strings ({type(error).__name__})."
        ) from error
    x, y, groups = content.get("x"), content.get("y"), content.get("group")
    if x is None or y is None or any(one.shape != (len(x),) for one in (y, groups) if one is not None):
        raise JobFailed(
            f"{file} needs the arrays x and y, of one length, and y of one label a sample; it holds "
            f"{', '.join(f'{name} {list(one.shape)}' for name, one in content.items())}."
        )
    if not len(x):
        raise JobFailed(f"{file} holds no sample.")
    return content

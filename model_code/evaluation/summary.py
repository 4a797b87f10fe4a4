"""What a person is shown of an evaluation on a page: its figures and its surest mistakes, within bounds.

Whoever reads it carries it in one answer, whatever the number of classes and the size of the samples.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from definitions.metrics import METRICS
from model_code.data.images import png
from model_code.evaluation.importance import upright_pixels
from model_code.markup import shortened

if TYPE_CHECKING:
    from model_code.data.records import Split

CLASSES_SHOWN = 20
MISTAKES_SHOWN = 12
# A PNG file of so many pixels a side has at most 28 kB.
PICTURE_PIXELS = 96
TEXT_CHARACTERS = 400
CHANNELS_SHOWN = 6
POINTS_SHOWN = 120
NAME_CHARACTERS = 80


def summary_of(report: dict[str, Any], split: Split) -> dict[str, Any]:
    """The summary as plain JSON values.

    Args:
        report: as `evaluation.json` has it.
        split: that was measured, N samples.

    Returns:
        `metric`, in words, with `score` and `samples`; `figures` by name, each with `value` and `interval_95`;
        `classes`, CLASSES_SHOWN of `classes_in_all` at most, those with the least F1 first; `matrix`, where there are
        no more classes than that; `mistakes`, the surest first, each with its picture, text or lines.
    """
    (metrics,) = [value for name, value in report.items() if name.endswith("classification_metrics")]
    counts, labels = metrics["confusion_matrix"], report["labels"]
    worst = sorted(labels, key=lambda label: metrics["per_class"][label]["f1"])[:CLASSES_SHOWN]
    matrix = {
        "labels": [shortened(label, NAME_CHARACTERS) for label in labels],
        "counts": [[counts[truth][label] for label in labels] for truth in labels],
    }
    return {
        "metric": METRICS[report["metric"]],
        "score": report["score"],
        "samples": report["samples"],
        "figures": {
            name: {"value": figure["value"], "interval_95": figure["interval_95"]}
            for name, figure in metrics.items()
            if "interval_95" in figure
        },
        "classes": [
            {"label": shortened(label, NAME_CHARACTERS), **metrics["per_class"][label]} for label in worst
        ],
        "classes_in_all": len(labels),
        "matrix": matrix if len(labels) <= CLASSES_SHOWN else None,
        "mistakes": [mistake(row, split) for row in report["worst_mistakes"][:MISTAKES_SHOWN]],
    }


def mistake(row: dict[str, Any], split: Split) -> dict[str, Any]:
    """One of the report's mistakes, with what the model was shown."""
    place = row.get("place", f"number {row['position']} of the split")
    return {
        "label": shortened(row["label"], NAME_CHARACTERS),
        "answer": shortened(row["answer"], NAME_CHARACTERS),
        "score": row["score"],
        "place": shortened(place, NAME_CHARACTERS),
        **glimpse(split.samples[row["position"]], split.feature),
    }


def glimpse(sample: bytes | np.ndarray, feature: str) -> dict[str, Any]:
    """A small picture of an image, the beginning of a text, the length of a sequence and lines of its channels."""
    if isinstance(sample, np.ndarray):
        return {"steps": len(sample), "lines": [line(channel) for channel in sample.T[:CHANNELS_SHOWN]]}
    if feature == "image":
        return {"png_base64": base64.b64encode(thumbnail(sample)).decode()}
    words = sample.decode("utf-8", "replace").split()
    return {"text": shortened(" ".join(words), TEXT_CHARACTERS)}


def line(values: np.ndarray) -> list[float]:
    """A channel's course: means of POINTS_SHOWN equal parts at most, from its least value, 0, to its greatest, 1."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return []
    means = np.array([part.mean() for part in np.array_split(finite, min(len(finite), POINTS_SHOWN))])
    low, range_of_values = means.min(), np.ptp(means)
    return np.round((means - low) / range_of_values if range_of_values else means * 0 + 0.5, 2).tolist()


def thumbnail(image: bytes) -> bytes:
    """An image as a PNG file of PICTURE_PIXELS a side at most; a smaller one keeps its pixels."""
    from PIL import Image

    small = Image.fromarray(upright_pixels(image))
    small.thumbnail((PICTURE_PIXELS, PICTURE_PIXELS))
    return png(np.asarray(small))

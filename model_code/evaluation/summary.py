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
NAME_CHARACTERS = 80


def summary_of(report: dict[str, Any], split: Split) -> dict[str, Any]:
    """The summary as plain JSON values.

    Args:
        report: as `evaluation.json` has it.
        split: that was measured, N samples.

    Returns:
        `metric`, in words, with `score` and `samples`; `figures` by name, each with `value` and `interval_95`;
        `classes`, CLASSES_SHOWN of `classes_in_all` at most, those with the least F1 first; `matrix`, where there are
        no more classes than that; `mistakes`, the surest first, each with its picture, text or length.
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
    """A small picture of an image, the beginning of a text, the number of steps of a sequence."""
    if isinstance(sample, np.ndarray):
        return {"steps": len(sample)}
    if feature == "image":
        return {"png_base64": base64.b64encode(thumbnail(sample)).decode()}
    words = sample.decode("utf-8", "replace").split()
    return {"text": shortened(" ".join(words), TEXT_CHARACTERS)}


def thumbnail(image: bytes) -> bytes:
    """An image as a PNG file of PICTURE_PIXELS a side at most; a smaller one keeps its pixels."""
    from PIL import Image

    small = Image.fromarray(upright_pixels(image))
    small.thumbnail((PICTURE_PIXELS, PICTURE_PIXELS))
    return png(np.asarray(small))

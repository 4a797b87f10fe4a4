"""What an answer rests on: how far its probability falls where a part of the sample is hidden.

It asks the very artefact that is served, so that it holds for every family and needs no gradient (Zeiler and Fergus
2014, arXiv 1311.2901, section 4.2, for images).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import numpy as np

from definitions.image_files import orientation_of, upright
from definitions.words import words_of
from model_code.data.image_files import eight_bits
from model_code.data.tables import csv_line

Ask = Callable[[list[bytes]], np.ndarray]
"""From samples of one kind to their probabilities [N, C]."""

CELLS = 8
# What is hidden around a cell as well, in cells, so that no edge of what matters is left.
MARGIN = 0.5
MOST_WORDS = 150


def of_image(ask: Ask, image: bytes, answer: int) -> np.ndarray:
    """By how much the answer's probability falls where a square of the image is grey, float [CELLS, CELLS].

    Args:
        ask: the model.
        image: a PNG or JPEG file.
        answer: the class that was answered.
    """
    from model_code.data.images import png

    pixels = upright_pixels(image)
    height, width = pixels.shape[:2]
    grey = pixels.reshape(-1, 3).mean(axis=0)
    hidden = []
    for row in range(CELLS):
        for column in range(CELLS):
            copy = pixels.copy()
            copy[span(row, height), span(column, width)] = grey
            hidden.append(png(copy))
    probabilities = ask([png(pixels), *hidden])[:, answer]
    return (probabilities[0] - probabilities[1:]).reshape(CELLS, CELLS)


def span(cell: int, size: int) -> slice:
    """The pixels of a cell along one side, with its margin."""
    return slice(
        max(0, int((cell - MARGIN) * size / CELLS)), int(np.ceil((cell + 1 + MARGIN) * size / CELLS))
    )


def upright_pixels(image: bytes) -> np.ndarray:
    """A file's pixels, turned as it says, uint8 [H, W, 3]."""
    from PIL import Image

    with Image.open(io.BytesIO(image)) as opened:
        return upright(np.asarray(eight_bits(opened)), orientation_of(image))


def of_text(ask: Ask, text: str, answer: int) -> list[tuple[str, float]]:
    """The first MOST_WORDS words, each with how far the answer's probability falls where it is left out."""
    words = words_of(text)
    shown = words[:MOST_WORDS]
    shorter = [" ".join([*words[:i], *words[i + 1 :]]).encode() for i in range(len(shown))]
    probabilities = ask([" ".join(words).encode(), *shorter])[:, answer]
    return [
        (word, float(probabilities[0] - rest)) for word, rest in zip(shown, probabilities[1:], strict=True)
    ]


def of_row(ask: Ask, line: str, answer: int) -> list[tuple[str, float]]:
    """The values of a line of CSV, each with how far the answer's probability falls where it is missing."""
    (values,) = csv.reader(io.StringIO(line, newline=""))
    rows = [values, *([*values[:i], "", *values[i + 1 :]] for i in range(len(values)))]
    probabilities = ask([csv_line(row) for row in rows])[:, answer]
    return [
        (value, float(probabilities[0] - rest)) for value, rest in zip(values, probabilities[1:], strict=True)
    ]

"""Finds faces in an image with BlazeFace (Bazarevsky et al. 2019, arXiv 1907.05047), its variant for 256 pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from local_aws.managed.centernet import Box
from local_aws.managed.settings import StandInSettings
from local_aws.managed.tfjs import load_graph_model, tensorflow
from local_aws.managed.weights import HUMAN, weights_directory

SIDE_PIXELS = 256
# Scores and boxes of the grids, in the order of GRIDS.
OUTPUTS = ("Identity:0", "Identity_1:0", "Identity_2:0", "Identity_3:0")
# Pixels between the anchors of a grid, and how many anchors there are at each place.
GRIDS = ((16, 2), (32, 6))
# The dahlia of scikit-learn's sample pictures gets 0.70, and a portrait 0.88 to 0.95.
LEAST_CONFIDENCE = 0.75
SAME_FACE_OVERLAP = 0.3
# The first of the six points that the network finds; they are as one sees them, the person's right eye is the left one.
POINTS = ("eyeLeft", "eyeRight", "nose")


@dataclass(frozen=True)
class Face:
    """A face: a confidence of 0 to 1, where it is, and points [x, y] by name, in shares of the image's size."""

    confidence: float
    box: Box
    points: dict[str, tuple[float, float]]


class BlazeFace:
    """The network, loaded; use `find` from one thread at a time."""

    def __init__(self, settings: StandInSettings) -> None:
        """Loads the weights.

        Raises:
            WeightsUnavailable: when they cannot be had.
        """
        model_json = weights_directory(settings, HUMAN) / "blazeface.json"
        self.tf = tensorflow()
        self.function = load_graph_model(model_json, "input:0", list(OUTPUTS))
        self.anchors = anchors()

    def find(self, image: Image.Image) -> list[Face]:
        """The faces in an RGB image, most confident first."""
        square, scale, offset = in_square(image)
        scores, boxes = self.raw_detections(square)
        return [
            as_face(scores[place], boxes[place], scale, offset) for place in distinct(scores, boxes[:, 0:4])
        ]

    def raw_detections(self, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Confidences [896], and places [896, 16] in shares of the square: middle, size, six points."""
        given = self.tf.constant(square[np.newaxis].astype(np.float32) / 127.5 - 1)
        *scores, fine, coarse = (tensor.numpy()[0] for tensor in self.function(given))
        places = np.concatenate([fine, coarse])
        places[:, :2] += self.anchors
        places[:, 4:] += np.tile(self.anchors, 6)
        logits = np.clip(np.concatenate(scores)[:, 0], -50, 50)
        return 1 / (1 + np.exp(-logits)), places / SIDE_PIXELS


def anchors() -> np.ndarray:
    """Where the network looks, [896, 2] of x and y in pixels: the middles of each grid's cells, row by row."""
    centres = []
    for stride, count in GRIDS:
        middles = (np.arange(SIDE_PIXELS // stride) + 0.5) * stride
        across, down = np.meshgrid(middles, middles)
        centres.append(np.repeat(np.stack([across.ravel(), down.ravel()], axis=1), count, axis=0))
    return np.concatenate(centres).astype(np.float32)


def in_square(image: Image.Image) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The image in the middle of a black square of the network's size; its share of the square, and where it begins."""
    longest = max(image.size)
    width, height = (max(1, round(side * SIDE_PIXELS / longest)) for side in image.size)
    size, begins = (width, height), ((SIDE_PIXELS - width) // 2, (SIDE_PIXELS - height) // 2)
    square = Image.new("RGB", (SIDE_PIXELS, SIDE_PIXELS))
    square.paste(image.resize(size, Image.Resampling.BILINEAR), begins)
    return np.asarray(square), np.array(size) / SIDE_PIXELS, np.array(begins) / SIDE_PIXELS


def distinct(scores: np.ndarray, boxes: np.ndarray) -> list[int]:
    """The places of the sure detections that no surer one overlaps, surest first; boxes are [N, 4], middle and size."""
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    kept: list[int] = []
    for place in np.argsort(-scores):
        if scores[place] < LEAST_CONFIDENCE:
            break
        if all(overlap(corners[place], corners[other]) <= SAME_FACE_OVERLAP for other in kept):
            kept.append(int(place))
    return kept


def overlap(first: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes, each left, top, right, bottom."""
    shared = np.prod(np.clip(np.minimum(first[2:], other[2:]) - np.maximum(first[:2], other[:2]), 0, None))
    areas = [np.prod(box[2:] - box[:2]) for box in (first, other)]
    return float(shared / (sum(areas) - shared))


def as_face(confidence: float, place: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> Face:
    """One detection in shares of the image; the box is cut at its edges."""
    first, last = (np.clip((place[:2] + sign * place[2:4] / 2 - offset) / scale, 0, 1) for sign in (-1, 1))
    points = (place[4:].reshape(6, 2)[: len(POINTS)] - offset) / scale
    box = Box(*(float(coordinate) for coordinate in (*first, *(last - first))))
    named = {name: (float(x), float(y)) for name, (x, y) in zip(POINTS, points, strict=True)}
    return Face(float(confidence), box, named)

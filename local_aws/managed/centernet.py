"""Finds objects of COCO's 80 classes in an image with CenterNet on MobileNetV3."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from local_aws.managed.settings import StandInSettings
from local_aws.managed.tfjs import load_graph_model, tensorflow
from local_aws.managed.weights import HUMAN, weights_directory

SIDE_PIXELS = 512
# The canvas around an image that does not fill it. Small images are not enlarged: on CIFAR-10 the network is right
# more than twice as often at 128 pixels in the middle of the canvas as at 512.
CANVAS_GREY = 127
SAME_OBJECT_OVERLAP = 0.5
# Below this the heat map holds noise.
LEAST_HEAT = 0.1
# The heat-map score is no probability. This logistic curve was fitted to how often the best class was right on the
# CIFAR-10 training images (enlarged to 128 pixels) of the eight classes that COCO has too.
CONFIDENCE_SLOPE = 7.3
CONFIDENCE_OFFSET = -2.4


@dataclass(frozen=True)
class Box:
    """A place in an image, as shares of its width and height."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Detection:
    """One object: the position of its class among COCO's 80, a confidence of 0 to 1, and where it is."""

    class_index: int
    confidence: float
    box: Box


class CenterNet:
    """The network, loaded; use `find` from one thread at a time."""

    def __init__(self, settings: StandInSettings) -> None:
        """Loads the weights.

        Raises:
            WeightsUnavailable: when they cannot be had.
        """
        model_json = weights_directory(settings, HUMAN) / "centernet.json"
        self.tf = tensorflow()
        self.function = load_graph_model(model_json, "tower_0/images:0", "tower_0/detections:0")

    def find(self, image: Image.Image) -> list[Detection]:
        """The objects in an RGB image, most confident first; each object once per class."""
        canvas, scale, offset = on_canvas(image)
        raw = self.raw_detections(canvas)
        raw = raw[raw[:, 4] >= LEAST_HEAT]
        return [as_detection(raw[i], image.size, scale, offset) for i in self.distinct(raw)]

    def raw_detections(self, canvas: np.ndarray) -> np.ndarray:
        """The network's 100 best peaks: float32 [100, 6] of left, top, right, bottom in pixels, heat and class."""
        return self.function(self.tf.constant(canvas[np.newaxis], self.tf.float32)).numpy()[0]

    def distinct(self, raw: np.ndarray) -> Any:
        """Positions of the detections that no better one of the same class overlaps, best first."""
        # Shifted apart by class, boxes of different classes never overlap.
        shifted = raw[:, :4] + raw[:, 5:6] * SIDE_PIXELS * 4
        return self.tf.image.non_max_suppression(
            shifted, raw[:, 4], max_output_size=len(raw), iou_threshold=SAME_OBJECT_OVERLAP
        ).numpy()


def on_canvas(image: Image.Image) -> tuple[np.ndarray, float, tuple[int, int]]:
    """The image in the middle of the square that the network takes, shrunk if it is larger: pixels, scale, offset."""
    scale = min(1.0, SIDE_PIXELS / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    shrunk = image.resize(size, Image.Resampling.BILINEAR) if scale < 1 else image
    offset = ((SIDE_PIXELS - size[0]) // 2, (SIDE_PIXELS - size[1]) // 2)
    canvas = Image.new("RGB", (SIDE_PIXELS, SIDE_PIXELS), (CANVAS_GREY,) * 3)
    canvas.paste(shrunk, offset)
    return np.asarray(canvas), scale, offset


def as_detection(raw: np.ndarray, size: tuple[int, int], scale: float, offset: tuple[int, int]) -> Detection:
    """One row of the network's output in our terms; the box is cut at the image's edges."""
    left, top, right, bottom = (
        min(max((float(raw[i]) - offset[i % 2]) / scale / size[i % 2], 0.0), 1.0) for i in range(4)
    )
    box = Box(left, top, max(0.0, right - left), max(0.0, bottom - top))
    return Detection(int(raw[5]), confidence_of(float(raw[4])), box)


def confidence_of(heat: float) -> float:
    """How likely an object with this heat-map score is what it was taken for, 0 to 1."""
    return 1 / (1 + math.exp(-(CONFIDENCE_SLOPE * heat + CONFIDENCE_OFFSET)))

"""Tells how alike two faces are with FaceRes (Savchenko 2019, arXiv 1807.07718), by their embeddings."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from local_aws.managed.blazeface import Face
from local_aws.managed.settings import StandInSettings
from local_aws.managed.tfjs import load_graph_model, tensorflow
from local_aws.managed.weights import HUMAN, weights_directory

SIDE_PIXELS = 224
# The detector's box ends at brows and chin; the network was trained on whole heads.
MARGIN = 1.4
# The mean of the pixels that the network was trained on: blue, green, red.
MEAN_PIXEL = (103.939, 116.779, 123.68)
# From the cosine of two embeddings to how likely they are one person's: a logistic regression on all pairs of pictures
# of the first 20 people of the ORL faces (1 pair in 21 is one person's), on whom no comparison is measured.
# Rekognition's usual threshold of 80 % is then a cosine of 0.65.
SLOPE = 73.6
OFFSET = -46.6


class FaceEmbedding:
    """The network, loaded; use `of` from one thread at a time."""

    def __init__(self, settings: StandInSettings) -> None:
        """Loads the weights.

        Raises:
            WeightsUnavailable: when they cannot be had.
        """
        model_json = weights_directory(settings, HUMAN) / "faceres.json"
        self.tf = tensorflow()
        self.function = load_graph_model(model_json, "input_1:0", "global_pooling/Mean:0")

    def of(self, image: Image.Image, faces: list[Face]) -> np.ndarray:
        """Embeddings [faces, 1024] of length 1 of faces in an RGB image, one by one so that memory stays small."""
        embeddings = np.empty((len(faces), 1024), np.float32)
        for row, face in enumerate(faces):
            pixels = np.asarray(upright(image, face), np.float32)[np.newaxis, ..., ::-1] - MEAN_PIXEL
            vector = self.function(self.tf.constant(pixels, self.tf.float32)).numpy()[0]
            embeddings[row] = vector / np.linalg.norm(vector)
        return embeddings


def upright(image: Image.Image, face: Face) -> Image.Image:
    """A square around a face, turned so that its eyes are level."""
    size = np.array(image.size)
    (left_x, left_y), (right_x, right_y) = (face.points[name] * size for name in ("eyeLeft", "eyeRight"))
    angle = math.atan2(right_y - left_y, right_x - left_x)
    box = face.box
    middle = np.array([box.left + box.width / 2, box.top + box.height / 2]) * size
    side = max(box.width * size[0], box.height * size[1]) * MARGIN
    across = np.array([math.cos(angle), math.sin(angle)]) * side / SIDE_PIXELS
    down = np.array([-across[1], across[0]])
    begin = middle - (across + down) * SIDE_PIXELS / 2
    rows = np.stack([across, down, begin], axis=1)
    return image.transform(
        (SIDE_PIXELS, SIDE_PIXELS),
        Image.Transform.AFFINE,
        tuple(rows.ravel()),
        resample=Image.Resampling.BILINEAR,
    )


def similarity(cosine: float) -> float:
    """How likely two faces whose embeddings have this cosine are one person's, 0 to 1."""
    return 1 / (1 + math.exp(-(SLOPE * cosine + OFFSET)))

"""Tells nudity in pictures and drawings from harmless ones with the MobileNetV2 of nsfwjs."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from PIL import Image

from local_aws.managed.browser_module import value_of
from local_aws.managed.settings import StandInSettings
from local_aws.managed.tfjs import graph_function, tensorflow
from local_aws.managed.weights import NSFWJS, weights_directory

SIDE_PIXELS = 224
# In the order of the network's output.
CLASSES = ("Drawing", "Hentai", "Neutral", "Porn", "Sexy")


class Nsfw:
    """The network, loaded; use `classify` from one thread at a time."""

    def __init__(self, settings: StandInSettings) -> None:
        """Loads the weights.

        Raises:
            WeightsUnavailable: when they cannot be had.
        """
        directory = weights_directory(settings, NSFWJS)
        self.tf = tensorflow()
        model = value_of((directory / "model.min.js").read_text(encoding="utf-8"))
        self.function = graph_function(
            model, lambda name: shard(directory / f"{name}.min.js"), "input:0", "Identity:0"
        )

    def classify(self, image: Image.Image) -> dict[str, float]:
        """The probability of each class for an RGB image, which is resized whatever its shape."""
        resized = image.resize((SIDE_PIXELS, SIDE_PIXELS), Image.Resampling.BILINEAR)
        pixels = np.asarray(resized, np.float32)[np.newaxis] / 255
        probabilities = self.function(self.tf.constant(pixels)).numpy()[0]
        return {name: float(probability) for name, probability in zip(CLASSES, probabilities, strict=True)}


def shard(module: Path) -> bytes:
    """Weights that a module holds as base64."""
    return base64.b64decode(value_of(module.read_text(encoding="utf-8")), validate=True)

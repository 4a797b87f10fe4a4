"""EfficientNet-Lite0 without its classifier: a network for images whose weights were learnt on ImageNet."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import layers

from model_code.networks.networks import FusedBatchNormalization

FEATURES = 1280
STEM_CHANNELS = 32
# Repeats, kernel size, stride of the first, expansion, channels (Tan and Le 2019, arXiv 1905.11946, table 1; the Lite
# variant has neither squeeze-and-excitation nor swish).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
EPSILON = 1e-3
# What its authors subtract and divide by.
MEAN, DEVIATION = 127.0, 128.0


def build_backbone(image_size: int) -> keras.Model:
    """The untrained network.

    Args:
        image_size: side in pixels.

    Returns:
        A model from float images [N, image_size, image_size, 3] in 0..255 to features [N, FEATURES]. Its layers bear
        the names of the weights that `set_weights_of` takes, without the underscore in front.
    """
    images = layers.Input((image_size, image_size, 3))
    hidden = layers.Rescaling(1.0 / DEVIATION, -MEAN / DEVIATION, name="normalisation")(images)
    hidden = layers.Conv2D(STEM_CHANNELS, 3, 2, padding="same", use_bias=False, name="conv_stem")(hidden)
    hidden = activated(normalised(hidden, "bn0"))
    number, channels = 0, STEM_CHANNELS
    for repeats, kernel_size, stride, expansion, into in STAGES:
        for repeat in range(repeats):
            hidden = block(
                hidden,
                f"blocks.{number}",
                kernel_size,
                stride if repeat == 0 else 1,
                expansion * channels,
                into,
            )
            number, channels = number + 1, into
    hidden = layers.Conv2D(FEATURES, 1, use_bias=False, name="conv_head")(hidden)
    features = layers.GlobalAveragePooling2D()(activated(normalised(hidden, "bn1")))
    return keras.Model(images, features, name="efficientnet_lite0")


def block(before, name: str, kernel_size: int, stride: int, expanded: int, into: int):
    """An inverted residual block (Sandler et al. 2018, arXiv 1801.04381): expand, filter each channel, project."""
    hidden, channels = before, before.shape[-1]
    if expanded != channels:
        hidden = layers.Conv2D(expanded, 1, use_bias=False, name=f"{name}._expand_conv")(hidden)
        hidden = activated(normalised(hidden, f"{name}._bn0"))
    hidden = layers.DepthwiseConv2D(
        kernel_size, stride, padding="same", use_bias=False, name=f"{name}._depthwise_conv"
    )(hidden)
    hidden = activated(normalised(hidden, f"{name}._bn1"))
    hidden = layers.Conv2D(into, 1, use_bias=False, name=f"{name}._project_conv")(hidden)
    hidden = normalised(hidden, f"{name}._bn2")
    return layers.Add()([hidden, before]) if stride == 1 and into == channels else hidden


def normalised(before, name: str):
    """Batch normalisation."""
    return FusedBatchNormalization(momentum=0.99, epsilon=EPSILON, name=name)(before)


def activated(before):
    """ReLU that ends at 6, which 8 bits hold well."""
    return layers.Activation("relu6")(before)


def set_weights_of(backbone: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Gives the network weights that PyTorch wrote.

    Args:
        backbone: from `build_backbone`.
        weights: by PyTorch's names; kernels [out, in, height, width].

    Raises:
        KeyError: when one is missing; ValueError when one is of another shape.
    """
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            names = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([weights[f"_{layer.name}.{name}"] for name in names])
        elif isinstance(layer, layers.DepthwiseConv2D):
            layer.set_weights([weights[f"_{layer.name}.weight"].transpose(2, 3, 0, 1)])
        elif isinstance(layer, layers.Conv2D):
            layer.set_weights([weights[f"_{layer.name}.weight"].transpose(2, 3, 1, 0)])


def joined(backbone: keras.Model, network: keras.Model) -> keras.Model:
    """Both as one network; `network` is a chain of layers."""
    hidden = backbone.output
    for layer in network.layers[1:]:
        hidden = layer(hidden)
    return keras.Model(backbone.input, hidden, name=backbone.name)

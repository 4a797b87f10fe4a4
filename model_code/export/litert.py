"""LiteRT models of a network, for a Lambda or a device: float32, and with 8-bit weights.

Their input is what `model_code.networks.preprocessing` makes of images or texts: LiteRT decodes no image. A model takes
one sample or several, of images one: they are so much arithmetic that nothing is gained by several at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from model_code.export.litert_rnn import probabilities_of

FLOAT_FILE = "float32.tflite"
INT8_FILE = "int8.tflite"
# Activations' ranges settle within a few hundred samples; more would only take longer.
CALIBRATION_SAMPLES = 200


def write_litert(network: keras.Model, inputs: np.ndarray, directory: Path) -> None:
    """Writes FLOAT_FILE and INT8_FILE to `directory`.

    An image network's 8-bit file computes in 8 bits. An RNN's has 8-bit tables of words and nothing else: the weights
    of its steps are few, what is rounded in them would add up over the steps, and LiteRT is slower with it. Of other
    networks the weights are stored in 8 bits.

    Args:
        network: in float32.
        inputs: training inputs [N, …], of which the first calibrate the 8-bit model of an image network.
        directory: made when it is not there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (argument,) = network.inputs
    if inputs.ndim == 4:
        image = tf.TensorSpec([1, *argument.shape[1:]], argument.dtype, name="image")
        network = without_unpooled_edges(network)
        frozen = freeze(lambda image: tf.nn.softmax(network(image, training=False)), image)
        files = {FLOAT_FILE: convert(frozen), INT8_FILE: convert(frozen, inputs[:CALIBRATION_SAMPLES])}
    else:
        samples = tf.TensorSpec([None, *argument.shape[1:]], argument.dtype, name="samples")
        if any(isinstance(layer, keras.layers.Bidirectional) for layer in network.layers):
            files = {
                file: convert(freeze(probabilities_of(network, eight_bit=eight_bit), samples))
                for file, eight_bit in ((FLOAT_FILE, False), (INT8_FILE, True))
            }
        else:
            frozen = freeze(lambda samples: tf.nn.softmax(network(samples, training=False)), samples)
            files = {FLOAT_FILE: convert(frozen), INT8_FILE: convert(frozen, eight_bit=True)}
    for file, content in files.items():
        (directory / file).write_bytes(content)


def without_unpooled_edges(network: keras.Model) -> keras.Model:
    """The same network, with the same weights, without the edges of convolutions that no pooling looks at.

    Pooling by 2 leaves out the last row and column of an image of odd size, as behind our 2×2 stem they all are. At a
    size of 32 a tenth of all multiplications is for them.
    """
    unpooled = {
        convolution.name: [size % 2 for size in convolution.output.shape[1:3]]
        for pooling in network.layers
        if isinstance(pooling, keras.layers.MaxPooling2D)
        and (pooling.pool_size, pooling.strides, pooling.padding) == ((2, 2), (2, 2), "valid")
        for convolution in network.layers
        if convolution.output is pooling.input and is_plain_convolution(convolution)
    }

    def call(layer: keras.Layer, inputs: Any, **options: Any) -> Any:
        if layer.name not in unpooled:
            return layer(inputs, **options)
        # The kernel reaches one pixel beyond the image, but not on the side where the last outputs are left out.
        rows, columns = ((1, 1 - unused) for unused in unpooled[layer.name])
        name, kind = layer.name, layer.dtype_policy
        padded = keras.layers.ZeroPadding2D((rows, columns), name=f"{name}_padding", dtype=kind)(inputs)
        return keras.layers.Conv2D(layer.filters, 3, use_bias=False, name=name, dtype=kind)(padded)

    # Layers of its own: those of the network stay as they are.
    copy = keras.models.clone_model(network, call_function=call)
    copy.set_weights(network.get_weights())
    return copy


def is_plain_convolution(layer: keras.Layer) -> bool:
    """Whether it is a 3×3 convolution of the whole image and nothing besides."""
    return (
        isinstance(layer, keras.layers.Conv2D)
        and (layer.kernel_size, layer.strides, layer.padding) == ((3, 3), (1, 1), "same")
        and not layer.use_bias
    )


def freeze(
    probabilities: Callable[[tf.Tensor], tf.Tensor], samples: tf.TensorSpec
) -> tf.types.experimental.ConcreteFunction:
    """The function with its weights as constants.

    The converter writes a file without weights when a Keras 3 model's variables are left in.
    """
    return convert_variables_to_constants_v2(
        tf.function(probabilities, autograph=False).get_concrete_function(samples)
    )


def convert(
    frozen: tf.types.experimental.ConcreteFunction,
    calibration: np.ndarray | None = None,
    *,
    eight_bit: bool = False,
) -> bytes:
    """The LiteRT file; weights are 8-bit with `eight_bit`, and with `calibration`, inputs [N, …], activations too."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if eight_bit or calibration is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if calibration is not None:

        def samples() -> Iterator[list[np.ndarray]]:
            for sample in calibration:
                yield [sample[None].astype(np.float32)]

        converter.representative_dataset = samples
    return converter.convert()

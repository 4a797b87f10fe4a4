"""LiteRT models of a network, for a Lambda or a device: float32, and with 8-bit weights.

Their input is what `model_code.preprocessing` makes of images or texts: LiteRT decodes no image. An RNN's model takes
one sample or several, a CNN's one: its images are so much arithmetic that nothing is gained by several at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from model_code.recurrence import probabilities_of

FLOAT_FILE = "float32.tflite"
INT8_FILE = "int8.tflite"
# Activations' ranges settle within a few hundred samples; more would only take longer.
CALIBRATION_SAMPLES = 200


def write_litert(network: keras.Model, inputs: np.ndarray, directory: Path) -> None:
    """Writes FLOAT_FILE and INT8_FILE to `directory`.

    A CNN's 8-bit file computes in 8 bits. An RNN's has 8-bit tables of words and nothing else: the weights of its
    steps are few, what is rounded in them would add up over the steps, and LiteRT is slower with it.

    Args:
        network: in float32.
        inputs: training inputs [N, …], of which the first calibrate the 8-bit model of an image network.
        directory: made when it is not there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    (argument,) = network.inputs
    if inputs.ndim == 4:
        image = tf.TensorSpec([1, *argument.shape[1:]], argument.dtype, name="image")
        frozen = freeze(lambda image: tf.nn.softmax(network(image, training=False)), image)
        files = {FLOAT_FILE: convert(frozen), INT8_FILE: convert(frozen, inputs[:CALIBRATION_SAMPLES])}
    else:
        samples = tf.TensorSpec([None, *argument.shape[1:]], argument.dtype, name="samples")
        files = {
            file: convert(freeze(probabilities_of(network, eight_bit=eight_bit), samples))
            for file, eight_bit in ((FLOAT_FILE, False), (INT8_FILE, True))
        }
    for file, content in files.items():
        (directory / file).write_bytes(content)


def freeze(
    probabilities: Callable[[tf.Tensor], tf.Tensor], samples: tf.TensorSpec
) -> tf.types.experimental.ConcreteFunction:
    """The function with its weights as constants.

    The converter writes a file without weights when a Keras 3 model's variables are left in.
    """
    return convert_variables_to_constants_v2(
        tf.function(probabilities, autograph=False).get_concrete_function(samples)
    )


def convert(frozen: tf.types.experimental.ConcreteFunction, calibration: np.ndarray | None = None) -> bytes:
    """The LiteRT file. With `calibration`, inputs [N, …], weights and activations are 8-bit."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if calibration is not None:

        def samples() -> Iterator[list[np.ndarray]]:
            for one in calibration:
                yield [one[None].astype(np.float32)]

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
    return converter.convert()

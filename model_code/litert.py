"""LiteRT models of a network, for a Lambda or a device: float32, and with 8-bit weights.

Their input is what `model_code.preprocessing` makes of images or texts: LiteRT decodes no image. An RNN's model takes
one sample or several, a CNN's one: its images are so much arithmetic that nothing is gained by several at once.
"""

from __future__ import annotations

from collections.abc import Iterator
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

    Args:
        network: in float32.
        inputs: training inputs [N, …], of which the first calibrate the 8-bit model of an image network.
        directory: made when it is not there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    frozen = freeze(network)
    (directory / FLOAT_FILE).write_bytes(convert(frozen, calibration=None, eight_bit=False))
    calibration = inputs[:CALIBRATION_SAMPLES] if inputs.ndim == 4 else None
    (directory / INT8_FILE).write_bytes(convert(frozen, calibration=calibration, eight_bit=True))


def freeze(network: keras.Model) -> tf.types.experimental.ConcreteFunction:
    """The probabilities as a function of one image, or of any number of texts or sequences; its weights are constants.

    The converter writes a file without weights when a Keras 3 model's variables are left in.
    """
    (argument,) = network.inputs
    is_cnn = len(argument.shape) == 4
    samples = tf.TensorSpec([1 if is_cnn else None, *argument.shape[1:]], argument.dtype, name="samples")
    probabilities = (
        (lambda images: tf.nn.softmax(network(images, training=False)))
        if is_cnn
        else probabilities_of(network)
    )
    return convert_variables_to_constants_v2(
        tf.function(probabilities, autograph=False).get_concrete_function(samples)
    )


def convert(
    frozen: tf.types.experimental.ConcreteFunction, *, calibration: np.ndarray | None, eight_bit: bool
) -> bytes:
    """The LiteRT file. With `calibration`, activations are 8-bit too; without, they are computed in float32."""
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if eight_bit:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if calibration is not None:

        def samples() -> Iterator[list[np.ndarray]]:
            for one in calibration:
                yield [one[None].astype(np.float32)]

        converter.representative_dataset = samples
    return converter.convert()

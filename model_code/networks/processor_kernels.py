"""Batch normalisation and GELU in the forms that a processor trains fastest in bfloat16, equal up to rounding."""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

# oneDNN's vectorised batch normalisation of bfloat16 takes blocks of 16 channels, and any other count goes through code
# without vectors (`nspc_bnorm:any` in ONEDNN_VERBOSE): 20 ms for 128 images of 15×15 and 24 channels, there and back,
# where this way takes 3 (two cores with AMX).
BLOCK_CHANNELS = 16


def batch_normalization(
    inputs: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Normalises by the batch's own moments.

    Args:
        inputs: [N, H, W, C].
        gamma: scale, float32 [C].
        beta: offset, float32 [C].
        epsilon: added to the variance.

    Returns:
        [N, H, W, C], and the mean and the variance, float32 [C].
    """
    fused, channels = tf.compat.v1.nn.fused_batch_norm, inputs.shape[-1]
    lacking = -channels % BLOCK_CHANNELS
    if inputs.dtype != tf.bfloat16 or not lacking or has_gpu():
        return fused(inputs, gamma, beta, epsilon=epsilon, is_training=True)
    # A product with rows of the identity appends channels of zeros, and its transpose takes them away. It is exact, and
    # a third of the time of tf.pad.
    widening = tf.eye(channels, channels + lacking, dtype=inputs.dtype)
    shape = tf.shape(inputs)
    wide = tf.matmul(tf.reshape(inputs, [-1, channels]), widening)
    outputs, mean, variance = fused(
        tf.reshape(wide, tf.concat([shape[:-1], [channels + lacking]], 0)),
        tf.pad(gamma, [[0, lacking]]),
        tf.pad(beta, [[0, lacking]]),
        epsilon=epsilon,
        is_training=True,
    )
    narrow = tf.matmul(tf.reshape(outputs, [-1, channels + lacking]), widening, transpose_b=True)
    return tf.reshape(narrow, shape), mean[:channels], variance[:channels]


@tf.custom_gradient
def gelu(inputs: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The Gaussian error linear unit (Hendrycks and Gimpel 2016, arXiv 1606.08415) of bfloat16 values of any shape.

    Compiled, so that it is one pass over the memory in place of seven; computed in float32 in between.
    """
    return compiled_gelu(inputs), lambda gradient: compiled_gelu_gradient(inputs, gradient)


@tf.function(jit_compile=True, autograph=False)
def compiled_gelu(inputs: tf.Tensor) -> tf.Tensor:
    """Φ is the normal distribution's cumulative function: x Φ(x)."""
    return tf.cast(tf.nn.gelu(tf.cast(inputs, tf.float32)), inputs.dtype)


@tf.function(jit_compile=True, autograph=False)
def compiled_gelu_gradient(inputs: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """The derivative Φ(x) + x φ(x), times the gradient by the outputs."""
    numbers = tf.cast(inputs, tf.float32)
    cumulative = 0.5 * (1.0 + tf.math.erf(numbers * math.sqrt(0.5)))
    density = tf.exp(-0.5 * numbers * numbers) / math.sqrt(2.0 * math.pi)
    return tf.cast((cumulative + numbers * density) * tf.cast(gradient, tf.float32), inputs.dtype)


def has_gpu() -> bool:
    """Whether TensorFlow computes on a GPU, whose own kernels need none of this."""
    return bool(tf.config.list_physical_devices("GPU"))

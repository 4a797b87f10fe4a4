"""What a processor computes by another way in bfloat16 is what TensorFlow computes in float32, up to rounding."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from model_code.networks.networks import FusedGelu
from model_code.networks.processor_kernels import batch_normalization, gelu

EPSILON = 1e-3
# Half of the distance between two bfloat16 numbers near 1, for each of the three roundings on the way.
TOLERANCE = 3 * 2**-8


def in_bfloat16(values: np.ndarray) -> np.ndarray:
    """The nearest bfloat16 numbers, in float32, so that both ways begin with the same."""
    return tf.cast(tf.cast(values, tf.bfloat16), tf.float32).numpy()


def normalised(function, inputs, gamma, beta, importance) -> list[np.ndarray]:
    """Outputs, moments and the gradients of a function of them, in float32."""
    gamma, beta = tf.constant(gamma), tf.constant(beta)
    with tf.GradientTape() as tape:
        tape.watch([inputs, gamma, beta])
        outputs, mean, variance = function(inputs, gamma, beta)
        value = tf.reduce_sum(tf.cast(outputs, tf.float32) * importance)
    gradients = tape.gradient(value, [inputs, gamma, beta])
    return [tf.cast(part, tf.float32).numpy() for part in (outputs, mean, variance, *gradients)]


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
@settings(max_examples=15, deadline=None)
@given(channels=st.integers(1, 50), height=st.integers(2, 5), seed=st.integers(0, 9))
def test_any_number_of_channels_is_normalised(traced, channels, height, seed):
    generator = np.random.default_rng(seed)
    inputs = in_bfloat16(generator.normal(size=(4, height, 3, channels)).astype(np.float32))
    importance = in_bfloat16(generator.normal(size=inputs.shape).astype(np.float32))
    gamma, beta = generator.uniform(0.5, 1.5, (2, channels)).astype(np.float32)

    def ours(inputs, gamma, beta):
        return batch_normalization(inputs, gamma, beta, EPSILON)

    def theirs(inputs, gamma, beta):
        mean, variance = tf.nn.moments(inputs, [0, 1, 2])
        return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, EPSILON), mean, variance

    function = tf.function(ours, autograph=False) if traced else ours
    got = normalised(function, tf.constant(inputs, tf.bfloat16), gamma, beta, importance)
    wanted = normalised(theirs, tf.constant(inputs), gamma, beta, importance)
    count = inputs[..., 0].size
    # The kernel's variance is the unbiased one.
    wanted[2] *= count / (count - 1)
    for ours_part, theirs_part in zip(got, wanted, strict=True):
        scale = max(1.0, float(np.abs(theirs_part).max()))
        np.testing.assert_allclose(ours_part, theirs_part, atol=TOLERANCE * scale)


@settings(max_examples=15, deadline=None)
@given(shape=st.lists(st.integers(1, 6), min_size=1, max_size=4), seed=st.integers(0, 9))
def test_gelu_and_its_gradient_of_any_shape(shape, seed):
    generator = np.random.default_rng(seed)
    inputs, upstream = in_bfloat16(generator.normal(0, 3, (2, *shape)).astype(np.float32))

    def values(function, dtype):
        numbers = tf.constant(inputs, dtype)
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            outputs = function(numbers)
        gradient = tape.gradient(outputs, numbers, output_gradients=tf.constant(upstream, dtype))
        return tf.cast(outputs, tf.float32).numpy(), tf.cast(gradient, tf.float32).numpy()

    for got, wanted in zip(values(gelu, tf.bfloat16), values(tf.nn.gelu, tf.float32), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2**-8, atol=2**-8)


def test_a_prediction_and_float32_keep_to_keras_s_gelu():
    numbers = tf.constant([-1.0, 0.5, 2.0])
    layer = FusedGelu(dtype="float32")
    wanted = keras.activations.gelu(numbers).numpy()
    assert layer(numbers, training=True).numpy().tolist() == wanted.tolist()
    graph = tf.function(lambda x: FusedGelu(dtype="bfloat16")(x, training=False)).get_concrete_function(
        tf.TensorSpec([3], tf.bfloat16)
    )
    assert not [node.op for node in graph.graph.as_graph_def().node if "Call" in node.op]


@pytest.mark.parametrize(("dtype", "channels"), [("bfloat16", 32), ("float32", 24)])
def test_onednn_is_given_whole_blocks_of_channels_in_bfloat16(dtype, channels):
    normalize = tf.function(lambda x: batch_normalization(x, tf.ones([24]), tf.zeros([24]), EPSILON)[0])
    graph = normalize.get_concrete_function(tf.TensorSpec([8, 3, 3, 24], dtype)).graph
    kernels = [operation for operation in graph.get_operations() if "FusedBatchNorm" in operation.type]
    assert [kernel.inputs[1].shape.as_list() for kernel in kernels] == [[channels]]

"""The GRU's own training loop gives what Keras's GRU gives: states and every gradient, padded or not, both ways."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from model_code.networks.networks import FusedGRU

SAMPLES, STEPS, CHANNELS, UNITS = 3, 7, 4, 5
LENGTHS = (7, 3, 0)


def states_and_gradients(gru: layers.GRU, mask: np.ndarray | None, *, traced: bool) -> list[np.ndarray]:
    """The states of steps that are present, and the gradients of inputs, start and weights of a function of them."""
    present = np.ones([SAMPLES, STEPS], bool) if mask is None else mask
    generator = np.random.default_rng(0)
    inputs = tf.constant(generator.normal(size=(SAMPLES, STEPS, CHANNELS)), tf.float64)
    start = tf.constant(generator.normal(size=(SAMPLES, UNITS)), tf.float64)
    importance = tf.constant(generator.normal(size=(SAMPLES, STEPS, UNITS)), tf.float64)

    def compute():
        with tf.GradientTape() as tape:
            tape.watch([inputs, start])
            states = gru(inputs, initial_state=start, mask=mask, training=True)
            states = states[:, ::-1] if gru.go_backwards else states
            states = tf.where(present[..., None], states, 0)
            value = tf.reduce_sum(importance * states**2)
        return [states, *tape.gradient(value, [inputs, start, *gru.trainable_variables])]

    return [value.numpy() for value in (tf.function(compute) if traced else compute)()]


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
@pytest.mark.parametrize("go_backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "padded"])
def test_states_and_gradients_are_those_of_keras(masked, go_backwards, traced):
    mask = np.arange(STEPS) < np.array(LENGTHS)[:, None] if masked else None
    outcomes = []
    for kind in (layers.GRU, FusedGRU):
        keras.utils.set_random_seed(0)
        gru = kind(
            UNITS,
            return_sequences=True,
            use_cudnn=False,
            go_backwards=go_backwards,
            bias_initializer="random_normal",
            dtype="float64",
        )
        outcomes.append(states_and_gradients(gru, mask, traced=traced))
    for expected, ours in zip(*outcomes, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


def test_a_sequence_of_one_step_has_a_gradient():
    gru = FusedGRU(UNITS, return_sequences=True, use_cudnn=False)
    with tf.GradientTape() as tape:
        states = gru(tf.ones([2, 1, CHANNELS]), training=True)
    assert all(np.isfinite(one).all() for one in tape.gradient(states, gru.trainable_variables))


def test_prediction_gives_the_states_of_training():
    gru = FusedGRU(UNITS, return_sequences=True, use_cudnn=False)
    inputs = tf.random.stateless_normal([SAMPLES, STEPS, CHANNELS], [0, 0])
    np.testing.assert_allclose(gru(inputs, training=False), gru(inputs, training=True), atol=1e-6)

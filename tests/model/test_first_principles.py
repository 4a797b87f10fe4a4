"""The network in NumPy is right: against central differences, TensorFlow, a step of Keras, and real digits."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_code.first_principles import (
    backpropagate,
    forward,
    initialise,
    learn_digits,
    loss,
    softmax,
    update,
)

SIZES = [5, 7, 6, 3]


@pytest.fixture
def network():
    """A network with two hidden layers, and biases that are not 0."""
    layers = initialise(SIZES, seed=1)
    generator = np.random.default_rng(2)
    for layer in layers:
        layer.bias = generator.normal(0, 0.1, layer.bias.shape)
    return layers


@pytest.fixture
def batch():
    """Inputs and their classes."""
    generator = np.random.default_rng(3)
    return generator.normal(size=(8, SIZES[0])), generator.integers(0, SIZES[-1], 8)


def arrays(layers) -> list[np.ndarray]:
    """Weights and biases in the order in which Keras keeps them."""
    return [array for layer in layers for array in (layer.weights, layer.bias)]


def keras_twin(layers) -> keras.Model:
    """The same network in Keras, in float64."""
    hidden = [keras.layers.Dense(size, "relu", dtype="float64") for size in SIZES[1:-1]]
    twin = keras.Sequential(
        [keras.Input((SIZES[0],), dtype="float64"), *hidden, keras.layers.Dense(3, dtype="float64")]
    )
    twin.set_weights(arrays(layers))
    return twin


def test_every_slope_agrees_with_central_differences(network, batch):
    inputs, targets = batch
    step = 1e-5
    for array, slope in zip(arrays(network), arrays(backpropagate(network, inputs, targets)), strict=True):
        measured = np.empty_like(array)
        for position in np.ndindex(array.shape):
            kept = array[position]
            array[position] = kept + step
            above = loss(forward(network, inputs)[1], targets)
            array[position] = kept - step
            below = loss(forward(network, inputs)[1], targets)
            array[position] = kept
            measured[position] = (above - below) / (2 * step)
        assert np.linalg.norm(measured - slope) / np.linalg.norm(measured) < 1e-6


def test_every_slope_agrees_with_tensorflow(network, batch):
    inputs, targets = batch
    twin = keras_twin(network)
    with tf.GradientTape() as tape:
        value = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, twin(inputs)))
    expected = tape.gradient(value, twin.trainable_variables)

    assert loss(forward(network, inputs)[1], targets) == pytest.approx(float(value), rel=1e-12)
    for ours, theirs in zip(arrays(backpropagate(network, inputs, targets)), expected, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-9, atol=1e-12)


def test_a_step_equals_a_step_of_keras_sgd(network, batch):
    inputs, targets = batch
    twin = keras_twin(network)
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    entropy.dtype_policy = keras.DTypePolicy("float64")
    twin.compile(keras.optimizers.SGD(0.5), entropy)
    twin.train_on_batch(inputs, targets)

    update(network, backpropagate(network, inputs, targets), 0.5)

    for ours, theirs in zip(arrays(network), twin.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_large_logits_do_not_overflow():
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]])

    np.testing.assert_array_equal(softmax(logits), np.eye(2))
    assert loss(logits, np.array([0, 1])) == 0.0
    assert loss(logits, np.array([1, 0])) == pytest.approx(2e4)


def test_it_learns_the_digits():
    """The mean over splits: one split's 450 test digits decide the figure only to within a percentage point."""
    assert np.mean([learn_digits(seed) for seed in range(5)]) >= 0.97

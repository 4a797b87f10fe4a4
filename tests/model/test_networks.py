"""What the CNN's shape is: its depth, shortcuts past a convolution, and a first layer that is not learned."""

from __future__ import annotations

import numpy as np
import pytest
from keras import layers

from model_code.hyperparameters import CnnHyperparameters
from model_code.networks.networks import FusedBatchNormalization, build_cnn, whitening_kernel

BLOCKS = 3
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3)).astype(np.float32)


def cnn(depth: int, residual: bool):
    """A tiny CNN."""
    return build_cnn(CnnHyperparameters(width=4, image_size=16, depth=depth, residual=residual), 3)


def of_type(network, kind: type) -> list:
    """The network's layers of a type, in their order."""
    return [layer for layer in network.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("residual", [False, True])
def test_a_convolution_that_adds_nothing_is_passed_by_a_shortcut_alone(residual):
    """With the further convolutions of each block silenced, the deep network is the shallow one, or answers nothing."""
    deep, shallow = cnn(3, residual), cnn(1, residual)
    for kind in (layers.Conv2D, FusedBatchNormalization):
        ours, theirs = of_type(deep, kind), of_type(shallow, kind)
        # A convolution more than normalisations: the stem.
        stem = len(ours) - 3 * BLOCKS
        for block in range(BLOCKS):
            theirs[stem + block].set_weights(ours[stem + 3 * block].get_weights())
        if stem:
            theirs[0].set_weights(ours[0].get_weights())
    of_type(shallow, layers.Dense)[0].set_weights(of_type(deep, layers.Dense)[0].get_weights())
    for number, normalisation in enumerate(of_type(deep, FusedBatchNormalization)):
        if number % 3:
            normalisation.gamma.assign(np.zeros(normalisation.gamma.shape))

    answers = np.asarray(deep(IMAGES))

    expected = np.asarray(shallow(IMAGES)) if residual else np.zeros((4, 3))
    np.testing.assert_allclose(answers, expected, atol=1e-6)
    assert np.asarray(shallow(IMAGES)).any()


def test_shortcuts_have_no_weights():
    assert cnn(2, True).count_params() == cnn(2, False).count_params()
    assert cnn(3, True).count_params() > cnn(2, True).count_params()


def test_the_whitened_first_layer_has_uncorrelated_outputs_of_one_size():
    """On the images that it was made from: what two neighbouring pixels share is gone, and so are the scales."""
    smooth = np.cumsum(np.cumsum(np.random.default_rng(1).normal(size=(64, 16, 16, 3)), axis=1), axis=2)
    images = ((smooth - smooth.mean()) / smooth.std()).astype(np.float32)

    kernel = whitening_kernel(images, np.ones(3))

    network = build_cnn(
        CnnHyperparameters(width=4, image_size=16), 3, mean=[0] * 3, variance=[1] * 3, whitening=kernel
    )
    outputs = np.asarray(of_type(network, layers.Conv2D)[0](images)).reshape(-1, 24)
    covariance = np.cov(outputs[:, :12], rowvar=False)
    # Along a direction with less variance than LEAST_VARIANCE there is little to bring to one size.
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.01
    assert np.diag(covariance).min() > 0.5 and np.diag(covariance).max() < 1.01
    np.testing.assert_allclose(outputs[:, 12:], -outputs[:, :12], atol=1e-5)


def test_the_whitened_first_layer_is_not_learned():
    kernel = whitening_kernel(IMAGES, np.full(3, 4096.0))
    network = build_cnn(CnnHyperparameters(width=4, image_size=16), 3, whitening=kernel)
    stem = of_type(network, layers.Conv2D)[0]
    np.testing.assert_array_equal(stem.get_weights()[0], kernel)
    assert not stem.trainable_variables
    assert network.trainable_variables

"""What the CNN's shape is: its depth, and shortcuts that carry a block's features past a convolution."""

from __future__ import annotations

import numpy as np
import pytest
from keras import layers

from model_code.hyperparameters import CnnHyperparameters
from model_code.networks import FusedBatchNormalization, build_cnn

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

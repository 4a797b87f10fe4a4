"""How many floating-point operations a network takes, counted from its layers.

A convolution's padding counts as the rest does, which is the custom. A compiler's own count leaves out what it hands
to cuDNN, and counts a loop's body once.
"""

from __future__ import annotations

import math

import keras


def operations_of(network: keras.Model) -> int:
    """Floating-point operations of one sample through a network, those of its matrix products and convolutions.

    Training takes three times as many: the gradients of the inputs and of the weights are a product each.
    """
    counted = 0
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            counted += 2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:3])
        elif isinstance(layer, keras.layers.Dense):
            counted += 2 * math.prod(layer.kernel.shape)
        elif isinstance(layer, keras.layers.Bidirectional):
            kernels = [weight for weight in layer.trainable_weights if weight.path.endswith("kernel")]
            counted += 2 * layer.output.shape[1] * sum(math.prod(kernel.shape) for kernel in kernels)
    return counted

"""A neural network in NumPy alone, to be read: layers, activation, forward pass, loss, backpropagation, update.

Example: python -m model_code.first_principles
It trains on scikit-learn's 8×8 digits and prints the share of right answers on digits it has not seen.

A layer multiplies its inputs by weights W and adds a bias b: z = x W + b. A hidden layer then applies an activation,
a function that is not linear; without it, layers in a row would be no more than one layer. The last layer's outputs,
the logits, become probabilities by the softmax. The loss is small when the right class has a high probability.
Training moves every weight a little against the loss's slope, again and again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Layer:
    """One fully connected layer.

    Attributes:
        weights: [inputs, outputs].
        bias: [outputs].
    """

    weights: np.ndarray
    bias: np.ndarray


Gradients = list[Layer]
"""The loss's slope for every weight and bias, in the shape of the network itself."""


def initialise(sizes: list[int], seed: int) -> list[Layer]:
    """A network whose layers have `sizes` units: the inputs, the hidden layers, the classes.

    Weights start at random, or all units of a layer would stay alike. Their spread, sqrt(2 / inputs), keeps the
    signal's size from layer to layer under ReLU (He et al. 2015, arXiv 1502.01852).
    """
    generator = np.random.default_rng(seed)
    return [
        Layer(generator.normal(0.0, np.sqrt(2.0 / inputs), (inputs, outputs)), np.zeros(outputs))
        for inputs, outputs in zip(sizes[:-1], sizes[1:], strict=True)
    ]


def relu(z: np.ndarray) -> np.ndarray:
    """The activation: what is negative becomes 0."""
    return np.maximum(z, 0.0)


def forward(network: list[Layer], inputs: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Forward propagation.

    Args:
        network: its layers.
        inputs: [N, inputs of the first layer].

    Returns:
        What went into each layer (backpropagation needs it), and the logits [N, classes].
    """
    entering, signal = [], inputs
    for layer in network[:-1]:
        entering.append(signal)
        signal = relu(signal @ layer.weights + layer.bias)
    entering.append(signal)
    return entering, signal @ network[-1].weights + network[-1].bias


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities [N, classes]: positive, 1 in sum. Taking off each row's maximum changes nothing but overflow."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def loss(logits: np.ndarray, targets: np.ndarray) -> float:
    """Cross-entropy: the mean of -log(probability of the right class). `targets` are class numbers [N]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(targets)), targets].mean())


def backpropagate(network: list[Layer], inputs: np.ndarray, targets: np.ndarray) -> Gradients:
    """The loss's slope for every weight and bias, by the chain rule, from the last layer to the first.

    Args:
        network: its layers.
        inputs: [N, inputs of the first layer].
        targets: class numbers [N].
    """
    entering, logits = forward(network, inputs)
    # ∂L/∂logits of softmax and cross-entropy together: probability minus 1 for the right class, probability for others.
    slope = softmax(logits)
    slope[np.arange(len(targets)), targets] -= 1.0
    slope /= len(targets)
    gradients: Gradients = []
    for layer, signal in zip(reversed(network), reversed(entering), strict=True):
        # z = x W + b, so ∂L/∂W = xᵀ ∂L/∂z and ∂L/∂b = the sum of ∂L/∂z over the samples.
        gradients.append(Layer(signal.T @ slope, slope.sum(axis=0)))
        # ∂L/∂x = ∂L/∂z Wᵀ; through ReLU it passes only where the signal is positive. (For the inputs it goes unused.)
        slope = (slope @ layer.weights.T) * (signal > 0)
    return gradients[::-1]


def update(network: list[Layer], gradients: Gradients, learning_rate: float) -> None:
    """Gradient descent: w ← w − η ∂L/∂w, for every weight and bias."""
    for layer, gradient in zip(network, gradients, strict=True):
        layer.weights -= learning_rate * gradient.weights
        layer.bias -= learning_rate * gradient.bias


def train(
    network: list[Layer],
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
) -> None:
    """Stochastic gradient descent: each update sees only a few samples, in a new random order every epoch."""
    generator = np.random.default_rng(seed)
    for _ in range(epochs):
        order = generator.permutation(len(inputs))
        for start in range(0, len(inputs), batch_size):
            batch = order[start : start + batch_size]
            update(network, backpropagate(network, inputs[batch], targets[batch]), learning_rate)


def accuracy(network: list[Layer], inputs: np.ndarray, targets: np.ndarray) -> float:
    """The share of samples whose most probable class is the right one."""
    _, logits = forward(network, inputs)
    return float((logits.argmax(axis=1) == targets).mean())


def learn_digits(seed: int = 0) -> float:
    """Trains 64-256-10 units on three quarters of the digits; returns the accuracy on the others."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, targets = map(np.asarray, load_digits(return_X_y=True))
    # Pixels are 0 to 16; small inputs around 0 make slopes of one size, so one learning rate fits every weight.
    parts = train_test_split(
        images / 16.0 - 0.5, targets, test_size=0.25, random_state=seed, stratify=targets
    )
    train_inputs, test_inputs, train_targets, test_targets = map(np.asarray, parts)
    network = initialise([64, 256, 10], seed)
    train(network, train_inputs, train_targets, epochs=60, batch_size=32, learning_rate=0.2, seed=seed)
    return accuracy(network, test_inputs, test_targets)


if __name__ == "__main__":
    print(f"accuracy on unseen digits: {learn_digits():.4f}")

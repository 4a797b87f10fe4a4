"""One network, several Keras backends: a training step gives the same loss on each that is installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import model_code

PROGRAM = """
import keras, numpy as np
from model_code.hyperparameters import CnnHyperparameters, RnnHyperparameters
from model_code.networks.networks import Channels, build_cnn, build_rnn
generator = np.random.default_rng(0)
kind = "{kind}"
if kind == "cnn":
    network = build_cnn(CnnHyperparameters(width=4, image_size=16), 3)
    inputs = generator.integers(0, 256, (8, 16, 16, 3)).astype("float32")
else:
    layers = "gru" if kind == "sequence" else "conv1d"
    settings = RnnHyperparameters(
        layers=layers, units=4, filters=4, embedding_size=8, sequence_length=6, dropout=0.0
    )
    channels = Channels([0.5, -1.0], [2.0, 0.3]) if kind == "sequence" else None
    network = build_rnn(settings, 3, vocabulary_numbers=20, channels=channels)
    inputs = generator.integers(0, 20, (8, 6)).astype("int32")
    if kind == "sequence":
        inputs = generator.normal(size=(8, 6, 2)).astype("float32")
        inputs[::2, 4:] = np.nan
targets = generator.integers(0, 3, 8)
network.set_weights([
    array if array.dtype.kind != "f" else np.abs(generator.normal(0, 0.3, array.shape)).astype("float32")
    for array in network.get_weights()
])
entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
network.compile(keras.optimizers.SGD(0.1), entropy, jit_compile=False)
first = network.train_on_batch(inputs, targets)
second = network.train_on_batch(inputs, targets)
print("losses", float(first), float(second))
"""


def losses(backend: str, kind: str) -> list[float]:
    """The losses of two steps from the same weights, in a process of its own: Keras takes one backend a process."""
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(kind=kind)],
        env={**os.environ, "KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": ""},
        cwd=Path(model_code.__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return [float(word) for word in finished.stdout.split("losses")[1].split()]


@pytest.mark.parametrize("kind", ["cnn", "text", "sequence"])
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_training_step_has_tensorflows_loss(backend, kind):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(
            f"{backend} is not among this project's packages; install it here to compare it with TensorFlow"
        )

    assert losses(backend, kind) == pytest.approx(losses("tensorflow", kind), abs=1e-4)

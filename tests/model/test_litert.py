"""The LiteRT models answer as the trained network does: exactly in float, nearly with 8-bit weights."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import tensorflow as tf

from model_code.hyperparameters import CnnHyperparameters, RnnHyperparameters
from model_code.litert import FLOAT_FILE, INT8_FILE, write_litert
from model_code.networks import build_cnn, build_rnn


def predict(file, inputs: np.ndarray) -> np.ndarray:
    """Probabilities [N, C], one sample at a time, as a Lambda asks."""
    with warnings.catch_warnings():
        # The interpreter moves to a package of its own; TensorFlow's serves this test as well.
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_path=str(file), num_threads=1)
    interpreter.allocate_tensors()
    (argument,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for one in inputs:
        interpreter.set_tensor(argument["index"], one[None].astype(argument["dtype"]))
        interpreter.invoke()
        answers.append(interpreter.get_tensor(result["index"])[0].copy())
    return np.stack(answers)


@pytest.mark.parametrize(("file", "tolerance"), [(FLOAT_FILE, 1e-4), (INT8_FILE, 0.03)])
def test_a_litert_model_answers_as_the_network_does(trained, file, tolerance):
    inputs = trained.problem.validation.inputs
    network_inputs = inputs.astype(np.float32) if inputs.ndim == 4 else inputs
    expected = tf.nn.softmax(trained.network(network_inputs, training=False)).numpy()

    answers = predict(trained.artefact / "litert" / file, inputs)

    np.testing.assert_allclose(answers, expected, atol=tolerance)


@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_eight_bit_weights_take_a_third_of_the_room_and_keep_the_answers(kind, tmp_path):
    """Networks larger than the other tests': the converter leaves weights of under 1,024 numbers as they are."""
    generator = np.random.default_rng(0)
    if kind == "cnn":
        network = build_cnn(CnnHyperparameters(width=16, mixed_precision="float32"), 10)
        inputs = generator.integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
    else:
        network = build_rnn(RnnHyperparameters(sequence_length=20), 2, vocabulary_numbers=2000)
        inputs = generator.integers(0, 2000, (50, 20), dtype=np.int32)

    write_litert(network, inputs, tmp_path)

    assert (tmp_path / INT8_FILE).stat().st_size < (tmp_path / FLOAT_FILE).stat().st_size / 2.5
    np.testing.assert_allclose(
        predict(tmp_path / INT8_FILE, inputs), predict(tmp_path / FLOAT_FILE, inputs), atol=0.03
    )

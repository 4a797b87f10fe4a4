"""The LiteRT models answer as the trained network does: exactly in float, nearly with 8-bit weights."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_code.export.litert import FLOAT_FILE, INT8_FILE, write_litert
from model_code.hyperparameters import CnnHyperparameters, RnnHyperparameters
from model_code.networks.networks import Channels, build_cnn, build_rnn


def predict(file, inputs: np.ndarray) -> np.ndarray:
    """Probabilities [N, C], one sample at a time, as a Lambda asks."""
    interpreter = interpreter_of(file)
    (argument,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    answers = []
    for one in inputs:
        interpreter.set_tensor(argument["index"], one[None].astype(argument["dtype"]))
        interpreter.invoke()
        answers.append(interpreter.get_tensor(result["index"])[0].copy())
    return np.stack(answers)


def predict_together(file, inputs: np.ndarray) -> np.ndarray:
    """The same of all samples at once."""
    interpreter = interpreter_of(file)
    (argument,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(argument["index"], inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(argument["index"], inputs)
    interpreter.invoke()
    return interpreter.get_tensor(result["index"])


def interpreter_of(file):
    """The file's model, loaded."""
    with warnings.catch_warnings():
        # The interpreter moves to a package of its own; TensorFlow's serves this test as well.
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_path=str(file), num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


@pytest.mark.parametrize(("file", "tolerance"), [(FLOAT_FILE, 1e-4), (INT8_FILE, 0.03)])
def test_a_litert_model_answers_as_the_network_does(trained, file, tolerance):
    inputs = trained.task.validation.inputs
    network_inputs = inputs.astype(np.float32) if inputs.ndim == 4 else inputs
    expected = tf.nn.softmax(trained.network(network_inputs, training=False)).numpy()

    answers = predict(trained.artefact / "litert" / file, inputs)

    np.testing.assert_allclose(answers, expected, atol=tolerance)


@pytest.mark.parametrize(("image_size", "convolved"), [(32, [30, 14, 6]), (17, [16, 8, 4])])
@pytest.mark.parametrize("residual", [False, True])
def test_a_cnn_computes_no_edge_that_pooling_leaves_out_and_answers_as_keras_does(
    image_size, convolved, residual, tmp_path
):
    generator = np.random.default_rng(0)
    settings = CnnHyperparameters(
        width=4, image_size=image_size, residual=residual, mixed_precision="float32"
    )
    network = build_cnn(settings, 10)
    network.set_weights(
        [weight + generator.uniform(0, 0.3, weight.shape) for weight in network.get_weights()]
    )
    inputs = generator.integers(0, 256, (5, image_size, image_size, 3), dtype=np.uint8)
    expected = tf.nn.softmax(network(inputs.astype(np.float32), training=False)).numpy()

    write_litert(network, inputs, tmp_path)

    np.testing.assert_allclose(predict(tmp_path / FLOAT_FILE, inputs), expected, atol=1e-5)
    interpreter = interpreter_of(tmp_path / FLOAT_FILE)
    heights = {
        tensor_detail["index"]: tensor_detail["shape"][1]
        for tensor_detail in interpreter.get_tensor_details()
        if len(tensor_detail["shape"]) == 4
    }
    pooled = [
        ops_detail["inputs"][0]
        for ops_detail in interpreter._get_ops_details()
        if ops_detail["op_name"] == "MAX_POOL_2D"
    ]
    assert [heights[one] for one in pooled] == convolved


@pytest.mark.parametrize(
    ("pooling", "biased"), [({}, False), ({}, True), ({"padding": "same"}, False), ({"strides": 1}, False)]
)
def test_an_edge_is_left_out_where_pooling_does_not_look_at_it_and_nowhere_else(pooling, biased, tmp_path):
    layers = keras.layers
    image = layers.Input((9, 9, 3))
    convolved = layers.Conv2D(4, 3, padding="same", use_bias=biased, bias_initializer="random_normal")(image)
    pooled = layers.MaxPooling2D(2, **pooling)(convolved)
    network = keras.Model(image, layers.GlobalAveragePooling2D()(pooled))
    inputs = np.random.default_rng(0).uniform(0, 1, (5, 9, 9, 3)).astype(np.float32)
    expected = tf.nn.softmax(network(inputs, training=False)).numpy()

    write_litert(network, inputs, tmp_path)

    np.testing.assert_allclose(predict(tmp_path / FLOAT_FILE, inputs), expected, atol=1e-5)


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


@pytest.mark.parametrize("sequence_length", [12, 13])
@pytest.mark.parametrize(
    ("layers", "embedding_size", "channels"),
    [("gru", 24, 0), ("gru", 4, 0), ("gru", None, 3), ("conv1d", 4, 0), ("conv1d", None, 3)],
)
def test_a_network_of_steps_answers_one_sample_and_several_as_keras_does(
    layers, embedding_size, channels, sequence_length, tmp_path
):
    """Lengths that turns of several steps divide and that they do not; words whose embeddings are folded and not."""
    generator = np.random.default_rng(0)
    count = 5
    lengths = np.array([0, 1, 7, sequence_length - 1, sequence_length])
    is_padding = np.arange(sequence_length) >= lengths[:, None]
    # A gap is no end.
    is_padding[-1, 2] = True
    settings = {"layers": layers, "units": 6, "filters": 6, "sequence_length": sequence_length}
    if channels:
        statistics = Channels(mean=[1.0, -20.0, 0.0], variance=[4.0, 0.25, 1.0])
        network = build_rnn(RnnHyperparameters(**settings), 3, channels=statistics)
        inputs = generator.normal(statistics.mean, 2.0, (count, sequence_length, channels)).astype(np.float32)
        inputs[is_padding] = np.nan
    else:
        settings["embedding_size"] = embedding_size
        network = build_rnn(RnnHyperparameters(**settings), 3, vocabulary_numbers=50)
        inputs = generator.integers(1, 50, (count, sequence_length), dtype=np.int32)
        inputs[is_padding] = 0
    # New biases are zeros, and one that is left out would not be missed.
    network.set_weights(moved(network.get_weights(), generator))
    expected = tf.nn.softmax(network(inputs, training=False)).numpy()

    write_litert(network, inputs, tmp_path)

    np.testing.assert_allclose(predict(tmp_path / FLOAT_FILE, inputs), expected, atol=1e-5)
    np.testing.assert_allclose(predict_together(tmp_path / FLOAT_FILE, inputs), expected, atol=1e-5)


def moved(weights: list[np.ndarray], generator: np.random.Generator) -> list[np.ndarray]:
    """The weights with noise; a variance keeps above 0."""
    return [weight + np.abs(generator.normal(0, 0.5, weight.shape)) for weight in weights]


@pytest.mark.parametrize("layers", ["gru", "conv1d"])
def test_what_stands_in_a_sequences_padding_changes_no_answer(layers, tmp_path):
    """The same steps in networks of two lengths, whose weights are the same."""
    generator = np.random.default_rng(0)
    steps = generator.normal(size=(1, 5, 2)).astype(np.float32)
    answers, weights = [], None
    for length in (5, 16):
        settings = RnnHyperparameters(layers=layers, units=4, filters=4, sequence_length=length)
        network = build_rnn(settings, 2, channels=Channels(mean=[0.0, 0.0], variance=[1.0, 1.0]))
        weights = weights or moved(network.get_weights(), generator)
        network.set_weights(weights)
        inputs = np.full((1, length, 2), np.nan, np.float32)
        inputs[:, :5] = steps
        write_litert(network, inputs, tmp_path / str(length))
        answers.append(predict(tmp_path / str(length) / FLOAT_FILE, inputs))
    np.testing.assert_allclose(*answers, atol=1e-6)


def test_a_network_of_another_kind_answers_as_keras_does(tmp_path):
    inputs = keras.layers.Input((20, 3))
    hidden = keras.layers.Conv1D(8, 5, padding="same", activation="relu")(inputs)
    logits = keras.layers.Dense(2)(keras.layers.GlobalMaxPooling1D()(hidden))
    network = keras.Model(inputs, logits)
    samples = np.random.default_rng(0).normal(size=(4, 20, 3)).astype(np.float32)
    write_litert(network, samples, tmp_path)
    expected = tf.nn.softmax(network(samples, training=False)).numpy()
    for file, tolerance in ((FLOAT_FILE, 1e-5), (INT8_FILE, 0.02)):
        np.testing.assert_allclose(predict_together(tmp_path / file, samples), expected, atol=tolerance)

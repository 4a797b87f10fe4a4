"""One contender of `benchmarks.lambda_artefact` and its one sample: so little that a start measures nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

WORDS, SEQUENCE_LENGTH = 20_000, 200
FILES = {"litert int8": "litert/int8.tflite", "litert float32": "litert/float32.tflite"}


def sample(kind: str) -> np.ndarray:
    """One input of the real form, with its batch dimension; NumPy's random numbers would take a while to import."""
    if kind == "cnn":
        return (np.arange(32 * 32 * 3) * 89 % 256).reshape(1, 32, 32, 3).astype(np.float32)
    return (np.arange(SEQUENCE_LENGTH) * 7919 % WORDS + 1)[None].astype(np.int32)


def answerer(contender: str, kind: str, directory: str) -> Callable[[], np.ndarray]:
    """A function that answers one sample with its probabilities, and whatever it needs loaded."""
    inputs = sample(kind)
    if contender in FILES:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(f"{directory}/{FILES[contender]}", num_threads=1)
        interpreter.allocate_tensors()
        (into,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()

        def invoke() -> np.ndarray:
            interpreter.set_tensor(into["index"], inputs)
            interpreter.invoke()
            return interpreter.get_tensor(out["index"])

        return invoke
    import tensorflow as tf

    if contender == "signature":
        loaded = tf.saved_model.load(f"{directory}/saved")
        signature = loaded.signatures["serving_default"]
        # The loaded object has to outlive its signature.
        return lambda loaded=loaded: signature(inputs=tf.constant(inputs))["probabilities"].numpy()
    from model_code.networks import networks

    network = tf.keras.models.load_model(
        f"{directory}/network.keras",
        custom_objects={
            layer.__name__: layer for layer in (networks.FusedBatchNormalization, networks.FusedGelu)
        },
    )
    if contender == "call":
        return lambda: tf.nn.softmax(network(inputs, training=False)).numpy()
    return lambda: tf.nn.softmax(network.predict(inputs, verbose=0)).numpy()

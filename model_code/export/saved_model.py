"""Writes the artefact that the TensorFlow inference container serves: a sample in, label and probability out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import keras
import tensorflow as tf

from model_code.export.hooks import write_hooks
from model_code.export.litert import CALIBRATION_SAMPLES, write_litert
from model_code.export.warm_up import SIGNATURE, write_warm_up
from model_code.hyperparameters import Hyperparameters
from model_code.networks.efficientnet import joined
from model_code.outputs import MODEL_FOLDER
from model_code.training.calibration import Calibration, metric_of
from model_code.training.tasks import Task

VERSION = "1"
PACKAGE = Path(__file__).resolve().parents[1]


class ServingModule(tf.Module):
    """A classifier behind its preprocessing, with one signature."""

    def __init__(
        self,
        probabilities_of: Callable[[tf.Tensor], tf.Tensor],
        sample_spec: tf.TensorSpec,
        labels: Sequence[str],
        resources: Sequence[object],
        decision_weights: Sequence[float] = (),
    ) -> None:
        """Makes the signature.

        Args:
            probabilities_of: from samples to float32 probabilities [N, C], in TensorFlow's graph.
            sample_spec: of the samples, with the name of the signature's input.
            labels: the classes' names.
            resources: networks and tables that `probabilities_of` needs.
            decision_weights: see `model_code.training.calibration.Calibration`; without any the largest probability
                decides.
        """
        super().__init__()
        self.resources = list(resources)
        self.labels = tf.constant(list(labels))
        self.probabilities_of = probabilities_of
        self.decision_weights = tf.constant([*decision_weights] or [1.0] * len(labels), tf.float32)
        self.signature = tf.function(self.predict, input_signature=[sample_spec], autograph=False)

    def predict(self, samples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Samples to `label` string [N], `score` float [N] and `probabilities` float [N, C]."""
        probabilities = self.probabilities_of(samples)
        best = tf.argmax(probabilities * self.decision_weights, axis=1)
        return {
            "label": tf.gather(self.labels, best),
            "score": tf.gather(probabilities, best, axis=1, batch_dims=1),
            "probabilities": probabilities,
        }


def export_model(
    network: keras.Model,
    task: Task,
    settings: Hyperparameters,
    history: list[dict[str, float]],
    calibration: Calibration,
    directory: Path,
    curve: Sequence[dict[str, float]] = (),
) -> None:
    """Writes `1/`, `litert/`, `code/inference.py`, `labels.json` and `model_card.json` to `directory`.

    The served network computes in float32, whatever precision trained it: the same weights answer alike on hardware
    with and without bfloat16. The calibration is part of it.
    """
    served = calibrated(in_float32(network, task), calibration)
    spec = tf.TensorSpec(task.sample_spec.shape, task.sample_spec.dtype, name=task.feature)
    module = ServingModule(
        lambda samples: tf.nn.softmax(served(task.preprocess(samples), training=False)),
        spec,
        task.labels,
        [served, *task.resources],
        calibration.decision_weights,
    )
    card = {**model_card(served, task, settings, history, calibration), "curve": [*curve]}
    write_artefact(directory, module, task.labels, card)
    inputs = task.served_inputs
    if inputs is None:
        inputs, _ = next(task.train.in_order(CALIBRATION_SAMPLES))
    write_litert(served, inputs, directory / "litert")
    specification = {**task.preprocessing, "decision_weights": calibration.decision_weights}
    preprocessing = json.dumps(specification, ensure_ascii=False)
    (directory / "litert" / "preprocessing.json").write_text(preprocessing, encoding="utf-8")


def write_artefact(
    directory: Path,
    module: ServingModule,
    labels: Sequence[str],
    card: dict,
    warm_up_text: bytes = b"warm up",
) -> None:
    """Writes what the inference container needs to `directory`, and the card, in the place of an earlier artefact.

    A model of texts that does not take any text is warmed up with `warm_up_text`.

    Raises:
        OutputRefused: when the directory holds anything else.
    """
    MODEL_FOLDER.prepare(directory)
    (directory / MODEL_FOLDER.first).write_text(json.dumps(card, indent=2), encoding="utf-8")
    target = directory / VERSION
    tf.saved_model.save(module, str(target), signatures={SIGNATURE: module.signature})
    write_warm_up(target, card["kind"], module.signature.input_signature[0], warm_up_text)
    write_hooks(directory)
    (directory / "labels.json").write_text(json.dumps(list(labels)), encoding="utf-8")


def in_float32(network: keras.Model, task: Task) -> keras.Model:
    """The same network and weights under the float32 policy, behind the part that is not trained."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        served = task.build_network()
    finally:
        keras.config.set_dtype_policy(policy)
    served.set_weights(network.get_weights())
    return joined(task.backbone, served) if task.backbone else served


def calibrated(network: keras.Model, calibration: Calibration) -> keras.Model:
    """The network with logits as the calibration wants them."""
    (logits,) = network.outputs
    scaling = keras.layers.Rescaling(1.0 / calibration.temperature, calibration.offsets, dtype="float32")
    return keras.Model(network.inputs, scaling(logits), name=network.name)


def model_card(
    network: keras.Model,
    task: Task,
    settings: Hyperparameters,
    history: list[dict[str, float]],
    calibration: Calibration,
) -> dict:
    """What a reader of the artefact wants to know without loading it."""
    return {
        "kind": settings.kind,
        "feature": task.feature,
        "parameters": network.count_params(),
        "hyperparameters": asdict(settings),
        "metric": metric_of(settings, task.class_counts),
        "calibration": {**asdict(calibration), "threshold": calibration.threshold},
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "source_sha256": source_digest(),
        **({"pretrained": task.origin} if task.origin else {}),
        "history": history,
    }


def source_digest() -> str:
    """A digest of this package's sources: equal digests were trained by equal code."""
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()

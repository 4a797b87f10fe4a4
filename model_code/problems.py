"""What differs between the kinds of network: from a channel's samples to inputs, network and serving function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from model_code.failures import JobFailed
from model_code.hyperparameters import CnnHyperparameters, Hyperparameters, RnnHyperparameters
from model_code.networks import build_cnn, build_rnn
from model_code.preprocessing import (
    FIRST_WORD,
    build_vocabulary,
    decode_all_images,
    decode_images,
    encode_all_texts,
    encode_texts,
    vocabulary_table,
)
from model_code.records import FEATURE_OF_KIND, Split, read_split


@dataclass(frozen=True)
class Problem:
    """Data in the network's form, with the functions that make the network and its serving inputs.

    Attributes:
        labels: the classes' names.
        feature: the serving signature's input: `image` or `text`.
        train_inputs: uint8 images [N, H, W, 3] or int32 word numbers [N, L].
        train_targets: int32 [N].
        validation_inputs: like train_inputs.
        validation_targets: like train_targets.
        build_network: makes the untrained network under Keras's present precision policy.
        preprocess: from encoded samples (string [N]) to the network's inputs, in TensorFlow's graph.
        resources: what `preprocess` needs kept alive in the exported model.
    """

    labels: list[str]
    feature: str
    train_inputs: np.ndarray
    train_targets: np.ndarray
    validation_inputs: np.ndarray
    validation_targets: np.ndarray
    build_network: Callable[[], keras.Model]
    preprocess: Callable[[tf.Tensor], tf.Tensor]
    resources: list[object]


def load_problem(settings: Hyperparameters, train: Path, validation: Path) -> Problem:
    """Reads both channels for the kind of network that `settings` are of.

    Raises:
        JobFailed: naming what is wrong with a channel.
    """
    splits = [read_split(directory, settings.kind) for directory in (train, validation)]
    if splits[0].labels != splits[1].labels:
        raise JobFailed("The channels train and validation name different classes in their labels.json.")
    counts = np.bincount(splits[0].targets, minlength=len(splits[0].labels))
    if not counts.all():
        raise JobFailed(
            f"The channel train has no sample of the class '{splits[0].labels[int(counts.argmin())]}'. Add some, or "
            "take the class out of labels.json in every channel."
        )
    if len(splits[0].samples) < settings.batch_size:
        raise JobFailed(
            f"The channel train has {len(splits[0].samples)} samples, fewer than one batch of {settings.batch_size}. "
            "Add samples or lower batch_size."
        )
    if isinstance(settings, CnnHyperparameters):
        return image_problem(settings, *splits)
    return text_problem(settings, *splits)


def image_problem(settings: CnnHyperparameters, train: Split, validation: Split) -> Problem:
    """The CNN's problem. The channels' mean and variance of the training images become part of the network."""
    try:
        train_inputs = decode_all_images(train.samples, settings.image_size)
        validation_inputs = decode_all_images(validation.samples, settings.image_size)
    except tf.errors.InvalidArgumentError as error:
        raise JobFailed(
            f"A sample is no PNG or JPEG image that can be decoded: {first_line(error)}"
        ) from error
    channels = train_inputs.reshape(-1, 3).astype(np.float32)
    mean, variance = channels.mean(axis=0, dtype=np.float64), channels.var(axis=0, dtype=np.float64)

    def build_network() -> keras.Model:
        return build_cnn(
            settings, len(train.labels), mean=mean.tolist(), variance=np.maximum(variance, 1.0).tolist()
        )

    return Problem(
        labels=train.labels,
        feature=FEATURE_OF_KIND["cnn"],
        train_inputs=train_inputs,
        train_targets=train.targets,
        validation_inputs=validation_inputs,
        validation_targets=validation.targets,
        build_network=build_network,
        preprocess=lambda encoded: tf.cast(decode_images(encoded, settings.image_size), tf.float32),
        resources=[],
    )


def text_problem(settings: RnnHyperparameters, train: Split, validation: Split) -> Problem:
    """The RNN's problem. The vocabulary is the training texts' most frequent words."""
    vocabulary = build_vocabulary(train.samples, settings.vocabulary_size)
    table = vocabulary_table(vocabulary)

    def build_network() -> keras.Model:
        return build_rnn(settings, len(train.labels), vocabulary_numbers=FIRST_WORD + len(vocabulary))

    return Problem(
        labels=train.labels,
        feature=FEATURE_OF_KIND["rnn"],
        train_inputs=encode_all_texts(train.samples, table, settings.sequence_length),
        train_targets=train.targets,
        validation_inputs=encode_all_texts(validation.samples, table, settings.sequence_length),
        validation_targets=validation.targets,
        build_network=build_network,
        preprocess=lambda texts: encode_texts(texts, table, settings.sequence_length),
        resources=[table],
    )


def first_line(error: tf.errors.OpError) -> str:
    """TensorFlow's own words without the graph around them."""
    return (error.message or type(error).__name__).splitlines()[0][:200]

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
from model_code.networks import Channels, build_cnn, build_rnn
from model_code.preprocessing import (
    FIRST_WORD,
    build_vocabulary,
    decode_all_images,
    decode_images,
    encode_all_texts,
    encode_texts,
    pad_sequences,
    stack_sequences,
    vocabulary_table,
)
from model_code.records import Split, read_split

ENCODED = tf.TensorSpec([None], tf.string)


@dataclass(frozen=True)
class Problem:
    """Data in the network's form, with the functions that make the network and its serving inputs.

    Attributes:
        labels: the classes' names.
        feature: the serving signature's input: `image`, `text` or `sequence`.
        train_inputs: uint8 images [N, H, W, 3], int32 word numbers [N, L] or float32 steps [N, L, channels].
        train_targets: int32 [N].
        validation_inputs: like train_inputs.
        validation_targets: like train_targets.
        build_network: makes the untrained network under Keras's present precision policy.
        preprocess: from samples to the network's inputs, in TensorFlow's graph.
        sample_spec: of those samples: string [N], or float32 [N, steps, channels] padded behind with NaN.
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
    sample_spec: tf.TensorSpec = ENCODED


def load_problem(settings: Hyperparameters, train: Path, validation: Path) -> Problem:
    """Reads both channels for the kind of network that `settings` are of.

    Raises:
        JobFailed: naming what is wrong with a channel.
    """
    splits = [read_split(directory, settings.kind) for directory in (train, validation)]
    if splits[0].labels != splits[1].labels:
        raise JobFailed("The channels train and validation name different classes in their labels.json.")
    if splits[0].feature != splits[1].feature:
        raise JobFailed(
            f"The channel train holds a {splits[0].feature} in each record, the channel validation a "
            f"{splits[1].feature}. Write both from one set."
        )
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
    return (sequence_problem if splits[0].feature == "sequence" else text_problem)(settings, *splits)


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
        feature=train.feature,
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
        feature=train.feature,
        train_inputs=encode_all_texts(train.samples, table, settings.sequence_length),
        train_targets=train.targets,
        validation_inputs=encode_all_texts(validation.samples, table, settings.sequence_length),
        validation_targets=validation.targets,
        build_network=build_network,
        preprocess=lambda texts: encode_texts(texts, table, settings.sequence_length),
        resources=[table],
    )


def sequence_problem(settings: RnnHyperparameters, train: Split, validation: Split) -> Problem:
    """The RNN's problem for sensor sequences. The training steps' mean and variance become part of the network."""
    length = settings.sequence_length
    channels = train.samples[0].shape[1]
    check_augmentation(settings, channels)
    for name, split in (("train", train), ("validation", validation)):
        longest = int(np.argmax([len(sample) for sample in split.samples]))
        if len(split.samples[longest]) > length:
            raise JobFailed(
                f"Record {longest} of the channel {name} has {len(split.samples[longest]):,} steps, but the network "
                f"reads {length:,}. Cut it into windows, or raise sequence_length."
            )
        if split.samples[0].shape[1] != channels:
            raise JobFailed(
                f"The channel {name} has sequences of {split.samples[0].shape[1]} channels, the channel train of "
                f"{channels}."
            )
    steps = np.concatenate(train.samples)
    statistics = Channels(
        steps.mean(axis=0, dtype=np.float64).tolist(),
        np.maximum(steps.var(axis=0, dtype=np.float64), 1e-6).tolist(),
    )
    return Problem(
        labels=train.labels,
        feature=train.feature,
        train_inputs=stack_sequences(train.samples, length),
        train_targets=train.targets,
        validation_inputs=stack_sequences(validation.samples, length),
        validation_targets=validation.targets,
        build_network=lambda: build_rnn(settings, len(train.labels), channels=statistics),
        preprocess=lambda sequences: pad_sequences(sequences, length),
        resources=[],
        sample_spec=tf.TensorSpec([None, None, channels], tf.float32),
    )


def check_augmentation(settings: RnnHyperparameters, channels: int) -> None:
    """Refuses changes of training samples that the channels do not allow."""
    if settings.rotation_degrees and channels % 3:
        raise JobFailed(
            f"rotation_degrees turns channels three by three, but the sequences have {channels}. Set it to 0."
        )
    mirrored = [int(one) for one in settings.mirrored_channels.split(",") if one]
    if mirrored and max(mirrored) >= channels:
        raise JobFailed(
            f"mirrored_channels names the channel {max(mirrored)}, but the sequences have {channels}, 0 to "
            f"{channels - 1}."
        )


def first_line(error: tf.errors.OpError) -> str:
    """TensorFlow's own words without the graph around them."""
    return (error.message or type(error).__name__).splitlines()[0][:200]

"""What differs between the kinds of network: from a channel's samples to inputs, network and serving function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from definitions.words import RULES
from model_code.data.batches import Arrays, Shards, first_line
from model_code.data.records import Split
from model_code.data.shards import ShardedSplit, open_split
from model_code.failures import JobFailed
from model_code.hyperparameters import (
    CnnHyperparameters,
    Hyperparameters,
    ImageHyperparameters,
    PretrainedHyperparameters,
    SequenceHyperparameters,
)
from model_code.networks.networks import BUILDERS, Channels, whitening_kernel
from model_code.networks.preprocessing import (
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

ENCODED = tf.TensorSpec([None], tf.string)
CHUNK_SAMPLES = 500
# From which the first layer's kernel is taken, where that is asked for.
WHITENED_SAMPLES = 200
LEAST_RELATIVE_SPREAD = 1e-6


@dataclass(frozen=True)
class Task:
    """Data in the network's form, with the functions that make the network and its serving inputs.

    Attributes:
        labels: the classes' names.
        feature: the serving signature's input: `image`, `text` or `sequence`.
        train: the training samples.
        validation: like train.
        build_network: makes the untrained network under Keras's present precision policy.
        preprocess: from samples to the network's inputs, in TensorFlow's graph.
        preprocessing: what a server without TensorFlow has to know to do the same.
        class_counts: of the training samples, int [C].
        sample_spec: of those samples: string [N], or float32 [N, steps, channels] padded behind with NaN.
        resources: what `preprocess` needs kept alive in the exported model.
        backbone: in float32, from what `preprocess` gives to what the network takes; it is not trained.
        served_inputs: some training samples as `preprocess` gives them; those of `train` where it is not given.
        origin: of weights that were not trained here: package, licence and what they were trained on.
    """

    labels: list[str]
    feature: str
    train: Arrays | Shards
    validation: Arrays | Shards
    build_network: Callable[[], keras.Model]
    preprocess: Callable[[tf.Tensor], tf.Tensor]
    preprocessing: dict[str, Any]
    resources: list[object]
    class_counts: np.ndarray
    sample_spec: tf.TensorSpec = ENCODED
    backbone: keras.Model | None = None
    served_inputs: np.ndarray | None = None
    origin: dict[str, str] | None = None


def load_task(
    settings: Hyperparameters, train: Path, validation: Path, pretrained: Path | None = None
) -> Task:
    """Reads both channels for the kind of network that `settings` are of, and the weights that it starts from.

    Raises:
        JobFailed: naming what is wrong with a channel.
    """
    splits = [open_split(directory, settings) for directory in (train, validation)]
    if splits[0].labels != splits[1].labels:
        raise JobFailed("The channels train and validation name different classes in their labels.json.")
    if splits[0].feature != splits[1].feature:
        raise JobFailed(
            f"The channel train holds a {splits[0].feature} in each record, the channel validation a "
            f"{splits[1].feature}. Write both from one set."
        )
    counts = splits[0].class_counts
    if not counts.all():
        raise JobFailed(
            f"The channel train has no sample of the class '{splits[0].labels[int(counts.argmin())]}'. Add some, or "
            "take the class out of labels.json in every channel."
        )
    if isinstance(settings, PretrainedHyperparameters):
        from model_code.training.pretrained import pretrained_problem

        return pretrained_problem(settings, splits[0], splits[1], pretrained)
    task = {"image": image_task, "text": text_task, "sequence": sequence_task}[splits[0].feature]
    return task(settings, *splits)


def image_task(
    settings: CnnHyperparameters, train: Split | ShardedSplit, validation: Split | ShardedSplit
) -> Task:
    """The problem of images. The channels' mean and variance of the training images become part of the network."""
    size, class_count, build = settings.image_size, len(train.labels), BUILDERS[settings.kind]
    try:
        samples = [images_of(split, settings) for split in (train, validation)]
        mean, variance = mean_and_variance(samples[0])
        variance = np.maximum(variance, 1.0)
        whitening = None
        if settings.whitening:
            first, _ = next(samples[0].in_order(WHITENED_SAMPLES))
            whitening = whitening_kernel(first, variance)
    except tf.errors.InvalidArgumentError as error:
        raise not_decoded(error) from error

    def build_network() -> keras.Model:
        return build(
            settings, class_count, mean=mean.tolist(), variance=variance.tolist(), whitening=whitening
        )

    return Task(
        labels=train.labels,
        feature=train.feature,
        train=samples[0],
        validation=samples[1],
        build_network=build_network,
        preprocess=lambda encoded: tf.cast(decode_images(encoded, size), tf.float32),
        preprocessing={"feature": train.feature, "image_size": size},
        resources=[],
        class_counts=train.class_counts,
    )


def images_of(split: Split | ShardedSplit, settings: ImageHyperparameters) -> Arrays | Shards:
    """A split's images at the network's size, uint8."""
    return samples_of(
        split,
        settings,
        encode=lambda encoded: decode_images(encoded, settings.image_size),
        encode_all=lambda encoded: decode_all_images(encoded, settings.image_size),
    )


def not_decoded(error: tf.errors.InvalidArgumentError) -> JobFailed:
    """What a job says of an image that TensorFlow refuses."""
    return JobFailed(f"A sample is no PNG or JPEG image that can be decoded: {first_line(error)}")


def text_task(
    settings: SequenceHyperparameters, train: Split | ShardedSplit, validation: Split | ShardedSplit
) -> Task:
    """The problem of texts. The vocabulary is the training texts' most frequent words."""
    vocabulary = build_vocabulary(cast(Iterable[bytes], train), settings.vocabulary_size)
    table, class_count, build = vocabulary_table(vocabulary), len(train.labels), BUILDERS[settings.kind]

    def encode(texts: tf.Tensor) -> tf.Tensor:
        return encode_texts(texts, table, settings.sequence_length)

    samples = [
        samples_of(
            split,
            settings,
            encode=encode,
            encode_all=lambda texts: encode_all_texts(texts, table, settings.sequence_length),
        )
        for split in (train, validation)
    ]

    def build_network() -> keras.Model:
        return build(settings, class_count, vocabulary_numbers=FIRST_WORD + len(vocabulary))

    return Task(
        labels=train.labels,
        feature=train.feature,
        train=samples[0],
        validation=samples[1],
        build_network=build_network,
        preprocess=encode,
        preprocessing={
            "feature": train.feature,
            "sequence_length": settings.sequence_length,
            "word_rules": RULES,
            "vocabulary": vocabulary,
        },
        resources=[table],
        class_counts=train.class_counts,
    )


def sequence_task(
    settings: SequenceHyperparameters, train: Split | ShardedSplit, validation: Split | ShardedSplit
) -> Task:
    """The problem of sensor sequences. The training steps' mean and variance become part of the network."""
    length, class_count, build = settings.sequence_length, len(train.labels), BUILDERS[settings.kind]
    channels = channels_of(train)
    check_augmentation(settings, channels)
    for name, split in (("train", train), ("validation", validation)):
        check_lengths(name, split, length, channels)
    samples = [
        samples_of(
            split,
            settings,
            encode=lambda sequences: pad_sequences(sequences, length),
            encode_all=lambda sequences: stack_sequences(sequences, length),
        )
        for split in (train, validation)
    ]
    mean, variance = mean_and_variance(samples[0])
    statistics = Channels(mean.tolist(), spread_of(mean, variance).tolist())
    return Task(
        labels=train.labels,
        feature=train.feature,
        train=samples[0],
        validation=samples[1],
        build_network=lambda: build(settings, class_count, channels=statistics),
        preprocess=lambda sequences: pad_sequences(sequences, length),
        preprocessing={"feature": train.feature, "sequence_length": length, "channels": channels},
        resources=[],
        class_counts=train.class_counts,
        sample_spec=tf.TensorSpec([None, None, channels], tf.float32),
    )


def channels_of(split: Split | ShardedSplit) -> int:
    """How many channels the first sequence of a split has."""
    return np.asarray(next(iter(split))).shape[1]


def samples_of(
    split: Split | ShardedSplit,
    settings: Hyperparameters,
    *,
    encode: Callable[[tf.Tensor], tf.Tensor],
    encode_all: Callable[[list], np.ndarray],
) -> Arrays | Shards:
    """The split's samples in the network's form: all at once where they are in memory, batch by batch where not."""
    if isinstance(split, ShardedSplit):
        return Shards(split, encode, settings.memory_limit_megabytes)
    return Arrays(encode_all(split.samples), split.targets)


def mean_and_variance(samples: Arrays | Shards) -> tuple[np.ndarray, np.ndarray]:
    """Of each channel over all samples and their places, float64 [channels]; padding with NaN does not count.

    Chunks are put together by the formula of Chan, Golub and LeVeque (Stanford report CS-79-773, 1979).
    """
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for inputs, _ in samples.in_order(CHUNK_SAMPLES):
        values = inputs.reshape(-1, inputs.shape[-1]).astype(np.float64)
        values = values[~np.isnan(values).any(axis=1)]
        own = values.mean(axis=0)
        gap, total = own - mean, count + len(values)
        squares = squares + ((values - own) ** 2).sum(axis=0) + gap**2 * (count * len(values) / total)
        mean = mean + gap * (len(values) / total)
        count = total
    return mean, squares / count


def spread_of(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """The variance to divide channels by, whatever their unit: of one that does not move, 1.

    Below the millionth of a channel's own size there are rounding errors of 32 bits and nothing else.
    """
    return np.where(variance > (LEAST_RELATIVE_SPREAD * mean) ** 2, variance, 1.0)


def check_lengths(name: str, split: Split | ShardedSplit, length: int, channels: int) -> None:
    """Refuses sequences that the network cannot read, naming the longest.

    Raises:
        JobFailed: when one is longer than `length` or of other channels.
    """
    steps, longest = max((len(sample), -number) for number, sample in enumerate(split))
    if steps > length:
        raise JobFailed(
            f"Record {-longest} of the channel {name} has {steps:,} steps, but the network reads {length:,}. Cut it "
            "into windows, or raise sequence_length."
        )
    width = channels_of(split)
    if width != channels:
        raise JobFailed(
            f"The channel {name} has sequences of {width} channels, the channel train of {channels}."
        )


def check_augmentation(settings: SequenceHyperparameters, channels: int) -> None:
    """Refuses changes of training samples that the channels do not allow."""
    if settings.rotation_degrees and channels % 3:
        raise JobFailed(
            f"rotation_degrees turns channels three by three, but the sequences have {channels}. Set it to 0."
        )
    mirrored = [int(part) for part in settings.mirrored_channels.split(",") if part]
    if mirrored and max(mirrored) >= channels:
        raise JobFailed(
            f"mirrored_channels names the channel {max(mirrored)}, but the sequences have {channels}, 0 to "
            f"{channels - 1}."
        )

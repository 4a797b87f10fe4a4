"""Reads and writes a channel: TFRecord shards of encoded images or texts with their labels, and labels.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from model_code.failures import JobFailed

FEATURE_OF_KIND = {"cnn": "image", "rnn": "text"}
RECORDS_PER_SHARD = 10_000
LABELS_FILE = "labels.json"


@dataclass(frozen=True)
class Split:
    """One split in memory.

    Attributes:
        samples: encoded images or UTF-8 texts, N of them.
        targets: int32 array [N], positions in `labels`.
        labels: the classes' names.
    """

    samples: list[bytes]
    targets: np.ndarray
    labels: list[str]


def write_split(
    directory: Path, feature: str, samples: Sequence[bytes], targets: Iterable[int], labels: Sequence[str]
) -> None:
    """Writes shards `part-00000.tfrecord` … of at most RECORDS_PER_SHARD records and the labels."""
    directory.mkdir(parents=True, exist_ok=True)
    targets = list(targets)
    for shard, start in enumerate(range(0, len(samples), RECORDS_PER_SHARD)):
        stop = start + RECORDS_PER_SHARD
        with tf.io.TFRecordWriter(str(directory / f"part-{shard:05d}.tfrecord")) as writer:
            for sample, target in zip(samples[start:stop], targets[start:stop], strict=True):
                writer.write(example(feature, sample, target).SerializeToString())
    (directory / LABELS_FILE).write_text(json.dumps(list(labels)))


def example(feature: str, sample: bytes, target: int) -> tf.train.Example:
    """One record."""
    features = {
        feature: tf.train.Feature(bytes_list=tf.train.BytesList(value=[sample])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[int(target)])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))


def read_split(directory: Path, kind: str) -> Split:
    """Reads every shard of a channel.

    Raises:
        JobFailed: when the channel is missing or empty, a shard is damaged, or a label is not one of labels.json.
    """
    labels = read_labels(directory)
    shards = sorted(str(path) for path in directory.glob("*.tfrecord"))
    if not shards:
        raise JobFailed(f"The channel {directory} holds no *.tfrecord file; write at least one shard to it.")
    feature = FEATURE_OF_KIND[kind]
    schema = {feature: tf.io.FixedLenFeature([], tf.string), "label": tf.io.FixedLenFeature([], tf.int64)}
    samples: list[bytes] = []
    targets: list[np.ndarray] = []
    for shard in shards:
        records = tf.data.TFRecordDataset(shard).batch(1024)
        try:
            for batch in records.map(lambda serialized: tf.io.parse_example(serialized, schema)):
                samples.extend(batch[feature].numpy())
                targets.append(batch["label"].numpy())
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
            raise JobFailed(
                f"The shard {shard} cannot be read as records with the features '{feature}' and 'label' "
                f"({type(error).__name__}). Write it again."
            ) from error
    if not samples:
        raise JobFailed(f"The channel {directory} has shards but no record in them.")
    numbers = np.concatenate(targets).astype(np.int32)
    wrong = np.flatnonzero((numbers < 0) | (numbers >= len(labels)))
    if wrong.size:
        raise JobFailed(
            f"Record {wrong[0]} of {directory} has the label {numbers[wrong[0]]}, but {LABELS_FILE} names "
            f"{len(labels)} classes, 0 to {len(labels) - 1}."
        )
    return Split(samples, numbers, labels)


def read_labels(directory: Path) -> list[str]:
    """The classes' names of a channel.

    Raises:
        JobFailed: when the channel or its labels.json is missing or is no list of at least two different names.
    """
    if not directory.is_dir():
        raise JobFailed(f"The channel {directory.name} is missing: there is no {directory}.")
    file = directory / LABELS_FILE
    try:
        labels = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise JobFailed(
            f"{file} cannot be read as a JSON list of class names ({type(error).__name__})."
        ) from error
    names = labels if isinstance(labels, list) and all(isinstance(name, str) for name in labels) else []
    if len(set(names)) < 2 or len(set(names)) != len(names):
        raise JobFailed(f"{file} has to hold a JSON list of at least two different class names.")
    return names

"""Reads and writes a channel: TFRecord shards of images, texts or sensor sequences with labels, and labels.json.

A record is a `tf.train.Example` with the int64 feature `label`, a position in labels.json, and one of:

| feature | holds |
|---|---|
| `image` | bytes: a PNG or JPEG file |
| `text` | bytes: UTF-8 |
| `sequence` | floats: the values step by step, all channels of a step together; and the int64 feature `channels` |

Sequences of one channel may differ in length, not in their number of channels.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from definitions.networks import NETWORKS, RECORDS_PER_SHARD
from model_code.data.image_files import NoImage
from model_code.data.samples import LeftOut, image_of, require_few
from model_code.data.user_files import find_source, read_data
from model_code.failures import JobFailed

# Records that are parsed at a time.
RECORDS_PER_CHUNK = 128
# The same, where several such parts are made ahead.
RECORDS_PER_READ = 32
LABELS_FILE = "labels.json"
# Shards that `stream` reads at a time, and records that it takes of one before it turns to the next.
OPEN_SHARDS = 8
RECORDS_PER_TURN = 16
# Batches made ahead. All these are numbers, not left to tf.data's tuning, which takes what memory it finds.
BATCHES_AHEAD = 2


@dataclass(frozen=True)
class Split:
    """One split in memory.

    Attributes:
        samples: N encoded images, UTF-8 texts, or float32 sequences [steps, channels].
        targets: int32 array [N], positions in `labels`.
        labels: the classes' names.
        feature: `image`, `text` or `sequence`.
    """

    samples: list[bytes] | list[np.ndarray]
    targets: np.ndarray
    labels: list[str]
    feature: str

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[bytes | np.ndarray]:
        return iter(self.samples)

    @property
    def encoded(self) -> list[bytes]:
        """The samples of a split of images or texts; TypeError for one of sequences."""
        if self.feature == "sequence":
            raise TypeError("Sequences are no bytes.")
        return cast(list[bytes], self.samples)

    @property
    def sequences(self) -> list[np.ndarray]:
        """The samples of a split of sequences; TypeError for another."""
        if self.feature != "sequence":
            raise TypeError(f"A split of the feature {self.feature} has no sequences.")
        return cast(list[np.ndarray], self.samples)

    @property
    def class_counts(self) -> np.ndarray:
        """Samples of each class, int [C]."""
        return np.bincount(self.targets, minlength=len(self.labels))


def write_split(
    directory: Path,
    feature: str,
    samples: Iterable[bytes | np.ndarray],
    targets: Iterable[int],
    labels: Sequence[str],
) -> None:
    """Writes shards `part-00000.tfrecord` … of at most RECORDS_PER_SHARD records and the labels.

    Samples are taken one at a time, so a generator of them needs no more memory than its largest.
    """
    directory.mkdir(parents=True, exist_ok=True)
    pairs = zip(samples, targets, strict=True)
    for shard in itertools.count():
        part = itertools.islice(pairs, RECORDS_PER_SHARD)
        first = next(part, None)
        if first is None:
            break
        with tf.io.TFRecordWriter(str(directory / f"part-{shard:05d}.tfrecord")) as writer:
            for sample, target in itertools.chain([first], part):
                writer.write(example(feature, sample, target).SerializeToString())
    (directory / LABELS_FILE).write_text(json.dumps(list(labels)), encoding="utf-8")


def example(feature: str, sample: bytes | np.ndarray, target: int) -> tf.train.Example:
    """One record."""
    features = {"label": tf.train.Feature(int64_list=tf.train.Int64List(value=[int(target)]))}
    if isinstance(sample, np.ndarray):
        values = tf.train.FloatList(value=np.ravel(sample))
        features[feature] = tf.train.Feature(float_list=values)
        features["channels"] = tf.train.Feature(int64_list=tf.train.Int64List(value=[sample.shape[1]]))
    else:
        features[feature] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[sample]))
    return tf.train.Example(features=tf.train.Features(feature=features))


def read_split(directory: Path, kind: str) -> Split:
    """Reads every shard of a channel; one without shards is read as `model_code.data.user_files` says.

    Raises:
        JobFailed: when the channel is missing or empty, a shard is damaged, a label is not one of labels.json, or a
            sequence is empty, holds no number, or has another number of channels than the first.
    """
    if directory.is_dir() and not find_shards(directory) and (source := find_source(directory)):
        return read_plain_split(directory, source, kind)
    features, samples, targets = zip(*chunks_of(directory, kind), strict=True)
    everything = list(itertools.chain.from_iterable(samples))
    return Split(everything, np.concatenate(targets), read_labels(directory), features[0])


def chunks_of(directory: Path, kind: str) -> Iterator[tuple[str, list[bytes] | list[np.ndarray], np.ndarray]]:
    """The records of every shard in order, RECORDS_PER_CHUNK at a time and checked: feature, samples, int32 targets.

    See `read_split` for what is raised.
    """
    labels = read_labels(directory)
    feature, channels, position = None, None, 0
    for shard in shards_of(directory):
        try:
            for serialized in tf.data.TFRecordDataset(shard).batch(RECORDS_PER_CHUNK):
                feature = feature or feature_of(tf.train.Example.FromString(serialized[0].numpy()), kind)
                batch = tf.io.parse_example(serialized, schema_of(feature))
                samples = samples_of(batch, feature)
                if feature == "sequence":
                    channels = check_sequences(cast(list[np.ndarray], samples), directory, position, channels)
                yield feature, samples, checked_targets(batch["label"].numpy(), labels, directory, position)
                position += len(samples)
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError, DecodeError) as error:
            raise unreadable(shard, kind, error) from error
    if not position:
        raise JobFailed(f"The channel {directory} has shards but no record in them.")


def checked_targets(numbers: np.ndarray, labels: Sequence[str], directory: Path, first: int) -> np.ndarray:
    """Labels of the records from number `first` on, as int32; see `read_split` for what is raised."""
    wrong = np.flatnonzero((numbers < 0) | (numbers >= len(labels)))
    if wrong.size:
        raise JobFailed(
            f"Record {first + wrong[0]} of {directory} has the label {numbers[wrong[0]]}, but {LABELS_FILE} names "
            f"{len(labels)} classes, 0 to {len(labels) - 1}."
        )
    return numbers.astype(np.int32)


def read_plain_split(directory: Path, source: Path, kind: str) -> Split:
    """A channel of plain data. Its classes are those of its labels.json, or else the names that occur, sorted.

    What cannot be used is named in the job's log and left out; see `user_files.read_data` for when it is too much.
    """
    data = read_data(source)
    if data.feature not in NETWORKS[kind].features:
        raise JobFailed(
            f"{source} holds samples of the feature '{data.feature}', which the {kind} does not read."
        )
    names = sorted({sample.label for sample in data.samples})
    labels = read_labels(directory) if (directory / LABELS_FILE).exists() else names
    unknown = sorted(set(names) - set(labels))
    if unknown:
        raise JobFailed(f"{source} has the class '{unknown[0]}', which {LABELS_FILE} does not name.")
    if len(labels) < 2:
        raise JobFailed(f"{source} has the one class '{labels[0]}'; a classifier needs two at least.")
    contents, targets, left_out = [], [], list(data.left_out)
    for sample in data.samples:
        try:
            contents.append(image_of(sample) if data.feature == "image" else sample.content)
            targets.append(labels.index(sample.label))
        except NoImage as failure:
            left_out.append(LeftOut(sample.place, str(failure)))
    require_few(left_out, len(data.samples) + len(data.left_out))
    for one in left_out:
        print(f"warning: left out: {one}", flush=True)
    return Split(contents, np.array(targets, np.int32), labels, data.feature)


def find_shards(directory: Path) -> list[str]:
    """The paths of a channel's shards in the order of their names; empty where it is missing or of plain data."""
    return sorted(str(path) for path in directory.glob("*.tfrecord"))


def shards_of(directory: Path) -> list[str]:
    """The paths of a channel's shards in the order of their names.

    Raises:
        JobFailed: when there is none.
    """
    shards = find_shards(directory)
    if not shards:
        raise JobFailed(
            f"The channel {directory} holds no *.tfrecord file, no folder of images by class, and no data file."
        )
    return shards


def feature_of(record: tf.train.Example, kind: str) -> str:
    """Which of the kind's features a record has; the kind's first where it has none of them."""
    present = record.features.feature
    return next((name for name in NETWORKS[kind].features if name in present), NETWORKS[kind].features[0])


def schema_of(feature: str) -> dict:
    """How TensorFlow parses records with that feature."""
    number = tf.io.FixedLenFeature([], tf.int64)
    if feature == "sequence":
        return {feature: tf.io.RaggedFeature(tf.float32), "channels": number, "label": number}
    return {feature: tf.io.FixedLenFeature([], tf.string), "label": number}


def samples_of(batch: dict, feature: str) -> list[bytes] | list[np.ndarray]:
    """The samples of a parsed batch; a sequence whose values fill no whole step is left as one row, to be refused."""
    if feature != "sequence":
        return batch[feature].numpy().tolist()
    values, splits = batch[feature].values.numpy(), batch[feature].row_splits.numpy()
    rows = [values[start:stop] for start, stop in itertools.pairwise(splits)]
    return [
        row.reshape(-1, channels) if channels > 0 and row.size % channels == 0 else row
        for row, channels in zip(rows, batch["channels"].numpy(), strict=True)
    ]


def check_sequences(
    samples: list[np.ndarray], directory: Path, first: int, channels: int | None
) -> int | None:
    """Refuses what no network can read; see `read_split` for what is raised.

    Args:
        samples: those of the records from number `first` on.
        directory: the channel.
        first: see `samples`.
        channels: of the channel's first record; None where that is among the samples.

    Returns:
        The first record's channels.
    """
    for position, sample in enumerate(samples, start=first):
        where = f"Record {position} of {directory}"
        if sample.ndim != 2:
            raise JobFailed(f"{where} holds {sample.size} values, which fill no whole steps of its channels.")
        if not len(sample):
            raise JobFailed(f"{where} is a sequence of length 0. Leave it out, or record it again.")
        channels = channels or sample.shape[1]
        if sample.shape[1] != channels:
            raise JobFailed(f"{where} has {sample.shape[1]} channels, but the first record has {channels}.")
        if not np.isfinite(sample).all():
            step = 1 + int(np.flatnonzero(~np.isfinite(sample).all(axis=1))[0])
            raise JobFailed(
                f"{where} holds no number at step {step}. Fill the gap, or leave the sequence out."
            )
    return channels


def unreadable(shard: str, kind: str, error: Exception) -> JobFailed:
    """The failure of a damaged or foreign shard."""
    wanted = " or ".join(f"'{name}'" for name in NETWORKS[kind].features)
    return JobFailed(
        f"The shard {shard} cannot be read as records with the features {wanted} and 'label' "
        f"({type(error).__name__}). Write it again, or train the network that fits what it holds."
    )


def stream(
    directory: Path,
    kind: str,
    *,
    batch_size: int,
    seed: int,
    epoch: int,
    first_batch: int = 0,
    shuffle_records: int = 4096,
) -> tf.data.Dataset:
    """One epoch's batches straight from the shards, for a channel that is larger than the memory.

    No more than `shuffle_records` records and a few batches are in memory at a time. The order is a function of the
    shards, `seed` and `epoch` alone: the shards are permuted, OPEN_SHARDS of them read by turns, and their records
    shuffled; so a run that is resumed at `first_batch` sees what it would have seen.

    Args:
        directory: the channel; `read_split` checks one that fits the memory, here a bad record ends the iteration
            with TensorFlow's error.
        kind: of the network.
        batch_size: records of a batch; what is left at the end is dropped.
        seed: of the run.
        epoch: counted from 0.
        first_batch: batches to skip.
        shuffle_records: records among which the next is drawn.

    Returns:
        A data set of (samples, targets): string [batch_size], or float32 [batch_size, steps, channels] padded behind
        with NaN to the longest of the batch; and int32 [batch_size].

    Raises:
        JobFailed: when the channel has no shard, or its first record cannot be read.
    """
    shards = shards_of(directory)
    feature = feature_of(first_record(directory, kind), kind)
    generator = np.random.default_rng((seed, epoch))
    files = tf.data.Dataset.from_tensor_slices([shards[i] for i in generator.permutation(len(shards))])
    records = files.interleave(
        tf.data.TFRecordDataset,
        cycle_length=OPEN_SHARDS,
        # One thread reads: several would each keep records of shards whose turn has not come.
        block_length=RECORDS_PER_TURN,
    )
    shuffled = records.shuffle(
        shuffle_records, seed=int(generator.integers(2**31)), reshuffle_each_iteration=False
    )
    return parsed(shuffled.batch(batch_size, drop_remainder=True).skip(first_batch), feature)


def in_order(directory: Path, kind: str) -> tf.data.Dataset:
    """Every record of the shards in their order, as `stream` yields them, in batches of RECORDS_PER_READ."""
    records = tf.data.TFRecordDataset(shards_of(directory))
    return parsed(records.batch(RECORDS_PER_READ), feature_of(first_record(directory, kind), kind))


def first_record(directory: Path, kind: str) -> tf.train.Example:
    """The channel's first record.

    Raises:
        JobFailed: when there is none, or it cannot be read.
    """
    shards = shards_of(directory)
    try:
        first = next(iter(tf.data.TFRecordDataset(shards).take(1)), None)
        if first is None:
            raise JobFailed(f"The channel {directory} has shards but no record in them.")
        return tf.train.Example.FromString(first.numpy())
    except (tf.errors.DataLossError, DecodeError) as error:
        raise unreadable(shards[0], kind, error) from error


def parsed(batches: tf.data.Dataset, feature: str) -> tf.data.Dataset:
    """Batches of serialized records as samples and targets."""
    return batches.map(
        lambda serialized: tensors_of(tf.io.parse_example(serialized, schema_of(feature)), feature),
        num_parallel_calls=BATCHES_AHEAD,
        deterministic=True,
    ).prefetch(BATCHES_AHEAD)


def tensors_of(batch: dict, feature: str) -> tuple[tf.Tensor, tf.Tensor]:
    """A parsed batch as `stream` yields it."""
    targets = tf.cast(batch["label"], tf.int32)
    if feature != "sequence":
        return batch[feature], targets
    values, channels = batch[feature], batch["channels"][0]
    steps = tf.RaggedTensor.from_uniform_row_length(values.values, channels)
    sequences = tf.RaggedTensor.from_row_splits(steps, tf.cast(values.row_splits, tf.int64) // channels)
    return sequences.to_tensor(float("nan")), targets


def read_labels(directory: Path) -> list[str]:
    """The classes' names of a channel.

    Raises:
        JobFailed: when the channel or its labels.json is missing or is no list of at least two different names.
    """
    if not directory.is_dir():
        raise JobFailed(f"The channel {directory.name} is missing: there is no {directory}.")
    file = directory / LABELS_FILE
    try:
        labels = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise JobFailed(
            f"{file} cannot be read as a JSON list of class names ({type(error).__name__})."
        ) from error
    names = labels if isinstance(labels, list) and all(isinstance(name, str) for name in labels) else []
    if len(set(names)) < 2 or len(set(names)) != len(names):
        raise JobFailed(f"{file} has to hold a JSON list of at least two different class names.")
    return names

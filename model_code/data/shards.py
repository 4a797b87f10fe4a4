"""A channel that would take too much memory: read once to check and count it, and from then on a little at a time."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_code.data.records import (
    Split,
    chunks_of,
    feature_of,
    find_shards,
    first_record,
    read_labels,
    read_split,
)
from model_code.hyperparameters import Hyperparameters, ImageHyperparameters, SequenceHyperparameters

MEGABYTE = 1_000_000
# Before a record in a shard stands its length; with two checksums that makes its frame (TensorFlow's record_writer.h).
LENGTH_BYTES, FRAME_BYTES = 8, 16


@dataclass(frozen=True)
class ShardedSplit:
    """One split that stays on disk.

    Attributes:
        directory: of its shards.
        kind: of the network that reads it.
        labels: the classes' names.
        feature: `image`, `text` or `sequence`.
        class_counts: samples of each class, int [C].
        record_bytes: of a record on the average.
        digest: of all samples and targets.
    """

    directory: Path
    kind: str
    labels: list[str]
    feature: str
    class_counts: np.ndarray
    record_bytes: float
    digest: str

    def __len__(self) -> int:
        return int(self.class_counts.sum())

    def __iter__(self) -> Iterator[bytes | np.ndarray]:
        chunks = chunks_of(self.directory, self.kind)
        return itertools.chain.from_iterable(samples for _, samples, _ in chunks)


def open_split(directory: Path, settings: Hyperparameters) -> Split | ShardedSplit:
    """The split of a channel, in memory unless it would take more than `memory_limit_megabytes`.

    Plain data is always read whole.

    Raises:
        JobFailed: see `records.read_split`.
    """
    shards = find_shards(directory)
    if not shards or memory_bytes(directory, settings) <= settings.memory_limit_megabytes * MEGABYTE:
        return read_split(directory, settings.kind)
    labels = read_labels(directory)
    feature = feature_of(first_record(directory, settings.kind), settings.kind)
    counts = np.zeros(len(labels), np.int64)
    digest = hashlib.sha256()
    for _, samples, targets in chunks_of(directory, settings.kind):
        counts += np.bincount(targets, minlength=len(labels))
        digest.update(targets.tobytes())
        for sample in samples:
            content = sample if isinstance(sample, bytes) else sample.tobytes()
            digest.update(len(content).to_bytes(8, "big") + content)
    size = sum(Path(shard).stat().st_size for shard in shards)
    return ShardedSplit(
        directory, settings.kind, labels, feature, counts, size / counts.sum(), digest.hexdigest()
    )


def memory_bytes(directory: Path, settings: Hyperparameters) -> int:
    """About what a channel of shards would take in memory: its records, and what the network reads of each."""
    shards = [Path(shard) for shard in find_shards(directory)]
    if isinstance(settings, ImageHyperparameters):
        bytes_of_input = settings.image_size**2 * 3
    elif isinstance(settings, SequenceHyperparameters):
        record = first_record(directory, settings.kind)
        # A text has none, and a sequence without them is refused when it is read.
        channels = max([1, *record.features.feature["channels"].int64_list.value])
        bytes_of_input = settings.sequence_length * channels * 4
    else:
        raise TypeError(f"What a network reads of a sample is not known of {type(settings).__name__}.")
    count = sum(record_count(shard) for shard in shards)
    return sum(shard.stat().st_size for shard in shards) + count * bytes_of_input


def record_count(shard: Path) -> int:
    """The records of a shard by their lengths alone; of a damaged one, which reading refuses, some number."""
    count, position, size = 0, 0, shard.stat().st_size
    with shard.open("rb") as file:
        while position < size:
            file.seek(position)
            position += FRAME_BYTES + int.from_bytes(file.read(LENGTH_BYTES), "little")
            count += 1
    return count

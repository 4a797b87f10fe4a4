"""What a network learns from: arrays in memory, or shards that are read anew in every epoch."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf

from model_code.data.records import in_order, stream
from model_code.data.shards import MEGABYTE, ShardedSplit
from model_code.failures import JobFailed

Batch = tuple[np.ndarray, np.ndarray]
"""Inputs and int32 targets: of one batch [batch, …], or of the batches of several steps [steps, batch, …]."""

MOST_SHUFFLED_RECORDS = 4096
# Records that wait in a random order may take so much of the memory limit.
SHUFFLED_SHARE = 0.25


@dataclass(frozen=True)
class Arrays:
    """Samples in memory.

    Attributes:
        inputs: uint8 images [N, H, W, 3], int32 word numbers [N, L] or float32 steps [N, L, channels].
        targets: int32 [N].
    """

    inputs: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def input_spec(self) -> tf.TensorSpec:
        """Of one sample."""
        return tf.TensorSpec(self.inputs.shape[1:], self.inputs.dtype)

    @property
    def digest(self) -> str:
        """Of all samples and targets."""
        digest = hashlib.sha256()
        for array in (self.inputs, self.targets):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Every sample once; the last batch may be smaller."""
        for start in range(0, len(self), batch_size):
            part = slice(start, start + batch_size)
            yield self.inputs[part], self.targets[part]

    def epoch(self, number: int, *, batch_size: int, seed: int) -> ArrayEpoch:
        """The batches of an epoch, in an order that is a function of seed and number."""
        return ArrayEpoch(self, number, batch_size, seed)


class ArrayEpoch:
    """The batches of one epoch of `Arrays`."""

    def __init__(self, samples: Arrays, number: int, batch_size: int, seed: int) -> None:
        steps = len(samples) // batch_size
        order = np.random.default_rng((seed, number)).permutation(len(samples))
        self.positions = order[: steps * batch_size].reshape(steps, batch_size)
        self.samples = samples

    def __getitem__(self, steps: slice) -> Batch:
        """The batches of some steps."""
        chosen = self.positions[steps]
        return self.samples.inputs[chosen], self.samples.targets[chosen]


@dataclass(frozen=True)
class Shards:
    """Samples on disk.

    Attributes:
        split: where they are.
        encode: from samples as `records.stream` yields them to the network's inputs, in TensorFlow's graph.
        memory_limit_megabytes: a share of it holds the records among which the next one is drawn.
    """

    split: ShardedSplit
    encode: Callable[[tf.Tensor], tf.Tensor]
    memory_limit_megabytes: int

    def __len__(self) -> int:
        return len(self.split)

    @cached_property
    def input_spec(self) -> tf.TensorSpec:
        """Of one sample."""
        inputs, _ = next(self.in_order(1))
        return tf.TensorSpec(inputs.shape[1:], inputs.dtype)

    @property
    def digest(self) -> str:
        """Of all samples and targets."""
        return self.split.digest

    def in_order(self, batch_size: int) -> Iterator[Batch]:
        """Every sample once; the last batch may be smaller."""
        return self.encoded(in_order(self.split.directory, self.split.kind), batch_size)

    def epoch(self, number: int, *, batch_size: int, seed: int) -> ShardEpoch:
        """The batches of an epoch, in an order that is a function of the shards, the memory limit, seed and number."""
        most = self.memory_limit_megabytes * MEGABYTE * SHUFFLED_SHARE / self.split.record_bytes
        shuffled = max(batch_size, min(MOST_SHUFFLED_RECORDS, int(most)))

        def read(first_batch: int) -> Iterator[Batch]:
            return self.encoded(
                stream(
                    self.split.directory,
                    self.split.kind,
                    batch_size=batch_size,
                    seed=seed,
                    epoch=number,
                    first_batch=first_batch,
                    shuffle_records=shuffled,
                )
            )

        return ShardEpoch(read, len(self) // batch_size)

    def encoded(self, batches: tf.data.Dataset, batch_size: int | None = None) -> Iterator[Batch]:
        """Batches with the network's inputs; of another size where one is given.

        Raises:
            JobFailed: when a sample cannot be decoded, or a shard is no longer what it was when it was checked.
        """
        encoded = batches.map(lambda samples, targets: (self.encode(samples), targets))
        if batch_size is not None:
            encoded = encoded.unbatch().batch(batch_size)
        try:
            yield from encoded.as_numpy_iterator()
        except tf.errors.InvalidArgumentError as error:
            raise JobFailed(
                f"A sample of {self.split.directory} cannot be decoded: {first_line(error)}"
            ) from error
        except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
            raise JobFailed(
                f"A shard of {self.split.directory} can no longer be read ({type(error).__name__})."
            ) from error


class ShardEpoch:
    """The batches of one epoch of `Shards`, which are read on from where the last ones were."""

    def __init__(self, read: Callable[[int], Iterator[Batch]], step_count: int) -> None:
        self.read, self.step_count = read, step_count
        self.batches: Iterator[Batch] = iter(())
        self.position: int | None = None

    def __getitem__(self, steps: slice) -> Batch:
        """The batches of some steps."""
        start, stop, _ = steps.indices(self.step_count)
        if start != self.position:
            self.batches = self.read(start)
        inputs, targets = zip(*itertools.islice(self.batches, stop - start), strict=True)
        self.position = stop
        return np.stack(inputs), np.stack(targets)


def first_line(error: tf.errors.OpError) -> str:
    """TensorFlow's own words without the graph around them."""
    return (error.message or type(error).__name__).splitlines()[0][:200]

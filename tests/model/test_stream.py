"""A channel larger than the memory is read in an order that a resumed run sees again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model_code.data import records
from model_code.data.records import stream, write_split
from model_code.failures import JobFailed


@pytest.fixture
def numbered(tmp_path, monkeypatch) -> Path:
    """Two hundred texts in twenty shards; each text is its own number."""
    monkeypatch.setattr(records, "RECORDS_PER_SHARD", 10)
    texts = (str(i).encode() for i in range(200))
    write_split(tmp_path / "train", "text", texts, (i % 2 for i in range(200)), ["even", "odd"])
    assert len(list((tmp_path / "train").glob("*.tfrecord"))) == 20
    return tmp_path / "train"


def batches_of(directory: Path, **words) -> list[list[int]]:
    """The numbers of each batch."""
    read = stream(
        directory, "rnn", **{"batch_size": 16, "seed": 3, "epoch": 0, "shuffle_records": 50, **words}
    )
    batches = []
    for texts, targets in read:
        numbers = [int(text) for text in texts.numpy()]
        assert [number % 2 for number in numbers] == targets.numpy().tolist()
        batches.append(numbers)
    return batches


def test_an_epoch_has_every_record_once_but_for_the_rest_of_a_batch(numbered):
    batches = batches_of(numbered)

    everything = [number for batch in batches for number in batch]
    assert [len(batch) for batch in batches] == [16] * 12
    assert len(set(everything)) == len(everything)
    assert set(everything) < set(range(200))


def test_the_order_is_a_function_of_seed_and_epoch(numbered):
    first = batches_of(numbered)

    assert batches_of(numbered) == first
    assert batches_of(numbered, epoch=1) != first
    assert batches_of(numbered, seed=4) != first


def test_batches_are_drawn_from_all_over_the_channel(numbered):
    first = batches_of(numbered)[0]

    assert len({number // 10 for number in first}) >= 4, (
        "of one batch's 16 records, from four shards at least"
    )


def test_a_resumed_epoch_goes_on_where_it_was(numbered):
    assert batches_of(numbered, first_batch=5) == batches_of(numbered)[5:]


def test_sequences_are_padded_to_the_longest_of_their_batch(tmp_path):
    sequences = [np.full((length, 2), length, np.float32) for length in (1, 3, 2, 3)]
    write_split(tmp_path / "train", "sequence", sequences, [0, 1, 0, 1], ["a", "b"])

    ((values, targets),) = stream(tmp_path / "train", "rnn", batch_size=4, seed=0, epoch=0)

    assert values.shape == (4, 3, 2)
    assert targets.dtype == tf.int32
    for row in values.numpy():
        length = int(row[0, 0])
        assert (row[:length] == length).all()
        assert np.isnan(row[length:]).all()


def test_a_channel_without_shards_is_refused(tmp_path):
    with pytest.raises(JobFailed, match=r"holds no \*\.tfrecord file"):
        stream(tmp_path, "rnn", batch_size=4, seed=0, epoch=0)

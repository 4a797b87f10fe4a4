"""A channel beyond the memory limit trains from its shards as one in memory would, in memory that does not grow."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import model_code
from model_code.data import records
from model_code.data.batches import Arrays, Shards
from model_code.data.records import Split, read_split, write_split
from model_code.data.shards import MEGABYTE, ShardedSplit, memory_bytes, open_split, record_count
from model_code.failures import JobFailed
from model_code.hyperparameters import KINDS, build
from model_code.training.tasks import load_task, mean_and_variance

from .conftest import KIND_OF_CHANNELS, TINY


def settings_of(name: str, **values):
    """The tests' tiny hyperparameters for one of the channels."""
    return dataclasses.replace(build(KINDS[KIND_OF_CHANNELS[name]], TINY[name]), **values)


@pytest.fixture(scope="module", params=["cnn", "rnn", "sensor"])
def tasks(request, channels) -> tuple:
    """The same channels in memory and on disk."""
    directory = channels[request.param]
    return tuple(
        load_task(
            settings_of(request.param, memory_limit_megabytes=limit),
            directory / "train",
            directory / "validation",
        )
        for limit in (4_000, 0)
    )


def test_shards_hold_what_arrays_would(tasks):
    in_memory, on_disk = tasks
    assert isinstance(in_memory.train, Arrays)
    assert isinstance(on_disk.train, Shards)
    for ours, theirs in ((on_disk.train, in_memory.train), (on_disk.validation, in_memory.validation)):
        inputs, targets = (np.concatenate(parts) for parts in zip(*ours.in_order(37), strict=True))

        assert (len(ours), ours.input_spec) == (len(theirs), theirs.input_spec)
        np.testing.assert_array_equal(inputs, theirs.inputs)
        np.testing.assert_array_equal(targets, theirs.targets)


def test_the_network_is_the_one_that_arrays_would_give(tasks):
    in_memory, on_disk = (task.build_network() for task in tasks)

    assert [weight.shape for weight in on_disk.weights] == [weight.shape for weight in in_memory.weights]
    if tasks[0].feature != "text":
        for ours, theirs in zip(*(mean_and_variance(task.train) for task in tasks), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_first_layer_that_comes_from_the_images_is_the_same_from_disk(channels):
    kernels = []
    for limit in (4_000, 0):
        settings = settings_of("cnn", whitening=True, memory_limit_megabytes=limit)
        task = load_task(settings, channels["cnn"] / "train", channels["cnn"] / "validation")
        stem = task.build_network().layers[2]
        assert not stem.trainable
        kernels += stem.get_weights()

    assert kernels[0].shape == (2, 2, 3, 24)
    np.testing.assert_array_equal(*kernels)


def test_an_epoch_on_disk_has_each_sample_once_with_its_own_target(tasks):
    in_memory, on_disk = tasks

    inputs, targets = on_disk.train.epoch(0, batch_size=40, seed=3)[:]

    assert (inputs.shape[:2], targets.shape) == ((5, 40), (5, 40))
    pairs = [
        sorted(one.tobytes() + bytes([target]) for one, target in samples)
        for samples in (
            zip(inputs.reshape(200, *inputs.shape[2:]), targets.ravel(), strict=True),
            zip(in_memory.train.inputs, in_memory.train.targets, strict=True),
        )
    ]
    assert pairs[0] == pairs[1]


def test_an_epoch_that_is_taken_up_again_goes_on_where_it_was(tasks):
    _, on_disk = tasks
    whole = on_disk.train.epoch(1, batch_size=16, seed=3)[:]
    piecewise = on_disk.train.epoch(1, batch_size=16, seed=3)

    for first, last in ((0, 3), (3, 4), (8, 20), (2, 5)):
        for ours, theirs in zip(piecewise[first:last], whole, strict=True):
            np.testing.assert_array_equal(ours, theirs[first:last])


def test_the_memory_limit_decides_where_the_samples_are(channels):
    directory = channels["sensor"] / "train"
    needed = memory_bytes(directory, settings_of("sensor"))
    shard = directory / "part-00000.tfrecord"

    assert record_count(shard) == 200
    assert needed == shard.stat().st_size + 200 * 24 * 3 * 4
    limit = -(-needed // MEGABYTE)
    assert isinstance(open_split(directory, settings_of("sensor", memory_limit_megabytes=limit)), Split)
    below = settings_of("sensor", memory_limit_megabytes=limit - 1)
    assert isinstance(open_split(directory, below), ShardedSplit)


def test_another_sample_has_another_digest(channels, tmp_path):
    split = read_split(channels["rnn"] / "train", "rnn")
    targets = split.targets.tolist()
    for name, samples in (("same", split.samples), ("other", [b"changed", *split.samples[1:]])):
        write_split(tmp_path / name, "text", samples, targets, split.labels)
    settings = settings_of("rnn", memory_limit_megabytes=0)

    own, same, other = (
        open_split(directory, settings).digest
        for directory in (channels["rnn"] / "train", tmp_path / "same", tmp_path / "other")
    )

    assert own == same != other


@pytest.mark.parametrize(
    ("feature", "samples", "targets", "sentence"),
    [
        ("image", [b"no image"] * 64, [0, 1] * 32, "A sample of .* cannot be decoded: "),
        ("image", [b"", b""], [0, 2], "Record 1 of .* has the label 2, but labels.json names 2 classes"),
        ("image", [b""] * 64, [0] * 64, "The channel train has no sample of the class 'b'"),
        ("sequence", [np.ones((2, 1)), np.ones((0, 1))], [0, 1], "Record 1 of .* is a sequence of length 0"),
        (
            "sequence",
            [np.ones((1, 1))] * 200 + [np.ones((1, 2))],
            [0, 1] * 100 + [0],
            "Record 200 of .* has 2 chan",
        ),
        (
            "sequence",
            [np.ones((4, 1))] * 63 + [np.ones((100_000, 1))],
            [0, 1] * 32,
            "Record 63 of the channel train has 100,000 steps",
        ),
    ],
)
def test_a_bad_sample_on_disk_is_named(tmp_path, feature, samples, targets, sentence):
    write_split(tmp_path, feature, samples, targets, ["a", "b"])
    settings = settings_of("cnn" if feature == "image" else "sensor", memory_limit_megabytes=0)

    with pytest.raises(JobFailed, match=sentence):
        load_task(settings, tmp_path, tmp_path)


def test_a_shard_that_is_damaged_while_training_is_named(channels, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "RECORDS_PER_SHARD", 20)
    split = read_split(channels["rnn"] / "train", "rnn")
    write_split(tmp_path, "text", split.samples, split.targets, split.labels)
    task = load_task(settings_of("rnn", memory_limit_megabytes=0), tmp_path, tmp_path)
    shutil.copy(tmp_path / "labels.json", tmp_path / "part-00003.tfrecord")

    with pytest.raises(JobFailed, match=r"A shard of .* can no longer be read \(DataLossError\)\."):
        task.train.epoch(0, batch_size=16, seed=0)[:]


PROGRAM = """
from model_code.light_import import import_tensorflow
import_tensorflow()
import io, resource, sys
from pathlib import Path
import numpy as np
from PIL import Image
from model_code.data import records
from model_code.hyperparameters import CnnHyperparameters
from model_code.training.trainer import Trainer
from model_code.training.tasks import load_task
records.RECORDS_PER_SHARD = 20
buffer = io.BytesIO()
Image.fromarray(np.zeros((180, 180, 3), np.uint8)).save(buffer, "PNG", compress_level=0)
settings = CnnHyperparameters(batch_size=8, width=4, image_size=16, memory_limit_megabytes=4)
# The first only makes what a process makes once.
for shards in (9, 10, 60):
    root, count = Path(sys.argv[1]) / str(shards), 20 * shards
    images = (buffer.getvalue() for _ in range(count))
    records.write_split(root, "image", images, (i % 2 for i in range(count)), ["a", "b"])
    task = load_task(settings, root, root)
    trainer = Trainer(task.build_network, settings, task.train, 2)
    epoch = trainer.batches_of_epoch(0)
    for step in range(0, trainer.steps_per_epoch, 20):
        trainer.advance(epoch[step : step + 20], step)
    trainer.measure(task.validation)
    print(trainer.sample_count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_the_peak_memory_of_training_does_not_grow_with_the_number_of_shards(tmp_path):
    """Training on six times as much, 100 MB more, takes at most a third of that: the allocator's noise."""
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=Path(model_code.__file__).parents[1],
        capture_output=True,
        text=True,
    )

    assert finished.returncode == 0, finished.stderr[-2000:]
    _, (few, small), (many, large) = (map(int, line.split()) for line in finished.stdout.splitlines())
    assert (few, many) == (200, 1200)
    assert large - small < 33 * 1024, f"the peak rose from {small} to {large} KiB"

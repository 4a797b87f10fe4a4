"""Several devices and several hosts train one network, and it is the network that one device would have trained."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import model_code
from model_code.failures import JobFailed
from model_code.training import checkpoints
from model_code.training.cluster import Cluster

# Without dropout, whose masks depend on how a batch is shared.
WORDS = [
    *("--kind", "rnn", "--units", "4", "--embedding_size", "8", "--sequence_length", "16"),
    *("--batch_size", "16", "--dropout", "0", "--epochs", "6", "--checkpoint_every_steps", "2"),
]

TWO_DEVICES = """
from model_code.light_import import import_tensorflow
import_tensorflow()
import numpy as np
import tensorflow as tf
(processor,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
from model_code.data.batches import Arrays
from model_code.training.trainer import Trainer
"""

RNN_ON_TWO_DEVICES = """
from model_code.hyperparameters import RnnHyperparameters
from model_code.networks.networks import build_rnn
settings = RnnHyperparameters(
    units=4, embedding_size=8, sequence_length=6, dropout=0.0, batch_size=8
)
generator = np.random.default_rng(0)
inputs = generator.integers(0, 20, (64, 6)).astype("int32")
targets = generator.integers(0, 3, 64).astype("int32")
ends = []
for strategy in (tf.distribute.get_strategy(), tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
    with strategy.scope():
        tf.keras.utils.set_random_seed(0)
        build = lambda: build_rnn(settings, 3, vocabulary_numbers=20)
        trainer = Trainer(build, settings, Arrays(inputs, targets), 3)
        sums = trainer.advance(trainer.batches_of_epoch(0)[:], 0)
        ends.append([np.array(sums), *[weight.numpy() for weight in trainer.network.weights]])
        print(strategy.num_replicas_in_sync, "replicas")
for one, two in zip(*ends, strict=True):
    np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)
"""


def printed_on_two_devices(script: str) -> list[str]:
    """The lines that a script prints in a process whose processor is two devices; it has to succeed."""
    finished = subprocess.run(
        [sys.executable, "-c", TWO_DEVICES + script],
        cwd=Path(model_code.__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return finished.stdout.splitlines()


def test_two_devices_end_with_the_weights_of_one():
    assert printed_on_two_devices(RNN_ON_TWO_DEVICES) == ["1 replicas", "2 replicas"]


CNN_ON_TWO_DEVICES = """
from model_code.hyperparameters import CnnHyperparameters
from model_code.networks.networks import build_cnn
settings = CnnHyperparameters(width=4, depth=1, image_size=16, batch_size=8)
generator = np.random.default_rng(0)
images = generator.integers(0, 256, (32, 16, 16, 3)).astype("uint8")
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    trainer = Trainer(lambda: build_cnn(settings, 2), settings, Arrays(images, np.arange(32, dtype="int32") % 2), 2)
    trainer.advance(trainer.batches_of_epoch(0)[:], 0)
    averages = [weight for weight in trainer.network.variables if "moving_mean" in weight.path]
    print(trainer.strategy.num_replicas_in_sync, len(averages))
    for average in averages:
        first, second = (one.numpy() for one in average.value.values)
        np.testing.assert_array_equal(first, second)
        assert np.abs(first).max() > 0
"""


def test_a_cnn_on_two_devices_keeps_one_set_of_moving_averages():
    assert printed_on_two_devices(CNN_ON_TWO_DEVICES) == ["2 3"]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_hosts(job, words: list[str]) -> list:
    """Starts the script as two hosts of one job over the loopback address; the first is the chief."""
    hosts = sorted(f"127.0.0.1:{port}" for port in free_ports(2))
    names = json.dumps(hosts)
    return [job.start_script(words, SM_HOSTS=names, SM_CURRENT_HOST=host) for host in hosts]


def weights_at_the_end(job) -> list[np.ndarray]:
    """The variables of the last checkpoint."""
    return checkpoints.read(job.base / "checkpoints" / job.checkpoints[-1]).arrays


def test_two_hosts_lose_one_are_started_again_and_end_with_a_single_hosts_weights(make_job):
    single, several = make_job("rnn", name="single"), make_job("rnn", name="several")
    single.start_script(WORDS).end()

    chief, worker = start_hosts(several, WORDS)
    deadline = time.monotonic() + 200
    while not several.checkpoints:
        assert chief.process.is_alive(), chief.output[-2000:]
        assert time.monotonic() < deadline, "no checkpoint came"
        time.sleep(0.05)
    worker.process.kill()
    chief.end(1)
    assert several.failure.startswith("Another host of the job no longer answers"), several.failure

    chief, worker = start_hosts(several, WORDS)
    output = chief.end()
    assert "on 2 device(s)" in output
    assert "Resuming at step" in output
    assert "epoch=6" in output
    assert "epoch=" not in worker.end()
    assert (several.base / "model" / "1" / "saved_model.pb").is_file()
    for ours, theirs in zip(weights_at_the_end(several), weights_at_the_end(single), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-2, atol=1e-3)


def test_sagemakers_hosts_become_tensorflows_workers():
    environment = {"SM_HOSTS": '["algo-2", "algo-1"]', "SM_CURRENT_HOST": "algo-2"}

    cluster = Cluster.of_environment(environment)

    assert json.loads(cluster.tensorflow_config) == {
        "cluster": {"worker": ["algo-1:7777", "algo-2:7777"]},
        "task": {"type": "worker", "index": 1},
    }
    assert not cluster.is_chief


def test_outside_sagemaker_there_is_one_host():
    assert Cluster.of_environment({}).is_chief
    assert Cluster.of_environment({}).mean(0.25) == 0.25


def test_a_host_that_the_job_does_not_name_is_refused():
    with pytest.raises(JobFailed, match="SM_CURRENT_HOST is algo-3, which SM_HOSTS does not name"):
        Cluster.of_environment({"SM_HOSTS": '["algo-1"]', "SM_CURRENT_HOST": "algo-3"})

"""A job whose machine is taken away loses nothing: the resumed run ends with the uninterrupted run's weights."""

from __future__ import annotations

import json
import multiprocessing
import random
import time

import numpy as np
import pytest

from model_code import checkpoints

KILLS = {"cnn": 14, "rnn": 6}
# Processes start quickly as forks of one that has imported TensorFlow. Importing starts no thread of TensorFlow's, so
# that a fork is safe; computing would.
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    ["tensorflow", "keras", "model_code.train", "model_code.export", "model_code.problems"]
)
SCRIPT = """
import os, sys
from model_code import train
os.environ.update(environment)
sys.argv = ["train.py", *arguments]
with open(log, "wb") as file:
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
train.run()
"""
# The RNN reads its shards anew in every epoch, the CNN has its samples in memory.
ARGUMENTS = {
    "cnn": "--kind cnn --width 4 --image_size 16 --batch_size 16 --epochs 3 --learning_rate 0.2",
    "rnn": "--kind rnn --units 4 --embedding_size 8 --sequence_length 16 --batch_size 16 --epochs 3 "
    "--memory_limit_megabytes 0",
}
DETERMINISTIC = " --deterministic true --checkpoint_every_steps 2"


def words(kind: str) -> list[str]:
    """The script's arguments."""
    return (ARGUMENTS[kind] + DETERMINISTIC).split()


def wait_for_step(job, process, step: int) -> None:
    """Returns as soon as a checkpoint of `step` or later is there."""
    deadline = time.monotonic() + 120
    while not any(int(name[5:14]) >= step for name in job.checkpoints):
        assert process.is_alive(), f"the script ended before step {step}"
        assert time.monotonic() < deadline, f"no checkpoint of step {step} came"
        time.sleep(0.002)


def final(job) -> checkpoints.Checkpoint:
    """The last checkpoint: every weight, average, random state and optimiser slot at the end."""
    return checkpoints.read(job.base / "checkpoints" / job.checkpoints[-1])


def start(job, arguments: list[str]):
    """Starts the script; its output goes to log.txt."""
    names = {
        "arguments": arguments,
        "environment": job.script_environment(),
        "log": str(job.base / "log.txt"),
    }
    process = FORKED.Process(target=exec, args=(SCRIPT, names), daemon=True)
    process.start()
    return process


def end(job, process) -> str:
    """Waits for the script's end, which has to be a good one; returns what it printed."""
    process.join(240)
    output = (job.base / "log.txt").read_text()
    assert process.exitcode == 0, output[-2000:]
    return output


@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_a_run_killed_at_random_steps_ends_with_the_same_bits(make_job, kind):
    whole, killed = make_job(kind, name="whole"), make_job(kind, name="killed")
    end(whole, start(whole, words(kind)))
    last_step = final(whole).state["step"]
    generator = random.Random(kind)

    for step in sorted(generator.sample(range(2, last_step), KILLS[kind])):
        process = start(killed, words(kind))
        wait_for_step(killed, process, step)
        time.sleep(generator.uniform(0, 0.02))
        process.kill()
        process.join()
    output = end(killed, start(killed, words(kind)))

    assert "Resuming at step" in output
    assert final(killed).state == final(whole).state
    for ours, theirs in zip(final(killed).arrays, final(whole).arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    histories = [json.loads((job.base / "output/data/history.json").read_text()) for job in (killed, whole)]
    assert histories[0] == histories[1]


def test_a_run_that_its_time_limit_ended_takes_no_further_step_when_it_is_started_again(make_job):
    job = make_job("cnn")
    limited = [*words("cnn"), "--epochs", "1000", "--max_seconds", "1"]
    end(job, start(job, limited))
    ended = final(job)

    output = end(job, start(job, limited))

    assert f"Resuming at step {ended.state['step']} of {ended.state['step']}." in output
    assert final(job).state == ended.state
    for ours, theirs in zip(final(job).arrays, ended.arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_sigterm_saves_a_checkpoint_and_ends_without_a_model(make_job):
    job = make_job("cnn")
    process = start(job, [*words("cnn"), "--epochs", "1000"])
    wait_for_step(job, process, 4)

    process.terminate()
    process.join(10)

    assert process.exitcode == 143
    stopped_at = final(job).state["step"]
    assert (
        f"Stopped on request at step {stopped_at}; a checkpoint is saved."
        in (job.base / "log.txt").read_text()
    )
    assert not list((job.base / "model").iterdir())
    assert job.failure == ""

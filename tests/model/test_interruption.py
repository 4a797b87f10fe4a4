"""A job whose machine is taken away loses nothing: the resumed run ends with the uninterrupted run's weights."""

from __future__ import annotations

import json
import random
import signal
import time

import numpy as np
import pytest

from model_code import checkpoints

# A kill costs the start of a process; the RNN starts slower, by a compilation.
KILLS = {"cnn": 3, "rnn": 1}
ARGUMENTS = {
    "cnn": "--kind cnn --width 4 --image_size 16 --batch_size 16 --epochs 3 --learning_rate 0.2",
    "rnn": "--kind rnn --units 4 --embedding_size 8 --sequence_length 16 --batch_size 16 --epochs 3",
}
DETERMINISTIC = " --deterministic true --checkpoint_every_steps 2"


def words(kind: str) -> list[str]:
    """The script's arguments."""
    return (ARGUMENTS[kind] + DETERMINISTIC).split()


def wait_for_step(job, process, step: int) -> None:
    """Returns as soon as a checkpoint of `step` or later is there."""
    deadline = time.monotonic() + 120
    while not any(int(name[5:14]) >= step for name in job.checkpoints):
        assert process.poll() is None, process.stdout.read()[-2000:]
        assert time.monotonic() < deadline, f"no checkpoint of step {step} came"
        time.sleep(0.002)


def final(job) -> checkpoints.Checkpoint:
    """The last checkpoint: every weight, average, random state and optimiser slot at the end."""
    return checkpoints.read(job.base / "checkpoints" / job.checkpoints[-1])


@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_a_run_killed_at_random_steps_ends_with_the_same_bits(make_job, kind):
    whole, killed = make_job(kind, name="whole"), make_job(kind, name="killed")
    reference = whole.start_script(words(kind))
    output, _ = reference.communicate(timeout=240)
    assert reference.returncode == 0, output[-2000:]
    last_step = final(whole).state["step"]
    generator = random.Random(kind)

    for step in sorted(generator.sample(range(2, last_step), KILLS[kind])):
        process = killed.start_script(words(kind))
        wait_for_step(killed, process, step)
        time.sleep(generator.uniform(0, 0.02))
        process.kill()
        process.communicate()
    process = killed.start_script(words(kind))
    output, _ = process.communicate(timeout=240)

    assert process.returncode == 0, output[-2000:]
    assert "Resuming at step" in output
    assert final(killed).state == final(whole).state
    for ours, theirs in zip(final(killed).arrays, final(whole).arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    histories = [json.loads((job.base / "output/data/history.json").read_text()) for job in (killed, whole)]
    assert histories[0] == histories[1]


def test_sigterm_saves_a_checkpoint_and_ends_without_a_model(make_job):
    job = make_job("cnn")
    process = job.start_script([*words("cnn"), "--epochs", "1000"])
    wait_for_step(job, process, 4)

    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)

    assert process.returncode == 143
    stopped_at = final(job).state["step"]
    assert f"Stopped on request at step {stopped_at}; a checkpoint is saved." in output
    assert not list((job.base / "model").iterdir())
    assert job.failure == ""

"""A job whose machine is taken away loses nothing: the resumed run ends with the uninterrupted run's weights."""

from __future__ import annotations

import json
import random
import shutil
import time

import numpy as np
import pytest

from model_code.training import checkpoints

KILLS = {"cnn": 5, "rnn": 2}
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


def wait_for_step(job, script, step: int) -> None:
    """Returns as soon as a checkpoint of `step` or later is there."""
    deadline = time.monotonic() + 240
    while not any(int(name[5:14]) >= step for name in job.checkpoints):
        assert script.process.is_alive(), f"the script ended before step {step}"
        assert time.monotonic() < deadline, f"no checkpoint of step {step} came"
        time.sleep(0.002)


def final(job) -> checkpoints.Checkpoint:
    """The last checkpoint: every weight, average, random state and optimiser slot at the end."""
    return checkpoints.read(job.base / "checkpoints" / job.checkpoints[-1])


@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_a_run_killed_at_random_steps_ends_with_the_same_bits(make_job, kind):
    whole, killed = make_job(kind, name="whole"), make_job(kind, name="killed")
    whole.start_script(words(kind)).end()
    last_step = final(whole).state["step"]
    generator = random.Random(kind)

    for step in sorted(generator.sample(range(2, last_step), KILLS[kind])):
        script = killed.start_script(words(kind))
        wait_for_step(killed, script, step)
        time.sleep(generator.uniform(0, 0.02))
        script.process.kill()
        script.process.join()
    output = killed.start_script(words(kind)).end()

    assert "Resuming at step" in output
    assert final(killed).state == final(whole).state
    for ours, theirs in zip(final(killed).arrays, final(whole).arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    histories = [json.loads((job.base / "output/data/history.json").read_text()) for job in (killed, whole)]
    assert histories[0] == histories[1]


def test_a_run_that_its_time_limit_ended_takes_no_step_when_started_again(make_job):
    job = make_job("cnn")
    limited = [*words("cnn"), "--epochs", "1000", "--max_seconds", "1"]
    job.start_script(limited).end()
    ended = final(job)
    # As on the machine that comes after one that was taken away before its model was kept.
    shutil.rmtree(job.base / "model")

    output = job.start_script(limited).end()

    assert f"Resuming at step {ended.state['step']} of {ended.state['step']}." in output
    assert final(job).state == ended.state
    for ours, theirs in zip(final(job).arrays, ended.arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_run_whose_model_is_there_is_trained_anew(make_job):
    job = make_job("cnn")
    job.start_script(words("cnn")).end()
    (job.base / "checkpoints" / "step-000000009-0123abcd.checkpoint").write_bytes(b"another run's")

    output = job.start_script(words("cnn")).end()

    assert "it is trained anew" in output and "Resuming" not in output
    assert output.count("epoch=") == 3
    assert "step-000000009-0123abcd.checkpoint" in job.checkpoints


def test_sigterm_saves_a_checkpoint_and_ends_without_a_model(make_job):
    job = make_job("cnn")
    script = job.start_script([*words("cnn"), "--epochs", "1000"])
    wait_for_step(job, script, 4)

    script.process.terminate()
    script.process.join(240)

    assert script.process.exitcode == 143
    stopped_at = final(job).state["step"]
    assert f"Stopped on request at step {stopped_at}; a checkpoint is saved." in script.output
    assert not list((job.base / "model").iterdir())
    assert job.failure == ""

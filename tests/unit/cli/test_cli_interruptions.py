"""Ctrl-C and SIGTERM end a command with 130 and a sentence: what was stopped, what goes on, how to look at that."""

from __future__ import annotations

import json
import os
import signal
import sys
from types import SimpleNamespace

import pytest

from cli import main
from cli.bulk.plan import BulkPlan
from cli.models import training
from cli.models.training import Run
from cli.shared.errors import Interrupted, interruption_says
from cli.shared.target import Target
from local_aws.keys import Keys

PLAN = BulkPlan(objects=3, units=3, calls=3, batches=1, usd=0.003, seconds=1.0)
JOB = SimpleNamespace(name="rnn-1", output_uri="s3://data/out")
EMBEDDED = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "us-east-1"}
SIGNALS = [signal.SIGINT, signal.SIGTERM]


def gives(value):
    return lambda *_, **__: value


def end_of(words: list[str], stand_ins: dict, monkeypatch, capsys, target: Target | None = None):
    """The status, standard output and standard error of a command."""
    reached = gives(target or Target("dev", EMBEDDED))
    for name in ("cli.shared.embedded.choose_target", "cli.bulk.commands.target_of"):
        monkeypatch.setattr(name, reached)
    for name, stand_in in stand_ins.items():
        monkeypatch.setattr(name, stand_in)
    monkeypatch.setattr(sys, "argv", ["recognition", *words])
    with pytest.raises(SystemExit) as ended:
        main.run()
    output = capsys.readouterr()
    assert "Traceback" not in output.err
    return ended.value.code, output.out, output.err


def interrupt(*_: object, **__: object) -> None:
    """What a Ctrl-C does in the middle of a call."""
    raise KeyboardInterrupt


TRAINED = {
    "cli.models.data.prepare": gives(None),
    "cli.models.data.upload_dataset": gives("s3://data/cifar10"),
    "cli.models.training.start": gives(None),
}
TRANSFORM = ["transform", "rnn", "--from", "s3://data/transform/a", "--output", "b.jsonl"]
BULK = ["bulk", "--from", "photos", "--operation", "image-labels", "--watch"]
RUNNING = gives(SimpleNamespace(endpoint_url="http://127.0.0.1:1", keys=Keys.made()))
UP = {
    "cli.shared.embedded.running": RUNNING,
    "cli.shared.embedded.write_key_files": gives(None),
    "cli.shared.embedded.embedded_target": lambda *_: Target(
        "dev", EMBEDDED, "the embedded AWS at http://127.0.0.1:1"
    ),
}
NOT_UP = {"cli.shared.embedded.running": gives(None)}


@pytest.mark.parametrize(
    ("words", "stand_ins", "told"),
    [
        (
            ["demo"],
            {"cli.local.demo.run": interrupt},
            ["everything that it had started", "nothing of it runs"],
        ),
        (["up"], {**NOT_UP, "local_aws.launcher.EmbeddedAws.start": interrupt}, ["nothing of it runs"]),
        (
            ["up"],
            {**UP, "cli.shared.deploy.deploy": interrupt},
            ["the embedded AWS at http://127.0.0.1:1 goes on", "recognition up", "recognition down"],
        ),
        (
            ["train", "cnn"],
            {**TRAINED, "cli.models.data.upload_dataset": interrupt},
            ["before any training: nothing runs"],
        ),
        (
            ["train", "cnn"],
            {**TRAINED, "cli.models.training.wait": interrupt},
            ["may go on: recognition runs"],
        ),
        (
            ["release", "cnn", "--version", "2"],
            {"cli.models.release.release": interrupt},
            ["The release state machine goes on", "recognition status", "recognition rollback cnn"],
        ),
        (
            ["rollback", "cnn"],
            {"cli.models.rollback.version_before": gives("1"), "cli.models.release.release": interrupt},
            ["The release state machine goes on"],
        ),
        (BULK, {"cli.bulk.plan.limit_of": gives(1.0), "cli.bulk.plan.start": interrupt}, ["nothing runs"]),
        (
            BULK,
            {
                "cli.bulk.plan.limit_of": gives(1.0),
                "cli.bulk.plan.start": gives(("one", PLAN)),
                "cli.bulk.runs.status": interrupt,
            },
            ["The run one goes on", "recognition bulk status one", "recognition bulk stop one"],
        ),
        (TRANSFORM, {"cli.models.transform.start": interrupt}, ["before the job was started: nothing runs"]),
        (
            TRANSFORM,
            {
                "cli.models.transform.start": gives(JOB),
                "cli.models.transform.wait": gives(None),
                "cli.models.transform.fetch": interrupt,
            },
            ["The job is done", "s3://data/out"],
        ),
        (
            ["recognize", "--watch", "photos"],
            {"cli.recognize.watch.new_files": interrupt},
            ["Stopped watching photos: nothing goes on"],
        ),
        (["status"], {"cli.local.status.describe": interrupt}, ["Stopped."]),
    ],
)
def test_an_interruption_says_what_stopped_and_what_goes_on(words, stand_ins, told, monkeypatch, capsys):
    status, _, errors = end_of(words, stand_ins, monkeypatch, capsys)
    assert status == 130
    for one in told:
        assert one in errors


@pytest.mark.parametrize("signal_number", SIGNALS)
def test_both_signals_are_an_interruption(signal_number, monkeypatch, capsys):
    before = signal.getsignal(signal.SIGTERM)
    # A shell starts what runs in the background without it.
    of_the_shell = signal.signal(signal.SIGINT, signal.default_int_handler)

    def be_told(*_: object) -> None:
        os.kill(os.getpid(), signal_number)
        signal.pause()

    try:
        status, output, errors = end_of(
            ["status", "--json"], {"cli.local.status.describe": be_told}, monkeypatch, capsys
        )
    finally:
        signal.signal(signal.SIGINT, of_the_shell)
    assert (status, errors) == (130, "Stopped.\n")
    assert json.loads(output) == {"ok": False, "error": {"message": "Stopped."}}
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_commands_that_are_named_reach_the_same_deployment(monkeypatch, capsys):
    stand_ins = {"cli.models.release.release": interrupt}
    account = Target("prod", {"AWS_REGION": "us-east-1"})
    _, _, errors = end_of(["release", "cnn", "--version", "2"], stand_ins, monkeypatch, capsys, account)
    assert "recognition status --aws --environment prod" in errors
    assert "recognition rollback cnn --aws --environment prod" in errors


def test_an_interrupted_training_stops_its_runs_and_names_them(monkeypatch):
    stopped = []
    monkeypatch.setattr(training, "stop", lambda _, run: stopped.append(run.run_id))
    monkeypatch.setattr(Target, "client", lambda *_: SimpleNamespace(describe_execution=interrupt))
    runs = [Run("cnn", "1", "arn:1"), Run("rnn", "2", "arn:2")]
    with pytest.raises(Interrupted, match="Stopped cnn-1 and rnn-2 .*recognition runs"):
        training.wait(Target("dev", EMBEDDED), runs, print)
    assert stopped == ["1", "2"]


def test_the_sentence_from_further_inside_is_the_one_that_is_told():
    with (
        pytest.raises(Interrupted, match="inside"),
        interruption_says("outside"),
        interruption_says("inside"),
    ):
        raise KeyboardInterrupt

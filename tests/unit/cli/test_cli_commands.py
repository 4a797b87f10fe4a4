"""The command line as a user meets it: help with examples, sentences instead of traces, exit statuses."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from cli import arguments, data, embedded, main, subprocesses
from cli.errors import CommandFailed
from local_aws.keys import Keys
from local_aws.launcher import EmbeddedAwsFailed
from local_aws.state import Ready, announce, claimed

COMMANDS = ["up", "down", "status", "demo", "train", "release", "recognize", "advise", "bakeoff", "cost"]
COMMANDS += ["remove-versions", "transform"]


@pytest.fixture
def nothing_is_up(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "STATE_DIRECTORY", tmp_path / "state")
    monkeypatch.setattr(embedded, "KEPT_DIRECTORY", tmp_path / "kept")


def exit_status(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["recognition", *words])
    with pytest.raises(SystemExit) as ended:
        main.run()
    return ended.value.code


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command):
    result = CliRunner().invoke(main.app, [command, "--help"], env={"COLUMNS": "100", "NO_COLOR": "1"})
    assert result.exit_code == 0
    assert f"Example: recognition {command}" in result.output


@pytest.mark.parametrize("words", [["status"], ["train", "cnn"], ["recognize", "hello"], ["release", "cnn"]])
def test_without_an_embedded_aws_the_way_out_is_named(words, nothing_is_up, monkeypatch, capsys):
    assert exit_status(monkeypatch, *words) == 1
    assert "Start it with `recognition up`, or add --aws" in capsys.readouterr().err


def test_an_unknown_kind_of_network_is_a_sentence(nothing_is_up, monkeypatch, capsys):
    assert exit_status(monkeypatch, "train", "transformer") == 1
    assert "'transformer' is no kind of network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "name", "chosen"), [("cnn", None, "cifar10"), ("rnn", "smartwatch", "smartwatch")]
)
def test_a_network_trains_on_a_public_set_that_it_reads(kind, name, chosen):
    assert data.dataset_for(kind, name) == chosen


@pytest.mark.parametrize("name", ["imdb", "mnist"])
def test_a_set_that_the_network_does_not_read_is_a_sentence(name, nothing_is_up, monkeypatch, capsys):
    assert exit_status(monkeypatch, "train", "cnn", "--dataset", name) == 1
    sentence = f"The cnn trains on one of cifar10, fashion_mnist, and not on '{name}'."
    assert sentence in capsys.readouterr().err


def test_a_setting_without_a_value_is_a_sentence():
    assert arguments.parse_settings(["epochs=5", "note=a=b"]) == {"epochs": "5", "note": "a=b"}
    with pytest.raises(CommandFailed, match="'epochs' has no value"):
        arguments.parse_settings(["epochs"])


def test_a_usage_error_has_its_own_exit_status(monkeypatch, capsys):
    assert exit_status(monkeypatch, "train", "cnn", "--train-samples", "none") == 2


def test_going_down_twice_is_no_error(nothing_is_up, monkeypatch, capsys):
    assert exit_status(monkeypatch, "down") == 0
    assert "is not running" in capsys.readouterr().out


HOLDER = """
import signal, sys, time
from pathlib import Path
from local_aws.state import claimed

signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with claimed(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("directory", "said"),
    [
        ("state", "its buckets and their objects, the registered models"),
        ("kept", "registered models and endpoints are kept in"),
    ],
)
def test_going_down_says_what_is_lost_or_kept(nothing_is_up, tmp_path, monkeypatch, capsys, directory, said):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / directory)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "up\n"
    assert exit_status(monkeypatch, "down") == 0
    assert holder.wait() == 0
    assert said in capsys.readouterr().out


def test_an_embedded_aws_that_keeps_nothing_is_not_taken_for_one_that_does(
    nothing_is_up, tmp_path, monkeypatch, capsys
):
    with claimed(tmp_path / "state"):
        announce(tmp_path / "state", Ready("http://127.0.0.1:1", os.getpid(), "start", Keys.made()))
        assert exit_status(monkeypatch, "up", "--keep") == 1
    assert "keeps nothing. Stop it first" in capsys.readouterr().err


def run_python(code: str, lines: list[str], tmp_path) -> None:
    subprocesses.run_program(
        [sys.executable, "-c", code],
        purpose="The step",
        environment={},
        directory=tmp_path,
        on_line=lines.append,
    )


def test_a_program_that_fails_is_quoted(tmp_path):
    with pytest.raises(CommandFailed, match=r"The step failed with exit status 3(.|\n)*no disk left"):
        run_python("import sys; print('no disk left'); sys.exit(3)", [], tmp_path)


def test_a_program_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandFailed, match="could not start no-such-program"):
        subprocesses.run_program(
            ["no-such-program"], purpose="The step", environment={}, directory=tmp_path, on_line=print
        )


def test_an_interruption_ends_the_program_and_its_children(tmp_path):
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    child = []

    def interrupt(line: str) -> None:
        child.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        subprocesses.run_program(
            [sys.executable, "-c", code],
            purpose="The step",
            environment={},
            directory=tmp_path,
            on_line=interrupt,
        )
    deadline = time.monotonic() + 120
    while lives(child[0]) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not lives(child[0])


def lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process_id)], capture_output=True, text=True
    ).stdout
    return not state.startswith("Z")


def test_a_signal_to_a_group_that_has_gone_is_no_error():
    ended = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    ended.wait()
    subprocesses.end_process_group(ended.pid, signal.SIGTERM)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "build/x"), "build/x: No space left on device."),
        (EmbeddedAwsFailed("The embedded AWS did not start."), "The embedded AWS did not start."),
        (CommandFailed("The port is taken."), "The port is taken."),
        (
            ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib"),
            "This command needs matplotlib, which is not installed. In a checkout of the project, "
            "`make demo` installs it, or: pip install '.[local]'",
        ),
    ],
)
def test_a_failure_is_one_sentence_without_a_stack_trace(error, sentence, monkeypatch, capsys):
    def fail() -> None:
        raise error

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit, match="1"):
        main.run()
    assert capsys.readouterr().err.strip() == f"Failed: {sentence}"

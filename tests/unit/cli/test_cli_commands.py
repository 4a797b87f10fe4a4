"""The command line as a user meets it: help with examples, sentences instead of traces, exit statuses."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib

import pytest
import typer
from typer.testing import CliRunner

from cli import main
from cli.models import data
from cli.shared import embedded, options, subprocesses
from cli.shared.command_group import NEVER_PROPOSED
from cli.shared.errors import CommandFailed
from cli.shared.project import ROOT
from local_aws.keys import Keys
from local_aws.launcher import EmbeddedAwsFailed
from local_aws.state import Ready, announce, claimed

from .leaves import leaves

COMMANDS = [path for path, _ in leaves(typer.main.get_command(main.app))]


@pytest.fixture
def nothing_is_up(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "STATE_DIRECTORY", tmp_path / "state")
    monkeypatch.setattr(embedded, "KEPT_DIRECTORY", tmp_path / "kept")


def exit_status(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["recognition", *words])
    with pytest.raises(SystemExit) as ended:
        main.run()
    return ended.value.code


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(command, option):
    words = [*command.split(), option]
    result = CliRunner().invoke(main.app, words, env={"COLUMNS": "100", "NO_COLOR": "1"})
    assert result.exit_code == 0
    assert f"Example: recognition {command}" in result.output
    assert "<bool>" not in result.output, "a flag takes no value"


def test_the_version_is_the_projects(monkeypatch, capsys):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert exit_status(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"recognition {project['version']}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_the_commands(shell, tmp_path):
    """As the script asks that `--install-completion` writes for each shell."""
    script = tmp_path / "recognition"
    script.write_text("from cli.main import run; run()")
    asked = {"COMP_WORDS": "recognition remo", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "recognition remo"}
    action = {"_RECOGNITION_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **asked, **action}
    ended = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert "remove-versions" in ended.stdout and "status" not in ended.stdout
    environment["_RECOGNITION_COMPLETE"] = f"source_{shell}"
    ended = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert f"complete_{shell}" in ended.stdout


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        (["statsu"], "Did you mean `recognition status`?"),
        (["bulk", "reslts"], "Did you mean `recognition bulk results`?"),
        (["prices", "refrsh"], "Did you mean `recognition prices refresh`?"),
        (["dwon"], "`recognition --help` lists them all."),
        (["bulk", "stopp"], "`recognition bulk --help` lists them all."),
    ],
)
def test_a_mistyped_command_gets_the_nearest_harmless_one(words, proposed, monkeypatch, capsys):
    assert exit_status(monkeypatch, *words) == 2
    assert proposed in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_what_takes_something_away_is_never_proposed(monkeypatch, capsys):
    for word in ("remove-version", "removeversions", "rolback", "rollbak", "don", "down-"):
        assert exit_status(monkeypatch, word) == 2
        told = capsys.readouterr().err
        assert not any(f"`recognition {name}`" in told for name in NEVER_PROPOSED)


def test_every_command_that_asks_before_it_acts_is_among_those_never_proposed():
    group = typer.main.get_command(main.app)
    asking = {
        name for name, command in group.commands.items() if any("--yes" in p.opts for p in command.params)
    }
    assert asking == {"down", "remove-versions"} <= NEVER_PROPOSED


def test_a_fault_of_our_own_leaves_its_trace_in_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(main, "BUILD", tmp_path)
    try:
        raise TypeError("something unforeseen")
    except TypeError as fault:
        main.tell_fault(TypeError, fault, fault.__traceback__)
    told = capsys.readouterr().err
    assert f"a fault of `recognition` itself: TypeError. Its trace is in {tmp_path / 'fault.txt'}." in told
    assert "Traceback" not in told
    assert "something unforeseen" in (tmp_path / "fault.txt").read_text()


def test_where_the_trace_cannot_be_written_it_is_printed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(main, "BUILD", tmp_path / "no" / "such")
    main.tell_fault(TypeError, TypeError("something unforeseen"), None)
    assert "TypeError: something unforeseen" in capsys.readouterr().err


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
    assert options.parse_settings(["epochs=5", "note=a=b"]) == {"epochs": "5", "note": "a=b"}
    with pytest.raises(CommandFailed, match="'epochs' has no value"):
        options.parse_settings(["epochs"])


def test_a_usage_error_has_its_own_exit_status(monkeypatch, capsys):
    assert exit_status(monkeypatch, "train", "cnn", "--train-samples", "none") == 2


def test_going_down_twice_is_no_error(nothing_is_up, monkeypatch, capsys):
    assert exit_status(monkeypatch, "down") == 0
    assert "is not running" in capsys.readouterr().out


HOLDER = """
import os, signal, sys, time
from pathlib import Path
from local_aws.state import KEPT_FILE, READY_FILE, claimed

directory, ends_orderly = Path(sys.argv[1]), sys.argv[2] == "True"
with claimed(directory, keep=True):
    (directory / READY_FILE).write_text("{}")
    if ends_orderly:
        (directory / KEPT_FILE).write_text("{}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit() if ends_orderly else os._exit(0))
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("directory", "ends_orderly", "said"),
    [
        ("state", False, "its buckets and their objects, the registered models"),
        ("kept", True, "registered models and endpoints are kept in"),
        ("kept", False, "was killed before it had kept what was in it"),
    ],
)
def test_going_down_says_what_is_lost_or_kept(
    nothing_is_up, tmp_path, monkeypatch, capsys, directory, ends_orderly, said
):
    command = [sys.executable, "-c", HOLDER, str(tmp_path / directory), str(ends_orderly)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    # Whoever started it takes its status, as the supervisor does; until then it would count as alive.
    threading.Thread(target=holder.wait).start()
    assert holder.stdout.readline() == "up\n"
    assert exit_status(monkeypatch, "down") == 0
    assert holder.wait() == 0
    assert said in capsys.readouterr().out


def test_a_process_that_ended_and_that_nobody_reaped_does_not_live():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert embedded.is_alive(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not embedded.is_alive(child.pid)
    child.communicate()
    assert not embedded.is_alive(child.pid)


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
        (
            OSError(errno.EROFS, "Read-only file system", "build/x"),
            "build/x: Read-only file system. Have that disk mounted for writing.",
        ),
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
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(embedded, "choose_target", fail)
    assert exit_status(monkeypatch, "status") == 1
    assert capsys.readouterr().err.strip() == f"Failed: {sentence}"

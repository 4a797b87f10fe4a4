"""An embedded AWS that ends in the middle of a command is what the command tells of, at once, with what helps."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from botocore.exceptions import EndpointConnectionError

from cli.shared import embedded
from cli.shared.embedded import ended, ending_is_told
from cli.shared.errors import CommandFailed, Interrupted
from local_aws.keys import Keys
from recognition_client import Unreachable

from .test_cli_interruptions import UP, end_of, interrupt

LOG = [f"line {number}" for number in range(9)] + ["", "It was ended by SIGKILL."]


@pytest.fixture
def log(tmp_path):
    file = tmp_path / "aws.log"
    file.write_text("\n".join(LOG) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def dead(monkeypatch, log, tmp_path) -> None:
    """One that `recognition up` started, and that is there no more."""
    (tmp_path / "keys.curl").touch()
    monkeypatch.setattr(embedded, "LOG_FILE", log)
    monkeypatch.setattr(embedded, "CURL_FILE", tmp_path / "keys.curl")
    monkeypatch.setattr(embedded, "running", lambda: None)


def test_its_end_is_told_with_its_last_lines_its_log_and_the_command(log):
    said = ended(log, "recognition up")
    assert "line 4" not in said
    assert "  line 8\n  It was ended by SIGKILL.\n" in said
    assert said.endswith(f"Its log is {log}. Start another: recognition up")


def test_who_waits_for_it_is_told_at_once(log, monkeypatch):
    monkeypatch.setattr(embedded, "LOOK_SECONDS", 0.01)
    with pytest.raises(CommandFailed, match="SIGKILL"), ending_is_told(lambda: False, log, "up"):
        time.sleep(300)


@pytest.mark.parametrize("failure", [CommandFailed("refused"), EndpointConnectionError(endpoint_url="u")])
def test_a_failure_is_put_down_to_its_end(failure, log):
    with pytest.raises(CommandFailed, match="has ended"), ending_is_told(lambda: False, log, "up"):
        raise failure


def test_an_interruption_does_not_say_that_it_goes_on(log):
    with pytest.raises(Interrupted, match="has ended"), ending_is_told(lambda: False, log, "up"):
        raise KeyboardInterrupt


def test_a_failure_while_it_lives_is_told_as_it_is(log):
    with pytest.raises(CommandFailed, match="^refused$"), ending_is_told(lambda: True, log, "up"):
        raise CommandFailed("refused")


def test_up_tells_of_it_whatever_the_cdk_says(log, monkeypatch, capsys):
    answers = [SimpleNamespace(endpoint_url="http://127.0.0.1:1", keys=Keys.made())]
    monkeypatch.setattr(embedded, "LOG_FILE", log)
    gone = {"cli.shared.embedded.running": lambda: answers.pop() if answers else None}
    status, _, errors = end_of(
        ["up"], {**UP, **gone, "cli.shared.deploy.deploy": interrupt}, monkeypatch, capsys
    )
    assert status == 130
    assert "It was ended by SIGKILL." in errors
    assert "goes on" not in errors


@pytest.mark.usefixtures("dead")
@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (
            ["recognize", "--text", "A film."],
            ("cli.recognize.request.RecognitionClient.send", Unreachable("no")),
        ),
        (
            ["status"],
            (
                "cli.local.status.describe",
                EndpointConnectionError(endpoint_url="http://127.0.0.1:1/"),
            ),
        ),
    ],
)
def test_other_commands_tell_of_it_too(words, asked, log, monkeypatch, capsys):
    name, error = asked

    def fail(*_: object, **__: object) -> None:
        raise error

    stand_ins = {name: fail, "cli.shared.target.Target.api_url": lambda _: "http://127.0.0.1:1"}
    status, _, errors = end_of(words, stand_ins, monkeypatch, capsys)
    assert status == 1
    assert "The embedded AWS has ended" in errors
    assert "It was ended by SIGKILL." in errors

"""What is taken away is asked for and named by its place; every command that is printed reaches the same deployment."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from moto import mock_aws

from cli import main
from cli.local import commands
from cli.shared import embedded, options
from cli.shared.errors import CommandFailed
from cli.shared.project import ROOT
from cli.shared.target import Target

ACCOUNT = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-3"}
EMBEDDED = {**ACCOUNT, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
HERE = Target("dev", EMBEDDED, "the embedded AWS at http://127.0.0.1:4566")


@pytest.fixture
def account():
    with mock_aws():
        yield Target("dev", ACCOUNT)


@pytest.mark.parametrize(
    ("environment", "variables", "printed"),
    [
        ("dev", EMBEDDED, ["recognition status", "recognition up"]),
        ("prod", EMBEDDED, ["recognition status --environment prod", "recognition up --environment prod"]),
        ("dev", {}, ["recognition status --aws", "cdk deploy --all"]),
        (
            "prod",
            {},
            [
                "recognition status --aws --environment prod",
                "cdk deploy --all --context environment=prod",
            ],
        ),
    ],
)
def test_a_printed_command_reaches_the_same_deployment(environment, variables, printed):
    target = Target(environment, variables)
    assert [target.command("status"), target.deploy_command()] == printed


# Their target is always this machine, or they need none; `the recognition command` is none.
WITHOUT_A_TARGET = "command|up|down|demo|advise|prices refresh|replay|cost|doctor"


def test_no_sentence_writes_a_command_about_a_deployment_by_hand():
    """`Target.command` writes them, with the options that lead to the same place."""
    by_hand = []
    for file in sorted((ROOT / "cli").glob("*.py")):
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            told = 'example("' not in line and '"""' not in line
            if told and re.search(rf"(recognition (?!{WITHOUT_A_TARGET})[a-z-]+ ?[{{`\w]|cdk destroy)", line):
                by_hand.append(f"{file.name}:{number}: {line.strip()}")
    assert by_hand == []


def test_the_place_is_the_account_and_the_region_or_the_embedded_aws(account):
    assert account.place() == "the AWS account 123456789012 in eu-west-3"
    assert HERE.place() == "the embedded AWS at http://127.0.0.1:4566"


def person(monkeypatch, answer: bool, asked: list[str]) -> None:
    """Somebody at a terminal, who answers so."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(options.typer, "confirm", lambda words, **_: asked.append(words) or answer)


def test_a_person_is_asked_with_the_account_and_the_region(account, monkeypatch):
    asked: list[str] = []
    person(monkeypatch, True, asked)
    options.confirm("Delete everything", account.place(), False)
    assert asked == ["Delete everything in the AWS account 123456789012 in eu-west-3?"]


def test_a_no_changes_nothing(monkeypatch):
    person(monkeypatch, False, [])
    with pytest.raises(CommandFailed, match="Nothing was done"):
        options.confirm("Delete everything", HERE.place(), False)


def test_a_script_says_yes_or_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    options.confirm("Delete everything", HERE.place(), True)
    with pytest.raises(CommandFailed, match="in the embedded AWS at .*--yes"):
        options.confirm("Delete everything", HERE.place(), False)


def test_what_takes_something_away_does_nothing_unasked(monkeypatch, capsys):
    done: list[str] = []
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: HERE)
    monkeypatch.setattr("cli.models.removal.require_removable", lambda *_: None)
    monkeypatch.setattr("cli.models.removal.remove_versions", lambda *_: done.append("removed"))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    monkeypatch.setattr(sys, "argv", ["recognition", "remove-versions"])
    with pytest.raises(SystemExit, match="1"):
        main.run()
    assert "in the embedded AWS at http://127.0.0.1:4566?" in capsys.readouterr().err
    assert done == []


def going_down(monkeypatch, *, keeps: bool, words: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    """The questions of `recognition down` to somebody who says no, and what was stopped."""
    asked, stopped = [], []
    person(monkeypatch, False, asked)
    monkeypatch.setattr(embedded, "running", lambda: True)
    monkeypatch.setattr(embedded, "keeps", lambda: keeps)
    monkeypatch.setattr(embedded, "stop", lambda: stopped.append("the embedded AWS") or True)
    with suppress(CommandFailed):
        commands.down(*words)
    return asked, stopped


def test_going_down_asks_where_something_would_be_lost(monkeypatch):
    question = "Delete the deployed app, its buckets and its models in the embedded AWS?"
    assert going_down(monkeypatch, keeps=False) == ([question], [])


@pytest.mark.parametrize(("keeps", "words"), [(True, ()), (False, (True,))], ids=["kept", "--yes"])
def test_going_down_asks_nothing_where_it_is_kept_or_said(monkeypatch, keeps, words):
    assert going_down(monkeypatch, keeps=keeps, words=words) == ([], ["the embedded AWS"])

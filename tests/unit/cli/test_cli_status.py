"""What is deployed is told with the addresses at which it is asked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cli.local import status
from cli.main import app
from cli.shared.target import Target
from local_aws.keys import Keys

HERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_REGION": "us-east-1"}
API, CONSOLE = "http://127.0.0.1:4566/_aws/execute-api/abc/dev", "http://127.0.0.1:4566/_console/#key=k"


def test_the_addresses_stand_whole_below_the_table_however_narrow_the_terminal(monkeypatch):
    facts = {"aws": "here", "environment": "dev", "stacks": {"Api": "CREATE_COMPLETE"}}
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: Target("dev", HERE))
    monkeypatch.setattr(status, "describe", lambda _: {**facts, "api_url": API, "console_url": CONSOLE})
    ended = CliRunner().invoke(app, ["status"], env={"COLUMNS": "40"})
    assert ended.exit_code == 0, ended.output
    assert ended.output.splitlines()[-2:] == [f"API:     {API}", f"Console: {CONSOLE}"]


def test_the_console_of_the_embedded_aws_has_the_key_of_this_start(monkeypatch):
    keys = Keys.made()
    monkeypatch.setattr(
        status, "running", lambda: SimpleNamespace(endpoint_url=HERE["AWS_ENDPOINT_URL"], keys=keys)
    )
    assert status.console_of(Target("dev", HERE)) == f"http://127.0.0.1:4566/_console/#key={keys.console_key}"


@pytest.mark.parametrize("published", [None, "https://console.example"])
def test_the_console_of_an_account_is_where_its_stack_says(monkeypatch, published):
    monkeypatch.setattr(Target, "parameter_if_published", lambda _, name: published)
    assert status.console_of(Target("dev")) == published

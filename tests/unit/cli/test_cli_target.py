"""Who has chosen the wrong region, or whose credentials have expired, is told so in a sentence."""

from __future__ import annotations

import sys

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from botocore.stub import Stubber

from cli import main
from cli.shared.errors import CommandFailed
from cli.shared.target import Target

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-3"}


@pytest.fixture
def target() -> Target:
    return Target("dev", KEYS)


def test_a_region_without_the_app_is_named_with_the_way_out(target):
    with Stubber(target.client("ssm")) as systems_manager:
        systems_manager.add_client_error("get_parameter", "ParameterNotFound")
        with pytest.raises(CommandFailed, match="your AWS account in eu-west-3.*Choose its region"):
            target.parameter("api-url")


def test_expired_credentials_end_a_command_with_a_sentence_and_no_trace(target, monkeypatch, capsys):
    monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: target)
    monkeypatch.setattr(sys, "argv", ["recognition", "bulk", "status", "one", "--aws"])
    with Stubber(target.client("s3")), Stubber(target.client("ssm")) as systems_manager:
        systems_manager.add_client_error("get_parameter", "ExpiredTokenException", "The token has expired.")
        with pytest.raises(SystemExit, match="1"):
            main.run()
    told = capsys.readouterr().err
    assert "AWS refused a call." in told and "ExpiredTokenException" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/"),
            "The embedded AWS at http://127.0.0.1:4566 does not answer.",
        ),
        (
            EndpointConnectionError(endpoint_url="https://states.us-east-1.amazonaws.com/"),
            "AWS could not be asked. Could not connect to the endpoint URL",
        ),
        (NoCredentialsError(), "AWS could not be asked. Unable to locate credentials"),
    ],
    ids=["embedded", "account", "no connection at all"],
)
def test_an_aws_that_never_heard_a_call_did_not_refuse_it(error, sentence, target, monkeypatch, capsys):
    def choose(*_: object, **__: object) -> Target:
        raise error

    monkeypatch.setattr("cli.shared.embedded.choose_target", choose)
    monkeypatch.setattr(sys, "argv", ["recognition", "bulk", "status", "one"])
    with pytest.raises(SystemExit, match="1"):
        main.run()
    told = capsys.readouterr().err
    assert sentence in told
    assert ("recognition up" in told) == ("embedded" in told)

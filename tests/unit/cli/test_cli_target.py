"""Who has chosen the wrong region, or whose credentials have expired, is told so in a sentence."""

from __future__ import annotations

import sys

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from botocore.stub import Stubber

from cli import main
from cli.shared.errors import CommandFailed
from cli.shared.subprocesses import inherited, run_program
from cli.shared.target import Target
from local_aws.keys import Keys
from local_aws.launcher import environment

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-3"}


@pytest.fixture
def target() -> Target:
    return Target("dev", KEYS)


# What people set for their own accounts, and what would lead a program elsewhere all the same.
OF_ANOTHER_AWS = {
    "AWS_PROFILE": "nobody",
    "AWS_ENDPOINT_URL_S3": "https://s3.example.org",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_USE_FIPS_ENDPOINT": "true",
}


@pytest.fixture
def embedded(monkeypatch) -> Target:
    """A target on this machine, in the environment of somebody who works with another AWS."""
    for name, value in OF_ANOTHER_AWS.items():
        monkeypatch.setenv(name, value)
    return Target("dev", environment("http://127.0.0.1:4566", Keys.made()))


@pytest.mark.parametrize("service", ["s3", "sts"])
def test_the_embedded_aws_is_asked_whatever_is_set_for_another(embedded, service):
    assert embedded.client(service).meta.endpoint_url == "http://127.0.0.1:4566"


def test_a_program_that_speaks_to_the_embedded_aws_hears_of_no_other(embedded, tmp_path):
    seen = []
    program = "import os; [print(f'{name}={value}') for name, value in os.environ.items()]"
    run_program(
        [sys.executable, "-c", program],
        purpose="Looking",
        environment=embedded.variables,
        directory=tmp_path,
        on_line=seen.append,
    )
    names = {line.partition("=")[0] for line in seen}
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:4566" in seen
    assert not names & set(OF_ANOTHER_AWS)
    assert "PATH" in names


def test_a_program_that_speaks_to_the_account_hears_all_that_is_set(embedded):
    assert inherited({"CI": "true"}).items() >= OF_ANOTHER_AWS.items()


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
        (
            ReadTimeoutError(endpoint_url="https://states.us-east-1.amazonaws.com/"),
            "AWS could not be asked. Read timeout on endpoint URL",
        ),
        (NoCredentialsError(), "AWS could not be asked. Unable to locate credentials"),
    ],
    ids=["embedded", "account", "no answer", "no connection at all"],
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

"""`recognition train --like`: a run as a registered version's, and what is no longer as it was then."""

from __future__ import annotations

import hashlib
import json

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from cli import main
from cli.models import release, reproduction
from cli.shared.errors import CommandFailed
from cli.shared.target import Target

BUCKET, MACHINE = "data-bucket", "arn:aws:states:us-east-1:123456789012:stateMachine:training"


class Account(Target):
    """A target whose services are moto's."""

    def parameter(self, name: str) -> str:
        return BUCKET if name == "data-bucket" else MACHINE

    def client(self, service: str):
        return boto3.client(service, region_name="us-east-1")


@pytest.fixture
def account(monkeypatch):
    """An account with data, a machine of the code abc.gz, and a version that was trained with both."""
    with mock_aws():
        account = Account("dev")
        account.client("s3").create_bucket(Bucket=BUCKET)
        for split in ("train", "validation"):
            account.client("s3").put_object(Bucket=BUCKET, Key=f"own/photos/{split}/part", Body=b"one")
        account.client("stepfunctions").create_state_machine(
            name="training",
            definition=json.dumps({"States": {"Train": "code/abc.gz"}}),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )
        etag = f'"{hashlib.md5(b"one").hexdigest()}"'
        tags = f"own/photos/train/part {etag} own/photos/validation/part {etag}"
        properties = {
            "training_data": f"s3://{BUCKET}/own/photos/",
            "data_version": hashlib.sha256(tags.encode()).hexdigest(),
            "source_archive": "abc.gz",
            "minimum_accuracy": "0.61",
            "hyperparameter.epochs": "7",
            "hyperparameter.mirror": "true",
        }
        monkeypatch.setattr(
            release, "describe_version", lambda *_: {"CustomerMetadataProperties": dict(properties)}
        )
        object.__setattr__(account, "properties", properties)
        yield account


def test_a_version_is_trained_again_with_its_data_hyperparameters_and_gate(account):
    ready, differences = reproduction.run_of(account, "cnn", "3", {})

    assert (ready.kind, ready.uri, ready.least_score) == ("cnn", f"s3://{BUCKET}/own/photos", 0.61)
    assert ready.hyperparameters == {"epochs": "7", "mirror": "true"}
    assert differences == []


def test_one_hyperparameter_may_be_another(account):
    ready, _ = reproduction.run_of(account, "cnn", "3", {"epochs": "9"})

    assert ready.hyperparameters == {"epochs": "9", "mirror": "true"}


def test_plain_data_is_read_again_where_it_lies(account):
    account.properties["data_source"] = f"s3://{BUCKET}/photos/"
    account.properties["training_data"] = "s3://models/prepared/dev-cnn-data-r1/"

    assert reproduction.run_of(account, "cnn", "3", {})[0].uri == f"s3://{BUCKET}/photos"


def test_other_data_and_other_code_are_told(account):
    account.client("s3").put_object(Bucket=BUCKET, Key="own/photos/train/part", Body=b"two")
    account.properties["source_archive"] = "before.gz"

    data, code = reproduction.run_of(account, "cnn", "3", {})[1]

    assert data == f"The objects below s3://{BUCKET}/own/photos are not those that version 3 was trained on."
    assert "is not that of version 3, which is before.gz" in code


def test_a_version_that_was_registered_by_hand_does_not_say_how(account):
    account.properties.clear()

    with pytest.raises(CommandFailed, match="was registered by hand, and does not say how it was trained"):
        reproduction.run_of(account, "cnn", "3", {})


@pytest.mark.parametrize(
    "words", [["--data", "photos"], ["--dataset", "cifar10"], ["--label", "kind"], ["--from-scratch"]]
)
def test_what_a_version_says_already_cannot_be_said_otherwise(words):
    refusal = CliRunner().invoke(main.app, ["train", "cnn", "--like", "3", *words]).exception

    assert isinstance(refusal, CommandFailed)
    assert "--like says what a version was trained on" in str(refusal)

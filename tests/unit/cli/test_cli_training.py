"""What the command line reads from a training job's log."""

from __future__ import annotations

import time

import boto3
import pytest
from moto import mock_aws

from cli.models import data, training
from cli.shared.errors import CommandFailed
from model_code.data import downloads
from model_code.data.downloads import NotFetched
from model_code.data.weights import WEIGHTS
from model_code.training.metrics import metric_line

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:training"


class Logs:
    """A target whose services are moto's."""

    environment = "dev"

    def parameter(self, name: str) -> str:
        return {"data-bucket": "data", "training-state-machine-arn": MACHINE}[name]

    def client(self, service: str):
        return boto3.client(service, region_name="us-east-1")


@pytest.fixture
def target():
    with mock_aws():
        yield Logs()


def write(target: Logs, job: str, lines: list[str]) -> None:
    logs = target.client("logs")
    if not logs.describe_log_groups()["logGroups"]:
        logs.create_log_group(logGroupName=training.LOG_GROUP)
    stream = {"logGroupName": training.LOG_GROUP, "logStreamName": f"{job}/algo-1-1"}
    logs.create_log_stream(**stream)
    now = int(time.time() * 1000)
    logs.put_log_events(**stream, logEvents=[{"timestamp": now, "message": line} for line in lines])


def epoch(number: int, loss: float) -> str:
    return metric_line(epoch=number, train_loss=loss)


def test_a_curve_is_of_one_job_alone(target):
    write(target, "cnn-1", [epoch(1, 2.0), epoch(2, 1.0)])
    write(target, "cnn-10", [epoch(1, 7.0)])
    write(target, "rnn-1", [epoch(1, 0.5), "another line"])
    curve = training.history(target, "cnn-1")
    assert [(row["epoch"], row["train_loss"]) for row in curve] == [(1, 2.0), (2, 1.0)]


def test_a_job_without_a_log_has_no_curve(target):
    assert training.history(target, "cnn-1") == []


@pytest.fixture
def fetched(monkeypatch, tmp_path):
    """The package of weights, as though it had been fetched before."""
    package = tmp_path / WEIGHTS.file_name
    package.write_bytes(b"weights")
    monkeypatch.setattr(downloads, "fetch", lambda *_: package)
    return package


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_run_that_starts_from_weights_finds_them_in_the_data_bucket(target, fetched, pretrained):
    target.client("s3").create_bucket(Bucket="data")
    target.client("stepfunctions").create_state_machine(
        name="training", definition="{}", roleArn="arn:aws:iam::123456789012:role/machine"
    )
    chosen = {"pretrained": "true"} if pretrained else {"epochs": "3"}

    training.start(target, "cnn", "s3://data/own/photos", chosen)

    keys = [entry["Key"] for entry in target.client("s3").list_objects_v2(Bucket="data").get("Contents", [])]
    assert keys == ([f"pretrained/{WEIGHTS.file_name}"] if pretrained else [])


def test_weights_that_cannot_be_fetched_start_nothing(target, monkeypatch):
    def fails(*_):
        raise NotFetched("The registry does not answer.")

    monkeypatch.setattr(downloads, "fetch", fails)
    with pytest.raises(CommandFailed, match=r"does not answer. Or .* --from-scratch. Nothing was"):
        data.upload_weights(target)

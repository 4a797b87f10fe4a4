"""What the command line reads from a training job's log."""

from __future__ import annotations

import time

import boto3
import pytest
from moto import mock_aws

from cli.models import training
from model_code.training.metrics import metric_line


class Logs:
    """A target whose CloudWatch Logs are moto's."""

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

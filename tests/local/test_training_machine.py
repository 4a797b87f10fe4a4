"""The training state machine on the embedded AWS with scripts of a few lines: markers, capacity, champion."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from stacks.settings import load_settings
from stacks.training.state_machine import definition

from .conftest import ROLE, TYPE_WITHOUT_CAPACITY, archive, create_inference_stack

TRAIN = """
import os, pathlib
pathlib.Path(os.environ["SM_MODEL_DIR"], "model").write_text("a model")
"""
EVALUATE = """
import json, pathlib, sys
output = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
gate = {"gate": {"accuracy": 0.9}, "metric": "accuracy", "score": 0.9, "artefact_sha256": "0f"}
(output / "gate.json").write_text(json.dumps(gate))
for name in ("evaluation", "known_input", "baseline", "samples", "summary"):
    (output / f"{name}.json").write_text("{}")
"""
COMPARISON = """
import json, pathlib, sys
evaluation = pathlib.Path(sys.argv[sys.argv.index("--evaluation") + 1]).with_name("gate.json")
assert pathlib.Path(sys.argv[sys.argv.index("--champion") + 1], "model.tar.gz").is_file()
found = {"comparable": True, "score": 0.95, "difference": {"value": -0.05, "interval_95": [-0.06, -0.04]}}
evaluation.write_text(json.dumps({**json.loads(evaluation.read_text()), "champion": found}))
"""
SETTINGS = {
    "training": {
        "instance_type": TYPE_WITHOUT_CAPACITY,
        "fallback_instance_types": ["ml.g5.xlarge"],
        "approval": "Approved",
    }
}


@pytest.fixture(scope="module")
def group(client) -> Iterator[str]:
    """The name of the model package group, which goes with what the tests registered in it."""
    sagemaker, name = client("sagemaker"), "recognition-prod-rnn"
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    yield name
    for package in sagemaker.list_model_packages(ModelPackageGroupName=name)["ModelPackageSummaryList"]:
        sagemaker.delete_model_package(ModelPackageName=package["ModelPackageArn"])
    sagemaker.delete_model_package_group(ModelPackageGroupName=name)


@pytest.fixture(scope="module")
def inference_stack() -> str:
    """The name of the stack that says which version is released."""
    return f"inference-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def machine(client, bucket, group, inference_stack, job_context_of) -> str:
    """The machine over tiny scripts; its ARN."""
    s3 = client("s3")
    scripts = {
        "train.py": TRAIN,
        "model_code/__init__.py": "",
        "model_code/evaluation/evaluate.py": EVALUATE,
        "model_code/evaluation/comparison.py": COMPARISON,
    }
    s3.put_object(Bucket=bucket, Key="tiny/source.tar.gz", Body=archive(scripts))
    context = job_context_of("tiny/source.tar.gz", group, inference_stack)
    settings = load_settings("prod", {"prod": SETTINGS})
    answer = client("stepfunctions").create_state_machine(
        name=f"training-{uuid.uuid4().hex[:8]}",
        definition=json.dumps(definition(settings, context)),
        roleArn=ROLE,
    )
    return answer["stateMachineArn"]


@pytest.fixture(scope="module")
def data(client, bucket) -> str:
    """A data set's folder."""
    for split in ("train", "validation", "test"):
        client("s3").put_object(Bucket=bucket, Key=f"sets/one/{split}/part", Body=split.encode())
    return "sets/one"


@pytest.fixture(scope="module")
def first_run(client, bucket, machine, data, ended_execution) -> dict[str, Any]:
    """A run that a marker in the data bucket started."""
    s3, events = client("s3"), client("events")
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"suffix": "/TRAIN.json"}]}},
    }
    transformer = {"InputPathsMap": {"key": "$.detail.object.key"}, "InputTemplate": '{"marker_key": <key>}'}
    events.put_rule(Name="marker", EventPattern=json.dumps(pattern))
    target = {"Id": "1", "Arn": machine, "RoleArn": ROLE, "InputTransformer": transformer}
    events.put_targets(Rule="marker", Targets=[target])
    marker = {"kind": "rnn", "hyperparameters": {"epochs": "2"}}
    s3.put_object(Bucket=bucket, Key=f"{data}/TRAIN.json", Body=json.dumps(marker).encode())
    states, deadline = client("stepfunctions"), time.monotonic() + 240
    while not (listed := states.list_executions(stateMachineArn=machine)["executions"]):
        assert time.monotonic() < deadline, "The marker started nothing."
        time.sleep(0.2)
    return ended_execution(states, listed[0]["executionArn"])


def test_a_marker_starts_a_run_that_goes_on_to_the_instance_type_with_capacity(client, first_run):
    assert first_run["status"] == "SUCCEEDED", first_run.get("cause")
    name = json.loads(first_run["output"])["training_job_name"]
    jobs = client("sagemaker").list_training_jobs(NameContains=name.removesuffix("-2"))[
        "TrainingJobSummaries"
    ]
    described = [
        client("sagemaker").describe_training_job(TrainingJobName=job["TrainingJobName"])
        for job in reversed(jobs)
    ]
    assert [
        (description["ResourceConfig"]["InstanceType"], description["TrainingJobStatus"])
        for description in described
    ] == [
        (TYPE_WITHOUT_CAPACITY, "Failed"),
        ("ml.g5.xlarge", "Completed"),
    ]
    assert described[0]["FailureReason"].startswith("CapacityError")


def test_a_model_that_is_worse_than_the_released_one_is_not_registered(
    client, bucket, group, inference_stack, machine, data, first_run, ended_execution
):
    version = json.loads(first_run["output"])["version"]
    create_inference_stack(client, inference_stack, version)
    states, given = client("stepfunctions"), {"kind": "rnn", "data_s3_uri": f"s3://{bucket}/{data}"}
    started = states.start_execution(stateMachineArn=machine, name="second", input=json.dumps(given))
    run = ended_execution(states, started["executionArn"])
    assert (run["status"], run["error"]) == ("FAILED", "BehindChampion")
    assert f"that of version {version}, which is released, 0.9500 on the same test samples" in run["cause"]
    packages = client("sagemaker").list_model_packages(ModelPackageGroupName=group)
    described = [
        package.get("ModelPackageDescription", "") for package in packages["ModelPackageSummaryList"]
    ]
    assert not any("second" in description for description in described)

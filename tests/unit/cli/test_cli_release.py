"""What a release refuses before it starts the state machine, and how it tells the machine's end."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from cli.models import release
from cli.shared.errors import CommandFailed
from cli.shared.target import Target

VARIABLES = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
GROUP = "recognition-dev-cnn"
PARAMETERS_ONLY = {
    "Parameters": {
        "CnnModelVersion": {"Type": "String", "Default": ""},
        "RnnModelVersion": {"Type": "String", "Default": ""},
    },
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "CnnModelVersion"}}}
    },
}


@pytest.fixture
def target():
    with mock_aws():
        yield Target("dev", VARIABLES)


@pytest.fixture
def stack(target):
    cloudformation = target.client("cloudformation")
    cloudformation.create_stack(
        StackName="Recognition-dev-Inference",
        TemplateBody=json.dumps(PARAMETERS_ONLY),
        Parameters=[{"ParameterKey": "CnnModelVersion", "ParameterValue": "7"}],
    )
    return cloudformation


def register(target: Target, approval: str) -> str:
    """Registers a version and returns its number."""
    sagemaker = target.client("sagemaker")
    if not sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]:
        sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    answer = sagemaker.create_model_package(ModelPackageGroupName=GROUP, ModelApprovalStatus=approval)
    return answer["ModelPackageArn"].rsplit("/", 1)[-1]


@pytest.mark.parametrize("version", ["", " ", "latest", "-1", "1.0", "١٢x"])
def test_an_empty_or_senseless_version_is_refused_and_the_live_parameter_stays(target, stack, version):
    with pytest.raises(CommandFailed, match="is none"):
        release.release(target, "cnn", version, print)
    assert release.stack_parameters(stack, "Recognition-dev-Inference")["CnnModelVersion"] == "7"


def test_an_unknown_version_is_refused_with_the_known_ones(target, stack):
    known = register(target, "Approved")
    with pytest.raises(CommandFailed, match=rf"no version 99 of {GROUP}; it has: {known}"):
        release.release(target, "cnn", "99", print)


def test_a_version_that_nobody_approved_is_refused(target, stack):
    version = register(target, "PendingManualApproval")
    with pytest.raises(CommandFailed, match="PendingManualApproval"):
        release.release(target, "cnn", version, print)
    assert release.stack_parameters(stack, "Recognition-dev-Inference")["CnnModelVersion"] == "7"


def test_approving_makes_a_version_releasable(target):
    version = register(target, "PendingManualApproval")
    release.approve(target, "cnn", version)
    release.require_approved_version(target, "cnn", version)


def test_the_newest_version_is_the_one_with_the_highest_number(target):
    versions = [register(target, "Approved") for _ in range(3)]
    assert release.newest_version(target, "cnn") == max(versions, key=int)


def test_a_missing_stack_is_a_sentence(target):
    with pytest.raises(CommandFailed, match="There is no stack Recognition-dev-Inference"):
        release.stack_parameters(
            boto3.client("cloudformation", region_name="us-east-1"), "Recognition-dev-Inference"
        )


class Machine:
    """The release state machine of a deployment; it ends after a look as it is told to."""

    def __init__(self, **end: str) -> None:
        self.looks = [{"status": "RUNNING"}, end]
        self.given: list[str] = []

    def start_execution(self, stateMachineArn: str, input: str) -> dict[str, str]:
        self.given.append(json.loads(input)["model_package_arn"])
        return {"executionArn": f"{stateMachineArn}:execution"}

    def describe_execution(self, executionArn: str) -> dict[str, str]:
        return self.looks.pop(0)


@pytest.fixture
def deployed(target, monkeypatch):
    """What the stacks publish, whether the networks share an endpoint or not."""
    publish(target, {"release-state-machine-arn": "arn:machine"})
    monkeypatch.setattr(release, "POLL_SECONDS", 0)
    return target


def publish(target: Target, values: dict[str, str]) -> None:
    for name, value in values.items():
        target.client("ssm").put_parameter(Name=f"/recognition/dev/{name}", Value=value, Type="String")


@pytest.mark.parametrize("shared", [{}, {"shared-endpoint": "recognition-dev-multi-model"}])
def test_the_state_machine_releases_and_the_command_touches_no_stack(deployed, stack, shared, monkeypatch):
    publish(deployed, shared)
    machine = Machine(status="SUCCEEDED", output='{"endpoint": "recognition-dev-cnn", "version": "1"}')
    monkeypatch.setitem(deployed.known_clients, "stepfunctions", machine)
    version = register(deployed, "Approved")
    release.release(deployed, "cnn", version, print)
    (given,) = machine.given
    assert given.endswith(f"{GROUP}/{version}")
    assert release.stack_parameters(stack, "Recognition-dev-Inference")["CnnModelVersion"] == "7"


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ({"status": "FAILED", "cause": "Version 4 does not answer."}, "Version 4 does not answer"),
        ({"status": "ABORTED"}, r"arn:machine:execution was stopped \(ABORTED\).*recognition status"),
        ({"status": "TIMED_OUT"}, r"arn:machine:execution was stopped \(TIMED_OUT\)"),
        (
            {"status": "SUCCEEDED", "output": '{"said": "Version 1 was overtaken."}'},
            "Version 1 was overtaken",
        ),
    ],
)
def test_a_release_that_does_not_succeed_is_the_machines_own_sentence(deployed, monkeypatch, end, said):
    monkeypatch.setitem(deployed.known_clients, "stepfunctions", Machine(**end))
    version = register(deployed, "Approved")
    with pytest.raises(CommandFailed, match=said):
        release.release(deployed, "cnn", version, print)


def test_what_a_shared_endpoint_answers_with_is_what_the_stack_published(target):
    endpoint = {"shared-endpoint": "recognition-dev-multi-model"}
    publish(target, {**endpoint, "cnn-released-version": "3", "rnn-released-version": "none"})
    assert release.serving_version(target, "cnn") == "3"
    assert release.serving_version(target, "rnn") is None

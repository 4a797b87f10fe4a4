"""What a release refuses before it touches a stack, and how it reads a failed update."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError
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


def test_another_update_of_the_stack_is_waited_for(monkeypatch):
    class Busy:
        """CloudFormation while an approval's update runs."""

        refusals = [
            "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated.",
            "Stack:arn is in UPDATE_COMPLETE_CLEANUP_IN_PROGRESS state and can not be updated.",
        ]

        def update_stack(self, **request):
            if self.refusals:
                message = self.refusals.pop(0)
                raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "UpdateStack")

    monkeypatch.setattr(release, "POLL_SECONDS", 0)
    said: list[str] = []
    assert release.start_update(Busy(), "Stack", [], said.append) is True
    assert said == ["waiting for another update of Stack"] * 2


def test_the_reason_of_a_failed_update_is_the_first_failure_of_that_update_only():
    def event(
        logical_id: str, status: str, reason: str | None = None, kind: str = "AWS::SageMaker::Endpoint"
    ) -> dict:
        return {
            "LogicalResourceId": logical_id,
            "ResourceStatus": status,
            "ResourceStatusReason": reason,
            "ResourceType": kind,
        }

    newest_first = [
        event("Stack", "UPDATE_ROLLBACK_COMPLETE", kind="AWS::CloudFormation::Stack"),
        event("Config", "UPDATE_FAILED", "cancelled"),
        event("Endpoint", "UPDATE_FAILED", "the model does not load"),
        event("Stack", "UPDATE_IN_PROGRESS", kind="AWS::CloudFormation::Stack"),
        event("Old", "CREATE_FAILED", "a story of another day"),
    ]
    assert release.first_failure(newest_first) == "Endpoint: the model does not load"


class Machine:
    """The release machine of a deployment whose networks share an endpoint; it ends after a look as it is told to."""

    def __init__(self, **end: str) -> None:
        self.looks = [{"status": "RUNNING"}, end]
        self.given: list[str] = []

    def start_execution(self, stateMachineArn: str, input: str) -> dict[str, str]:
        self.given.append(json.loads(input)["model_package_arn"])
        return {"executionArn": f"{stateMachineArn}:execution"}

    def describe_execution(self, executionArn: str) -> dict[str, str]:
        return self.looks.pop(0)


@pytest.fixture
def shared(target, monkeypatch):
    """What the stacks publish where one endpoint serves both networks."""
    published = {
        "shared-endpoint": "recognition-dev-multi-model",
        "release-state-machine-arn": "arn:machine",
        "cnn-released-version": "3",
        "rnn-released-version": "none",
    }
    for name, value in published.items():
        target.client("ssm").put_parameter(Name=f"/recognition/dev/{name}", Value=value, Type="String")
    monkeypatch.setattr(release, "POLL_SECONDS", 0)
    return target


def test_on_a_shared_endpoint_the_machine_releases_and_no_stack_is_touched(shared, monkeypatch):
    machine = Machine(status="SUCCEEDED")
    monkeypatch.setitem(shared.known_clients, "stepfunctions", machine)
    version = register(shared, "Approved")
    release.release(shared, "cnn", version, print)
    (given,) = machine.given
    assert given.endswith(f"{GROUP}/{version}")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ({"status": "FAILED", "cause": "Version 4 does not answer."}, "Version 4 does not answer"),
        ({"status": "ABORTED"}, "arn:machine:execution was stopped"),
    ],
)
def test_a_machine_that_does_not_succeed_is_its_own_sentence(shared, monkeypatch, end, said):
    monkeypatch.setitem(shared.known_clients, "stepfunctions", Machine(**end))
    version = register(shared, "Approved")
    with pytest.raises(CommandFailed, match=said):
        release.release(shared, "cnn", version, print)


def test_what_a_shared_endpoint_answers_with_is_what_was_recorded(shared):
    assert release.serving_version(shared, "cnn") == "3"
    assert release.serving_version(shared, "rnn") is None

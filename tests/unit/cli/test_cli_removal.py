"""What clears a registry, and what keeps it."""

from __future__ import annotations

import json

import pytest
from moto import mock_aws

from cli.local.status import stack_states
from cli.models.release import list_versions
from cli.models.removal import remove_versions
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions.networks import KINDS

VARIABLES = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
STACK = {
    "Parameters": {
        "CnnModelVersion": {"Type": "String", "Default": ""},
        "RnnModelVersion": {"Type": "String", "Default": ""},
    },
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
}


def registry(environment: str, **counts: int) -> Target:
    """A target with so many versions of each kind."""
    target = Target(environment, VARIABLES)
    sagemaker = target.client("sagemaker")
    for kind, count in counts.items():
        group = f"recognition-{environment}-{kind}"
        sagemaker.create_model_package_group(ModelPackageGroupName=group)
        for _ in range(count):
            sagemaker.create_model_package(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    return target


def deploy(target: Target, version: str) -> None:
    target.client("cloudformation").create_stack(
        StackName=target.stack_name("Inference"),
        TemplateBody=json.dumps(STACK),
        Parameters=[{"ParameterKey": "RnnModelVersion", "ParameterValue": version}],
    )


@pytest.fixture(autouse=True)
def aws():
    with mock_aws():
        yield


def deletable(target: Target, monkeypatch) -> list[str]:
    """moto has no DeleteModelPackage: what is asked for is kept here."""
    deleted: list[str] = []
    monkeypatch.setattr(
        target.client("sagemaker"),
        "delete_model_package",
        lambda ModelPackageName: deleted.append(ModelPackageName),
        raising=False,
    )
    return deleted


@pytest.mark.parametrize("deployed", [True, False])
def test_every_version_of_dev_goes_once_nothing_serves(monkeypatch, deployed):
    target = registry("dev", cnn=2, rnn=1)
    if deployed:
        deploy(target, "")
    wanted = {
        version["ModelPackageArn"] for kind in ("cnn", "rnn") for version in list_versions(target, kind)
    }
    deleted = deletable(target, monkeypatch)
    assert remove_versions(target, print) == {**dict.fromkeys(KINDS, 0), "cnn": 2, "rnn": 1}
    assert set(deleted) == wanted


def test_a_version_that_serves_stays_and_so_do_all(monkeypatch):
    target = registry("dev", cnn=1, rnn=1)
    deploy(target, "1")
    deleted = deletable(target, monkeypatch)
    with pytest.raises(
        CommandFailed, match=r"Still serving: RNN\. Take.*cdk destroy Recognition-dev-Inference"
    ):
        remove_versions(target, print)
    assert deleted == []


def test_on_the_embedded_aws_no_command_is_named_that_would_reach_an_account(monkeypatch):
    target = registry("dev", rnn=1)
    deploy(target, "1")
    embedded = Target("dev", {**VARIABLES, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})
    embedded.known_clients.update(target.known_clients)
    with pytest.raises(CommandFailed, match=r"Still serving: RNN\. .*recognition down") as refusal:
        remove_versions(embedded, print)
    assert "cdk" not in str(refusal.value)


def test_every_stack_of_the_environment_is_told_and_none_of_another():
    dev, prod = Target("dev", VARIABLES), Target("prod", VARIABLES)
    deploy(dev, "")
    deploy(prod, "")
    dev.client("cloudformation").create_stack(
        StackName=dev.stack_name("Watching"), TemplateBody=json.dumps(STACK)
    )
    states = stack_states(dev, ["Storage", "Inference"])
    assert list(states.items()) == [
        ("Storage", None),
        ("Inference", "CREATE_COMPLETE"),
        ("Watching", "CREATE_COMPLETE"),
    ]


def test_prod_keeps_its_versions(monkeypatch):
    target = registry("prod", rnn=1)
    deleted = deletable(target, monkeypatch)
    with pytest.raises(CommandFailed, match="prod keeps its registered versions"):
        remove_versions(target, print)
    assert deleted == []

"""Which version a rollback goes back to."""

from __future__ import annotations

import pytest
from moto import mock_aws

from cli.models import rollback
from cli.shared.errors import CommandFailed
from cli.shared.target import Target

VARIABLES = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
GROUP = "recognition-dev-cnn"


@pytest.fixture
def target():
    with mock_aws():
        made = Target("dev", VARIABLES)
        made.client("s3").create_bucket(Bucket="models")
        made.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
        yield made


def register(target: Target, *, approval: str = "Approved", with_artefact: bool = True) -> str:
    """Registers a version and returns its number."""
    sagemaker = target.client("sagemaker")
    key = f"training/{len(rollback.list_versions(target, 'cnn'))}.tar.gz"
    if with_artefact:
        target.client("s3").put_object(Bucket="models", Key=key, Body=b"model")
    container = {"Image": "image", "ModelDataUrl": f"s3://models/{key}"}
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=GROUP,
        ModelApprovalStatus=approval,
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["image/png"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )
    return answer["ModelPackageArn"].rsplit("/", 1)[-1]


def serve(target: Target, *versions: str) -> None:
    """The record that the inference stack leaves of these releases."""
    for version in versions:
        target.client("ssm").put_parameter(
            Name="/recognition/dev/cnn-released-version", Value=version, Type="String", Overwrite=True
        )


def test_the_version_before_is_the_last_other_one(target):
    first, second, third = (register(target) for _ in range(3))
    serve(target, first, second, third, third)
    assert rollback.version_before(target, "cnn") == second


def test_going_back_twice_leads_to_where_one_was(target):
    first, second = register(target), register(target)
    serve(target, first, second, first)
    assert rollback.version_before(target, "cnn") == second


def test_what_is_no_longer_approved_or_there_is_passed_over(target):
    good = register(target)
    rejected = register(target, approval="Rejected")
    lost = register(target, with_artefact=False)
    live = register(target)
    serve(target, good, rejected, lost, "99", live)
    assert rollback.version_before(target, "cnn") == good


def test_with_nothing_left_each_version_says_what_stands_against_it(target):
    rejected, lost, live = (
        register(target, approval="Rejected"),
        register(target, with_artefact=False),
        register(target),
    )
    serve(target, rejected, lost, live)
    with pytest.raises(CommandFailed) as refused:
        rollback.version_before(target, "cnn")
    assert f"the artefact of version {lost} was deleted; version {rejected} is Rejected" in str(refused.value)


def test_the_first_release_has_nothing_before_it(target):
    with pytest.raises(CommandFailed, match="Nothing is released to recognition-dev-cnn yet"):
        rollback.version_before(target, "cnn")
    serve(target, register(target))
    with pytest.raises(CommandFailed, match="is the first that was released"):
        rollback.version_before(target, "cnn")

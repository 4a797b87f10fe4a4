"""Which version a rollback goes back to."""

from __future__ import annotations

import json

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
    if with_artefact:
        etag = target.client("s3").head_object(Bucket="models", Key=key)["ETag"]
        container["ModelDataETag"] = etag.strip('"')
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


def verify(target: Target, *versions: str) -> None:
    """The record that the release state machine leaves of these releases; the last of them serves."""
    for version in ("", *versions):
        write(target, "verified-release", json.dumps({"version": version} if version else {}))
    serve(target, versions[-1])


def serve(target: Target, version: str) -> None:
    """What the inference stack publishes of the version that it holds."""
    write(target, "released-version", version)


def write(target: Target, name: str, value: str) -> None:
    target.client("ssm").put_parameter(
        Name=f"/recognition/dev/cnn-{name}", Value=value, Type="String", Overwrite=True
    )


def test_the_version_before_is_the_last_other_one(target):
    first, second, third = (register(target) for _ in range(3))
    verify(target, first, second, third, third)
    assert rollback.version_before(target, "cnn") == second


def test_going_back_twice_leads_to_where_one_was(target):
    first, second = register(target), register(target)
    verify(target, first, second, first)
    assert rollback.version_before(target, "cnn") == second


def test_what_is_no_longer_approved_or_there_is_passed_over(target):
    good = register(target)
    rejected = register(target, approval="Rejected")
    lost = register(target, with_artefact=False)
    live = register(target)
    verify(target, good, rejected, lost, "99", live)
    assert rollback.version_before(target, "cnn") == good


def test_nobody_goes_back_to_an_artefact_that_was_written_anew(target):
    good, changed, live = (register(target) for _ in range(3))
    verify(target, good, changed, live)
    place = {"Bucket": "models", "Key": "training/1.tar.gz"}
    assert rollback.version_before(target, "cnn") == changed
    target.client("s3").put_object(**place, Body=b"another model")
    assert rollback.version_before(target, "cnn") == good


def test_with_nothing_left_each_version_says_what_stands_against_it(target):
    rejected, lost, live = (
        register(target, approval="Rejected"),
        register(target, with_artefact=False),
        register(target),
    )
    verify(target, rejected, lost, live)
    with pytest.raises(CommandFailed) as refused:
        rollback.version_before(target, "cnn")
    assert f"the artefact of version {lost} was deleted; version {rejected} is Rejected" in str(refused.value)


def test_the_first_release_has_nothing_before_it(target):
    with pytest.raises(CommandFailed, match="No version of recognition-dev-cnn has answered a release yet"):
        rollback.version_before(target, "cnn")
    verify(target, register(target))
    with pytest.raises(CommandFailed, match="is the first that was released"):
        rollback.version_before(target, "cnn")


def test_a_version_that_was_taken_back_is_not_gone_back_to(target):
    """The stack's parameter held it for a while; the record of what has answered did not."""
    first, taken_back = register(target), register(target)
    verify(target, first)
    serve(target, taken_back)
    serve(target, first)
    with pytest.raises(CommandFailed, match="is the first that was released"):
        rollback.version_before(target, "cnn")


def test_from_a_version_that_never_answered_the_way_back_is_the_last_that_did(target):
    first, second, stuck = (register(target) for _ in range(3))
    verify(target, first, second)
    serve(target, stuck)
    assert rollback.version_before(target, "cnn") == second


def test_during_a_shutdown_the_present_version_is_the_last_that_answered(target):
    first, second = register(target), register(target)
    verify(target, first, second)
    serve(target, "none")
    assert rollback.version_before(target, "cnn") == first

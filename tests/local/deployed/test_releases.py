"""What serves: the first version, a later one, an earlier one again, and never one that does not load."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from cli.models import own_model, release, rollback
from cli.models.archive import Model
from cli.shared.errors import CommandFailed
from cli.shared.target import Target

from .reviews import GOOD, classify, serve, silent


def test_before_the_first_release_the_api_says_so_and_when_to_try_again(unreleased):
    reply = unreleased.reply
    assert (reply.status, reply.body["error"]["code"]) == (503, "ModelNotReleased")
    assert unreleased.served is None


def test_an_empty_version_cannot_take_the_endpoint_down(target, released):
    with pytest.raises(CommandFailed, match="would delete the live endpoint"):
        release.release(target, "rnn", "", silent)
    assert classify(target, "A film.").body["model"]["version"] == released


def test_an_upgrade_to_other_settings_keeps_buckets_versions_and_what_serves(upgrade):
    assert upgrade.after == upgrade.before
    assert upgrade.captured == 1, "what the endpoint is asked is captured from now on"


def test_a_model_of_this_machine_becomes_a_version_and_rollback_keeps_instances(
    target, upgrade, released, local_model
):
    """The upgrade's settings scale by the load, which a release may not take back to the first number."""
    instances = scaled_to(target, 3)
    version = own_model.register(target, "rnn", Model(local_model), "Approved")
    release.release(target, "rnn", version, silent)
    assert classify(target, "A film.").body["model"]["version"] == version
    assert instances() == 3
    release.release(target, "rnn", released, silent)
    assert classify(target, "A film.").body["model"]["version"] == released
    assert instances() == 3


def scaled_to(target: Target, count: int) -> Callable[[], int]:
    """Scales the endpoint as Application Auto Scaling does; gives what tells its number of instances."""
    sagemaker, name = target.client("sagemaker"), release.endpoint_name(target, "rnn")
    wanted = {"VariantName": "primary", "DesiredInstanceCount": count}
    sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=[wanted])

    def instances() -> int:
        (variant,) = sagemaker.describe_endpoint(EndpointName=name)["ProductionVariants"]
        return variant["CurrentInstanceCount"]

    return instances


@pytest.fixture(scope="module")
def damaged_model(local_model, tmp_path_factory) -> Path:
    """The first version's artefact with a file that TensorFlow cannot read."""
    folder = tmp_path_factory.mktemp("damaged") / "model"
    shutil.copytree(local_model, folder)
    (folder / "1" / "saved_model.pb").write_bytes(b"damaged")
    return folder


def test_a_model_that_does_not_load_leaves_the_old_one_answering(target, released, damaged_model):
    version = own_model.register(target, "rnn", Model(damaged_model), "Approved")
    with pytest.raises(CommandFailed, match="The endpoint keeps the model it had"):
        release.release(target, "rnn", version, silent)
    assert classify(target, f"A {GOOD[1]} film.").body["model"]["version"] == released
    # The next good release works.
    release.release(target, "rnn", released, silent)


@pytest.fixture(scope="module")
def failing_model(local_model, tmp_path_factory) -> Path:
    """The first version's artefact with handlers that load, and answer nobody."""
    folder = tmp_path_factory.mktemp("failing") / "model"
    shutil.copytree(local_model, folder)
    with (folder / "code" / "inference.py").open("a") as code:
        code.write("\n\ndef input_handler(data, context):\n    raise RuntimeError('It fails.')\n")
    return folder


def test_a_version_that_fails_in_its_canary_is_rolled_back_by_its_alarm(
    target, upgrade, released, failing_model, callers
):
    version = own_model.register(target, "rnn", Model(failing_model), "Approved")
    name, runtime = release.endpoint_name(target, "rnn"), target.client("sagemaker-runtime")

    def ask() -> str:
        """The version that answered, or the kind of the error."""
        try:
            answer = runtime.invoke_endpoint(EndpointName=name, Body=b"A film.", ContentType="text/plain")
            return json.loads(answer["Body"].read())["predictions"][0]["model_version"]
        except ClientError as error:
            return error.response["Error"]["Code"]

    with callers(ask) as got, pytest.raises(CommandFailed) as failed:
        release.release(target, "rnn", version, silent)
    assert re.fullmatch(
        rf"The update of \S+ to version {version} of recognition-dev-rnn ended as UPDATE_ROLLBACK_COMPLETE: .*"
        r"alarms are in the ALARM state: \S*ServerErrors\S*\. .*The endpoint keeps the model it had\.",
        str(failed.value),
    )
    assert set(got) == {released, "ModelError"}
    assert classify(target, "A film.").body["model"]["version"] == released
    held = release.stack_parameters(target.client("cloudformation"), target.stack_name("Inference"))
    assert held["RnnModelVersion"] == released


def test_a_version_that_answers_nobody_is_taken_back_and_no_rollback_goes_there(
    target, upgrade, released, failing_model
):
    """Nobody asks while it changes over, so its alarm stays silent; the machine's known input finds it."""
    version = own_model.register(target, "rnn", Model(failing_model), "Approved")
    with pytest.raises(
        CommandFailed, match=f"does not answer a known input.*Version {released} serves again"
    ):
        release.release(target, "rnn", version, silent)
    assert classify(target, "A film.").body["model"]["version"] == released
    assert version not in rollback.verified_versions(target, "rnn")


@contextmanager
def releases_on_approval(
    target: Target, role_of: Callable[..., str]
) -> Iterator[Callable[[int], dict[str, dict]]]:
    """The rule that prod has and dev has not; gives the executions that it started, ended, by version."""
    events, states = target.client("events"), target.client("stepfunctions")
    machine = target.parameter("release-state-machine-arn")

    def executions() -> list[dict]:
        return states.list_executions(stateMachineArn=machine)["executions"]

    others = {execution["executionArn"] for execution in executions()}
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": ["recognition-dev-rnn"],
            "ModelApprovalStatus": ["Approved"],
            "UpdatedModelPackageFields": ["ModelApprovalStatus"],
        },
    }
    transformer = {
        "InputPathsMap": {"arn": "$.detail.ModelPackageArn", "time": "$.time"},
        "InputTemplate": '{"model_package_arn": <arn>, "requested_at": <time>}',
    }
    events.put_rule(Name="approval", EventPattern=json.dumps(pattern))
    role = role_of(target.client("iam"), "events", "states:StartExecution", machine)
    events.put_targets(
        Rule="approval",
        Targets=[{"Id": "1", "Arn": machine, "RoleArn": role, "InputTransformer": transformer}],
    )

    def ended(count: int) -> dict[str, dict]:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            listed = [execution for execution in executions() if execution["executionArn"] not in others]
            if len(listed) == count and not [summary for summary in listed if summary["status"] == "RUNNING"]:
                described = [
                    states.describe_execution(executionArn=summary["executionArn"]) for summary in listed
                ]
                return {
                    json.loads(execution["input"])["model_package_arn"].rsplit("/", 1)[-1]: execution
                    for execution in described
                }
            time.sleep(0.5)
        raise AssertionError(f"The releases did not end: {listed}")

    try:
        yield ended
    finally:
        events.remove_targets(Rule="approval", Ids=["1"])
        events.delete_rule(Name="approval")


@dataclass(frozen=True)
class Approvals:
    """Two versions that were approved at once while the first one served, and how their releases ended."""

    good: str
    bad: str
    ended: dict[str, dict]
    served: str


@pytest.fixture(scope="module")
def approvals(target, role_of, first_version, local_model, damaged_model) -> Approvals:
    """A good version and one that does not load, approved at once."""
    serve(target, first_version.version)
    with releases_on_approval(target, role_of) as ended:
        waiting = "PendingManualApproval"
        good = own_model.register(target, "rnn", Model(local_model), waiting)
        bad = own_model.register(target, "rnn", Model(damaged_model), waiting)
        for version in (good, bad):
            release.approve(target, "rnn", version)
        # Of a version that nobody approves now, an edit is no approval.
        first = release.describe_version(target, "rnn", first_version.version)["ModelPackageArn"]
        target.client("sagemaker").update_model_package(
            ModelPackageArn=first, CustomerMetadataProperties={"note": "looked at again"}
        )
        return Approvals(good, bad, ended(2), classify(target, "A film.").body["model"]["version"])


def test_an_edit_of_an_older_approved_version_releases_nothing(approvals, first_version):
    assert first_version.version not in approvals.ended


def test_of_approvals_at_once_each_has_its_turn_and_the_good_one_serves(approvals):
    good, bad = approvals.ended[approvals.good], approvals.ended[approvals.bad]
    assert good["status"] == "SUCCEEDED", good.get("cause")
    assert (bad["status"], bad["error"]) == ("FAILED", "NotReleased")
    assert "The endpoint keeps the model it had." in bad["cause"]
    assert approvals.served == approvals.good


def test_the_version_before_can_come_back_and_what_failed_was_never_released(
    target, first_version, approvals
):
    serve(target, approvals.good)
    history = rollback.verified_versions(target, "rnn")
    assert (history[-1], approvals.bad in history) == (approvals.good, False)
    version = rollback.version_before(target, "rnn")
    release.release(target, "rnn", version, silent)
    assert version == first_version.version
    assert classify(target, "A film.").body["model"]["version"] == version

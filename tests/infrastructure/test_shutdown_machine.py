"""The shutdown machine: walked to each of its ends; it never takes away what somebody asks or has just released."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from stacks.release.shutdown_state_machine import ShutdownContext, definition
from stacks.release.state_machine import ReleaseContext

from .interpreter import Answer, TaskFailed, Walk, failing, reachable, walk
from .updates import UPDATE_ROLE, update_to

VERSIONS = "arn:aws:sagemaker:us-east-1:111122223333:model-package/recognition-dev-"
RELEASE_MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:release"
CONTEXT = ShutdownContext(
    release=ReleaseContext("dev", "Recognition-dev-Inference", {"cnn": "CnnC", "rnn": "RnnC"}, UPDATE_ROLE),
    release_machine_arn=RELEASE_MACHINE,
    version_arns={kind: f"{VERSIONS}{kind}/" for kind in ("cnn", "rnn")},
    idle_hours=4,
)


def hours_ago(hours: float) -> str:
    moment = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=hours)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Aws:
    """A stack, a metric and a record that answer the machine's calls."""

    def __init__(self, **given: Any) -> None:
        self.given = given
        self.serving = given.get("serving", "6")
        self.statuses = list(given.get("statuses", ["UPDATE_COMPLETE"]))
        self.updates: list[dict] = []
        self.started: list[dict] = []

    def describe(self, *_: Any) -> dict:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        held = {"KeyArn": "k", "CnnModelVersion": "3", "RnnModelVersion": self.serving}
        parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in held.items()]
        times = {
            "CreationTime": hours_ago(900),
            **self.given.get("times", {"LastUpdatedTime": hours_ago(30)}),
        }
        return {"Stacks": [{"StackStatus": status, "Parameters": parameters, **times}]}

    def update(self, request: dict, _: int) -> dict:
        if refusals := self.given.get("refusals"):
            self.serving = self.given.get("released_meanwhile", self.serving)
            raise TaskFailed("CloudFormation.CloudFormationException", refusals.pop(0))
        self.updates.append(request)
        if self.given.get("rolls_back"):
            self.statuses = ["UPDATE_ROLLBACK_COMPLETE"]
        return {}

    def count(self, request: dict, _: int) -> dict:
        assert request["Dimensions"][0] == {"Name": "EndpointName", "Value": "recognition-dev-rnn"}
        start, end = (datetime.datetime.fromisoformat(request[end_of]) for end_of in ("StartTime", "EndTime"))
        assert round((end - start).total_seconds()) == 4 * 3600
        counts = self.given.get("requests", [])
        return {"Datapoints": [{"Sum": count} for count in counts]}

    def read_record(self, request: dict, _: int) -> dict:
        assert request == {"Name": "/recognition/dev/rnn-verified-release"}
        return {"Parameter": {"Value": json.dumps(self.given.get("record", {"version": "6"}))}}

    def start(self, request: dict, _: int) -> dict:
        self.started.append(request)
        return {}

    def run(self, action: str, **changed: Answer) -> Walk:
        answers = {
            "DescribeStack": self.describe,
            "FollowUpdate": self.describe,
            "Update": self.update,
            "CountRequests": self.count,
            "ReadRecord": self.read_record,
            "Release": self.start,
        }
        return walk(definition(CONTEXT), {"kind": "rnn", "action": action}, {**answers, **changed})


def test_at_the_end_of_the_day_the_parameter_becomes_empty_and_nothing_else_changes():
    aws = Aws()
    done = aws.run("shut down")
    assert done.output == {
        "endpoint": "recognition-dev-rnn",
        "said": "Version 6 is shut down; the endpoint costs nothing.",
    }
    (update,) = aws.updates
    assert update == {**update, **update_to("")}


@pytest.mark.parametrize("requests", [[], [0], [0, 0]])
def test_an_endpoint_that_nobody_asked_is_shut_down(requests):
    aws = Aws(requests=requests)
    assert aws.run("shut down if idle").output["said"].endswith("costs nothing.")
    assert len(aws.updates) == 1


def test_an_endpoint_that_somebody_asked_goes_on():
    aws = Aws(requests=[0, 3])
    assert aws.run("shut down if idle").output["said"] == "3 requests within 4 hours."
    assert aws.updates == []


@pytest.mark.parametrize("times", [{"LastUpdatedTime": hours_ago(3)}, {"CreationTime": hours_ago(1)}])
def test_what_was_released_a_moment_ago_is_not_idle(times):
    aws = Aws(times=times)
    assert aws.run("shut down if idle").output["said"] == "The stack was updated within the last 4 hours."
    assert aws.updates == []


def test_a_release_that_comes_in_between_is_not_undone():
    """The idle endpoint is looked at again when the stack is free: another version is young."""
    busy = "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."
    aws = Aws(refusals=[busy])
    described = aws.describe

    def describe_then_young(*given: Any) -> dict:
        answer = described(*given)
        aws.given["times"] = {"LastUpdatedTime": hours_ago(0)}
        return answer

    aws.describe = describe_then_young
    assert aws.run("shut down if idle").output["said"] == "The stack was updated within the last 4 hours."
    assert aws.updates == []


@pytest.mark.parametrize(
    ("action", "serving"), [("shut down", ""), ("shut down if idle", ""), ("start", "6")]
)
def test_what_is_so_already_is_left_alone(action, serving):
    aws = Aws(serving=serving)
    done = aws.run(action)
    assert (done.output["said"], aws.updates, aws.started) == ("It is as it was asked to be.", [], [])


def test_in_the_morning_the_last_version_that_answered_its_release_is_released():
    aws = Aws(serving="", record={"version": "6", "requested_at": "2026-11-25T21:00:00Z"})
    done = aws.run("start")
    assert done.output["said"] == "The release of version 6 has started."
    (request,) = aws.started
    assert request["StateMachineArn"] == RELEASE_MACHINE
    assert json.loads(request["Input"]) == {"model_package_arn": f"{VERSIONS}rnn/6"}
    assert aws.updates == [], "CloudFormation is changed by the release alone"


def test_where_nothing_was_ever_released_nothing_starts():
    aws = Aws(serving="", record={})
    assert aws.run("start").output["said"] == "Nothing was ever released."
    assert aws.started == []


def test_an_update_that_fails_leaves_the_endpoint_and_says_so():
    done = Aws(rolls_back=True).run("shut down")
    assert (done.error, "ended as UPDATE_ROLLBACK_COMPLETE; the endpoint is what it was" in done.cause) == (
        "NotChanged",
        True,
    )


def test_every_task_that_fails_ends_with_its_reason():
    down = failing("Any.Exception", "the network is down")
    for name, state in definition(CONTEXT)["States"].items():
        if state["Type"] != "Task":
            continue
        aws = Aws(serving="" if name in ("ReadRecord", "Release") else "6")
        done = aws.run("shut down if idle" if aws.serving else "start", **{name: down})
        assert (done.error, done.cause) == ("NotChanged", "the network is down"), name


def test_every_state_can_be_reached():
    machine = definition(CONTEXT)
    assert reachable(machine) == set(machine["States"])

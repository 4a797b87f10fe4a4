"""What is said at the end of the deployed tests: refusals, grants that nothing used, and calls that AWS has not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import execnet
import pytest

from .. import permissions
from ..permissions import Report, grants_of_the_app, is_in_reference, title_of
from ..removals import Removal

ROLE = "Recognition-dev-Bulk-MachineRole7E8F0778-9A0E947C1AE26"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:queue"


class Iam:
    """IAM with one role of the app and one that is none of its."""

    def __init__(self, *actions: str, statements: Sequence[dict[str, Any]] = ()) -> None:
        self.actions, self.statements = actions, statements

    def get_paginator(self, operation: str) -> Iam:
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Roles": [{"RoleName": ROLE}, {"RoleName": "of-a-test"}]}]

    def list_role_policies(self, RoleName: str) -> dict[str, list[str]]:
        return {"PolicyNames": ["own"]}

    def get_role_policy(self, RoleName: str, PolicyName: str) -> dict[str, Any]:
        denied = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
        allowed = {"Effect": "Allow", "Action": list(self.actions), "Resource": "*"}
        own = [allowed] if self.actions else []
        return {"PolicyDocument": {"Statement": [denied, *own, *self.statements]}}


def report_of(
    folder: Path,
    granted: list[str],
    *decisions: dict[str, Any],
    statements: Sequence[dict[str, Any]] = (),
) -> Report:
    """What is seen of a role with these grants, by these decisions."""
    lines = [json.dumps({"principal": ROLE, "resource": QUEUE, **decision}) for decision in decisions]
    (folder / permissions.DECISIONS_FILE).write_text("\n".join(lines))
    report = Report()
    report.read(grants_of_the_app(Iam(*granted, statements=statements)), folder)
    return report


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch) -> None:
    """The real table stays out."""
    monkeypatch.setattr(permissions, "UNUSED", {})


def test_a_grant_that_nothing_misses_is_told(tmp_path):
    report = report_of(tmp_path, ["sqs:SendMessage", "sqs:Purge*"], {"action": "sqs:SendMessage"})
    assert report.complaints() == ["Granted, and nothing misses it: sqs:Purge* of Bulk-MachineRole on *"]


def test_a_grant_that_another_statement_gives_too_is_missed_by_nothing(tmp_path):
    again = [{"Effect": "Allow", "Action": "sqs:*", "Resource": QUEUE}]
    report = report_of(tmp_path, ["sqs:SendMessage"], {"action": "sqs:SendMessage"}, statements=again)
    assert [line.rpartition(" of ")[0] for line in report.complaints()] == [
        "Granted, and nothing misses it: sqs:*",
        "Granted, and nothing misses it: sqs:SendMessage",
    ]


def test_a_grant_is_told_for_the_resources_that_nothing_asked_for(tmp_path):
    apart = [
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": place} for place in (QUEUE, f"{QUEUE}s")
    ]
    report = report_of(tmp_path, [], {"action": "sqs:SendMessage"}, statements=apart)
    assert report.complaints() == [
        f"Granted, and nothing misses it: sqs:SendMessage of Bulk-MachineRole on {QUEUE}s"
    ]


@pytest.mark.parametrize(("service", "missed"), [("s3", True), ("sqs", False)])
def test_a_grant_under_a_condition_is_missed_where_the_condition_was_met(tmp_path, service, missed):
    held = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*", "Condition": held}
    context = {"kms:ViaService": f"{service}.us-east-1.amazonaws.com"}
    key = "arn:aws:kms:us-east-1:000000000000:key/one"
    decision = {"action": "kms:Decrypt", "resource": key, "context": context}
    assert bool(report_of(tmp_path, [], decision, statements=[statement]).judgement().used) is missed


def test_a_place_is_the_same_in_every_deployment():
    key, bucket = (
        "arn:aws:kms:us-east-1:000000000000:key/{}",
        "arn:aws:s3:::recognition-dev-data-{}/training/*",
    )
    first = Removal("role", "policy", 0, "s3:*", (key.format(uuid.uuid4()), bucket.format("e88c0f30453f3")))
    second = Removal("role", "policy", 1, "s3:*", (bucket.format("376792f016ca3"), key.format(uuid.uuid4())))
    assert first.place == second.place


def test_the_share_is_of_what_no_line_of_the_table_names(tmp_path, monkeypatch):
    monkeypatch.setattr(permissions, "UNUSED", {"a reason": {"Bulk-MachineRole": ("sqs:PurgeQueue",)}})
    actions = ["sqs:SendMessage", "sqs:PurgeQueue", "sqs:GetQueueUrl"]
    report = report_of(tmp_path, actions, {"action": "sqs:SendMessage"})
    assert report.share().endswith("1 more are named with a reason. Of the rest 50.0% are missed.")


def test_a_grant_that_the_table_names_is_not_told(tmp_path, monkeypatch):
    monkeypatch.setattr(permissions, "UNUSED", {"a reason": {"Bulk-MachineRole": ("sqs:PurgeQueue",)}})
    assert report_of(tmp_path, ["sqs:PurgeQueue"]).complaints() == []


@pytest.mark.parametrize("granted", [["sqs:PurgeQueue"], []], ids=["used", "not granted"])
def test_a_line_of_the_table_that_is_missed_or_not_granted_is_told(tmp_path, monkeypatch, granted):
    monkeypatch.setattr(permissions, "UNUSED", {"a reason": {"Bulk-MachineRole": ("sqs:PurgeQueue",)}})
    used = [{"action": "sqs:PurgeQueue"}] if granted else []
    (line,) = report_of(tmp_path, granted, *used).complaints()
    assert line.startswith("In unused_grants.py and missed, or not granted: sqs:PurgeQueue")


def test_a_refusal_is_told_and_is_no_use(tmp_path):
    refused = {"action": "sqs:SendMessage", "refused": "User: x is not authorized."}
    assert report_of(tmp_path, ["sqs:SendMessage"], refused).complaints() == [
        "Refused: User: x is not authorized.",
        "Granted, and nothing misses it: sqs:SendMessage of Bulk-MachineRole on *",
    ]


def test_what_another_process_saw_counts(tmp_path):
    report = report_of(tmp_path, ["sqs:SendMessage"])
    other = report_of(tmp_path, ["sqs:SendMessage"], {"action": "sqs:SendMessage"})
    report.add(execnet.loads(execnet.dumps(other.as_data())))
    assert report.complaints() == []


def test_what_another_process_used_counts_where_its_statement_has_more_resources(tmp_path):
    """As after an upgrade, whose new resources CDK adds to a statement of the same actions."""

    def puts(deployment: str, *prefixes: str) -> dict[str, Any]:
        places = [f"arn:aws:s3:::recognition-dev-data-{deployment}/{prefix}/*" for prefix in prefixes]
        return {"Effect": "Allow", "Action": "s3:PutObject", "Resource": places}

    first, second = "e88c0f30453f3", "376792f016ca3"
    put = {
        "action": "s3:PutObject",
        "resource": f"arn:aws:s3:::recognition-dev-data-{second}/transform/answers",
    }
    report = report_of(tmp_path, [], statements=[puts(first, "transform")])
    assert len(report.complaints()) == 1
    other = report_of(tmp_path, [], put, statements=[puts(second, "captured", "transform")])
    report.add(execnet.loads(execnet.dumps(other.as_data())))
    assert report.complaints() == []


def test_all_of_the_deployed_tests_ran_when_each_file_did():
    report = Report()
    assert not report.is_of_all()
    report.files = {file.name for file in permissions.DEPLOYED.glob("test_*.py")}
    assert report.is_of_all()


@pytest.mark.parametrize(
    ("action", "resource", "is_there"),
    [
        ("sqs:SendMessage", QUEUE, True),
        ("sqs:SendMessageBatch", QUEUE, False),
        ("sqs:SendMessage", "arn:aws:sns:us-east-1:000000000000:topic", False),
        ("rekognition:DetectText", "*", True),
        ("nothing:Does", "*", False),
    ],
)
def test_only_what_the_reference_has_is_right(action, resource, is_there):
    assert is_in_reference(action, resource) is is_there


@pytest.mark.parametrize(
    ("name", "title"),
    [
        (ROLE, "Bulk-MachineRole"),
        (
            "Recognition-dev-Watching-DriftRnnTrainingEventsRole7A4D1427E6828",
            "Watching-DriftRnnTrainingEventsRole",
        ),
        ("cdk-hnb659fds-deploy-role-000000000000-us-east-1", None),
    ],
)
def test_a_role_is_known_by_its_name_without_what_is_appended(name, title):
    assert title_of(name) == title

"""What is said at the end of the deployed tests: refusals, grants that nothing used, and calls that AWS has not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .. import permissions
from ..permissions import Report, is_in_reference, title_of

ROLE = "Recognition-dev-Bulk-MachineRole7E8F0778-9A0E947C1AE26"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:queue"


class Iam:
    """IAM with one role of the app and one that is none of its."""

    def __init__(self, *actions: str) -> None:
        self.actions = actions

    def get_paginator(self, operation: str) -> Iam:
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Roles": [{"RoleName": ROLE}, {"RoleName": "of-a-test"}]}]

    def list_role_policies(self, RoleName: str) -> dict[str, list[str]]:
        return {"PolicyNames": ["own"]}

    def get_role_policy(self, RoleName: str, PolicyName: str) -> dict[str, Any]:
        denied = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
        allowed = {"Effect": "Allow", "Action": list(self.actions), "Resource": "*"}
        return {"PolicyDocument": {"Statement": [denied, allowed]}}


def report_of(folder: Path, granted: list[str], *decisions: dict[str, str]) -> Report:
    """What is seen of a role with these grants, by these decisions."""
    lines = [json.dumps({"principal": ROLE, "resource": QUEUE, **decision}) for decision in decisions]
    (folder / permissions.DECISIONS_FILE).write_text("\n".join(lines))
    report = Report()
    report.read(Iam(*granted), folder)
    return report


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch) -> None:
    """The real table stays out."""
    monkeypatch.setattr(permissions, "UNUSED", {})


def test_a_grant_that_nothing_used_is_told(tmp_path):
    report = report_of(tmp_path, ["sqs:SendMessage", "sqs:Purge*"], {"action": "sqs:SendMessage"})
    assert report.complaints() == ["Granted and never used: sqs:Purge* of Bulk-MachineRole"]


def test_a_grant_that_the_table_names_is_not_told(tmp_path, monkeypatch):
    monkeypatch.setattr(permissions, "UNUSED", {"a reason": {"Bulk-MachineRole": ("sqs:PurgeQueue",)}})
    assert report_of(tmp_path, ["sqs:PurgeQueue"]).complaints() == []


@pytest.mark.parametrize("granted", [["sqs:PurgeQueue"], []], ids=["used", "not granted"])
def test_a_line_of_the_table_that_is_used_or_not_granted_is_told(tmp_path, monkeypatch, granted):
    monkeypatch.setattr(permissions, "UNUSED", {"a reason": {"Bulk-MachineRole": ("sqs:PurgeQueue",)}})
    used = [{"action": "sqs:PurgeQueue"}] if granted else []
    (line,) = report_of(tmp_path, granted, *used).complaints()
    assert line.startswith("In unused_grants.py and used, or not granted: sqs:PurgeQueue")


def test_a_refusal_is_told_and_is_no_use(tmp_path):
    refused = {"action": "sqs:SendMessage", "refused": "User: x is not authorized."}
    assert report_of(tmp_path, ["sqs:SendMessage"], refused).complaints() == [
        "Refused: User: x is not authorized.",
        "Granted and never used: sqs:SendMessage of Bulk-MachineRole",
    ]


def test_what_another_process_saw_counts(tmp_path):
    report = report_of(tmp_path, ["sqs:SendMessage"])
    report.add(report_of(tmp_path, [], {"action": "sqs:SendMessage"}).as_data())
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

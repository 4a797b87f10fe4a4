"""Removes each action that a role is granted, one at a time, and runs the smallest flow that needs it: it is missed.

`make test-permissions` runs it, and no other target does, because it takes hours. The variable ROLES holds it to the
roles whose names contain its value, such as `Training-JobRole`.
"""

from __future__ import annotations

import copy
import json
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from cli.bulk import plan as bulk
from cli.bulk import runs
from cli.models import own_model, release, transform
from cli.models.archive import Model
from cli.models.transform import TransformSettings
from cli.shared.target import Target
from lambdas.catalogue import OPERATIONS
from local_aws.state import DECISIONS_FILE
from recognition_client import RecognitionRefused

from .asking import client_of, jpeg
from .reviews import SMALL, classify, silent, train, write_reviews

LEAST_SHARE = 0.95
APP = "Recognition-dev-"


@dataclass(frozen=True)
class Removal:
    """One action of one statement of a role's policy."""

    role: str
    policy: str
    statement: int
    action: str
    resources: tuple[str, ...]

    def is_needed_by(self, decision: dict[str, Any]) -> bool:
        """Whether a decision that was taken looked at what is removed."""
        return (
            decision["principal"] == self.role
            and fnmatchcase(decision["action"], self.action)
            and any(fnmatchcase(decision["resource"], pattern) for pattern in self.resources)
        )

    def __str__(self) -> str:
        return f"{self.action} of {self.role} on {', '.join(self.resources)}"


class Grants:
    """The policies of the app's roles in a running embedded AWS."""

    def __init__(self, iam: Any) -> None:
        self.iam = iam

    def removals(self) -> Iterator[Removal]:
        """Every action that is allowed, by itself."""
        for page in self.iam.get_paginator("list_roles").paginate():
            for role in (role["RoleName"] for role in page["Roles"]):
                if role.startswith(APP) and os.environ.get("ROLES", "") in role:
                    for policy in self.iam.list_role_policies(RoleName=role)["PolicyNames"]:
                        yield from self.of_policy(role, policy)

    def of_policy(self, role: str, policy: str) -> Iterator[Removal]:
        """Those of one policy."""
        for number, statement in enumerate(self.document(role, policy)["Statement"]):
            if statement["Effect"] == "Allow":
                for action in listed(statement["Action"]):
                    yield Removal(role, policy, number, action, tuple(listed(statement["Resource"])))

    def document(self, role: str, policy: str) -> dict[str, Any]:
        """A policy as it is now."""
        return self.iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]

    def put(self, removal: Removal, document: dict[str, Any]) -> None:
        """Changes the policy of a removal."""
        self.iam.put_role_policy(
            RoleName=removal.role, PolicyName=removal.policy, PolicyDocument=json.dumps(document)
        )

    def without(self, removal: Removal, flow: Callable[[], None]) -> Exception | None:
        """What a flow fails with while an action is removed."""
        before = self.document(removal.role, removal.policy)
        changed = copy.deepcopy(before)
        statement = changed["Statement"][removal.statement]
        statement["Action"] = [one for one in listed(statement["Action"]) if one != removal.action]
        if not statement["Action"]:
            del changed["Statement"][removal.statement]
        self.put(removal, changed)
        try:
            flow()
        except Exception as error:  # noqa: BLE001 - however it fails, the removal was missed
            return error
        finally:
            self.put(removal, before)
        return None


class Decisions:
    """The record of a running embedded AWS, read on from where it was left."""

    def __init__(self, state_directory: Path) -> None:
        self.file, self.place = state_directory / DECISIONS_FILE, 0

    def new(self) -> list[dict[str, Any]]:
        """What was decided for the first time since the last look."""
        with self.file.open() as record:
            record.seek(self.place)
            lines = record.readlines()
            self.place = record.tell()
        return [json.loads(line) for line in lines]


def listed(value: str | list[str]) -> list[str]:
    """A member of a policy that may be one or several."""
    return [value] if isinstance(value, str) else value


@pytest.fixture
def flows(target, first_version, local_model, tmp_path) -> dict[str, Callable[[], None]]:
    """What the app does, from the quickest to what takes longest; each can be run again."""
    reviews = write_reviews(tmp_path / "reviews", told_by_words=True)

    def folder_of_texts() -> Path:
        folder = tmp_path / uuid.uuid4().hex
        folder.mkdir()
        for number in range(3):
            (folder / f"{number}.txt").write_text(f"A wonderful film, number {number}.")
        return folder

    def run_bulk() -> None:
        request = bulk.request_of(target, "text-sentiment", [], limit_usd=1.0)
        run, _ = bulk.start(target, request, str(folder_of_texts()))
        ended = runs.watch(target, run, silent)
        assert (ended["state"], ended["failed"]) == ("SUCCEEDED", 0), ended

    def run_transform() -> None:
        lines = tmp_path / "lines.jsonl"
        lines.write_text(json.dumps({"text": "A wonderful film."}))
        job = transform.start(target, "rnn", str(lines), TransformSettings(), silent)
        transform.wait(target, job, silent)

    def run_release() -> None:
        version = own_model.register(target, "rnn", Model(local_model), "Approved")
        release.release(target, "rnn", version, silent)
        assert classify(target, "A film.").body["model"]["version"] == version

    return {
        "ask": lambda: ask_everything(target),
        "release": run_release,
        "bulk": run_bulk,
        "transform": run_transform,
        "train": lambda: train(target, reviews, SMALL) and None,
    }


def ask_everything(target: Target) -> None:
    """Asks each operation of the API once."""
    assert classify(target, "A film.").status == 200
    client, picture, text = client_of(target), jpeg((200, 200)), "A wonderful film of Grace Hopper."
    words = {"ImageBody": [picture], "ImagePairBody": [picture, picture], "TextsBody": [[text]]}
    for operation in OPERATIONS:
        if operation.service in ("rekognition", "comprehend"):
            try:
                getattr(client, operation.name.replace("-", "_"))(
                    *words.get(type(operation.body).__name__, [text])
                )
            except RecognitionRefused as refused:
                # Without a stand-in, or noise without a face.
                assert refused.status in (400, 501), refused


@pytest.fixture(scope="package")
def decisions(target, state_directory) -> Decisions:
    """The record from the end of the deployment on."""
    made = Decisions(state_directory)
    made.new()
    return made


@pytest.mark.timeout(0)
def test_each_grant_is_missed_when_it_is_removed(target, decisions, first_version, flows, capsys):
    grants, needs = Grants(target.client("iam")), {"train": decisions.new()}
    # What asks a network wants one that serves.
    for name in ("release", "ask", "bulk", "transform"):
        flows[name]()
        needs[name] = decisions.new()
    missed, not_missed = 0, []
    for removal in grants.removals():
        needed = [name for name in flows if any(removal.is_needed_by(one) for one in needs[name])]
        if needed:
            decisions.new()
            error = grants.without(removal, flows[needed[0]])
            refused = [one for one in decisions.new() if "refused" in one]
            how = (
                f"{needed[0]}: {type(error).__name__}"
                if error
                else f"{needed[0]}: refused"
                if refused
                else ""
            )
        else:
            how = ""
        missed += bool(how)
        if not how:
            not_missed.append(removal)
        with capsys.disabled():
            print(f"{how or 'NOT MISSED'}  {removal}", flush=True)
    share = missed / (missed + len(not_missed))
    assert share >= LEAST_SHARE, "\n".join(map(str, not_missed))

"""Runs flows without an action that their record says they need: each has to fail, or to be refused something.

It checks the judgement of tests/removals.py, which every run of all deployed tests applies to every granted action of
every role. `make test-permissions` runs it, and no other target does: a flow takes up to a minute. The variable ROLES
holds it to the roles whose names contain its value, such as `Training-JobRole`; OF_EACH says how many actions of each
role and flow are taken away, one unless told.
"""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
# From the quickest to what takes longest.
FLOWS = ("ask", "release", "bulk", "transform", "train")


@contextmanager
def removed(iam: Any, grants: Any, removal: Any) -> Iterator[None]:
    """Takes an action away from a role while the body runs."""

    named = {"RoleName": removal.role, "PolicyName": removal.policy}

    def put(document: dict[str, Any]) -> None:
        iam.put_role_policy(**named, PolicyDocument=json.dumps(document))

    left = grants.without(removal)
    if left["Statement"]:
        put(left)
    else:
        # IAM takes no policy without a statement.
        iam.delete_role_policy(**named)
    try:
        yield
    finally:
        put(grants.documents[removal.role, removal.policy])


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


@pytest.fixture
def flows(target, first_version, local_model, tmp_path) -> dict[str, Callable[[], None]]:
    """What the app does, by the names in FLOWS; each can be run again."""
    reviews = write_reviews(tmp_path / "reviews", told_by_words=True)

    def folder_of_texts() -> Path:
        folder = tmp_path / uuid.uuid4().hex
        folder.mkdir()
        for number in range(3):
            (folder / f"{number}.txt").write_text(f"A wonderful film, number {number}.")
        return folder

    def run_bulk() -> None:
        request = bulk.BulkRequest(*bulk.question_of("text-sentiment", []), 1.0)
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


@pytest.fixture(scope="package")
def asked(decisions, unreleased) -> list[dict[str, Any]]:
    """What was decided when the app was asked before there was a version; a decision is recorded once."""
    return decisions.new()


@pytest.mark.timeout(0)
def test_a_removal_that_the_record_would_notice_fails_its_flow(
    target, permissions, decisions, asked, first_version, flows, capsys
):
    iam = target.client("iam")
    grants = permissions.grants_of(iam)
    needs = {"ask": asked, "train": decisions.new()}
    # What asks a network wants one that serves.
    for name in ("release", "ask", "bulk", "transform"):
        flows[name]()
        needs[name] = [*needs.get(name, ()), *decisions.new()]
    chosen = list(smallest_flows(grants, needs))
    missed_by_none = []
    for flow, removal in chosen:
        decisions.new()
        with removed(iam, grants, removal):
            error = failure_of(flows[flow])
        is_refused = any("refused" in decision for decision in decisions.new())
        if not (error or is_refused):
            missed_by_none.append(f"{flow} without {removal}")
        with capsys.disabled():
            how = type(error).__name__ if error else "refused" if is_refused else "NOT MISSED"
            print(f"{flow}: {how} without {removal}", flush=True)
    share = 1 - len(missed_by_none) / len(chosen)
    assert share >= LEAST_SHARE, "\n".join(missed_by_none)


def smallest_flows(grants: Any, needs: dict[str, list[dict[str, Any]]]) -> Iterator[tuple[str, Any]]:
    """The quickest flow whose record notices a removal, with the removal; of each role and flow the first few."""
    taken: Counter[tuple[str, str]] = Counter()
    for removal in grants.removals():
        flow = next((name for name in FLOWS if grants.noticed_by(removal, needs[name])), None)
        if flow and os.environ.get("ROLES", "") in removal.role:
            taken[flow, removal.role] += 1
            if taken[flow, removal.role] <= int(os.environ.get("OF_EACH", "1")):
                yield flow, removal


def failure_of(flow: Callable[[], None]) -> Exception | None:
    """What a flow fails with."""
    try:
        flow()
    except Exception as error:  # noqa: BLE001 - however it fails, the removal was missed
        return error
    return None

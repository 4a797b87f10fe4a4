"""A bulk run that is stopped goes on where it was: no object is asked about twice, none is left out."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from cli.bulk import plan as bulk
from cli.bulk import runs, sources
from cli.shared.errors import CommandFailed
from lambdas.bulk.asking import OPERATIONS
from lambdas.bulk.attempt_keys import AttemptKeys
from lambdas.bulk.batch import Batch, Worker
from lambdas.bulk.work import work

from .conftest import BUCKET

SENTIMENT = OPERATIONS["text-sentiment"]
# Three batches of at most ten, where the command's own are of 200: memory takes its time as well.
TEXTS = {f"{number:03}.txt": f"Text number {number}." for number in range(25)}
DEFINITION = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}


class Deployment:
    """A deployment whose services are in memory; its state machine waits until it is stopped."""

    description = "the tests' deployment"

    def __init__(self, clients: dict[str, Any], table: str) -> None:
        self.clients = clients
        machine = clients["stepfunctions"].create_state_machine(
            name=uuid.uuid4().hex,
            definition=json.dumps(DEFINITION),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )
        self.parameters = {
            "data-bucket": BUCKET,
            "bulk-table": table,
            "bulk-state-machine-arn": machine["stateMachineArn"],
        }

    def client(self, name: str) -> Any:
        return self.clients[name]

    def parameter(self, name: str) -> str:
        return self.parameters[name]

    def command(self, words: str) -> str:
        return f"recognition {words}"

    def executions(self) -> list[dict[str, Any]]:
        """Of the machine, the oldest first."""
        states, machine = self.clients["stepfunctions"], self.parameters["bulk-state-machine-arn"]
        listed = states.list_executions(stateMachineArn=machine)["executions"]
        described = [states.describe_execution(executionArn=summary["executionArn"]) for summary in listed]
        return sorted(described, key=lambda description: description["startDate"])

    def batches(self, execution: dict[str, Any]) -> Iterator[Batch]:
        """What the machine's map would hand to the workers."""
        given = json.loads(execution["input"])
        key = AttemptKeys(given["run"]["id"], given["run"]["attempt"]).manifest
        manifest = self.clients["s3"].get_object(Bucket=BUCKET, Key=key)["Body"].read()
        for line in manifest.splitlines():
            yield Batch.of(
                {"run": given["run"], "batch": json.loads(line), "execution": execution["executionArn"]}
            )


@pytest.fixture
def deployment(dynamodb, empty_table) -> Iterator[Deployment]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    clients = {name: boto3.client(name, **keys) for name in ("s3", "stepfunctions")}
    s3 = clients["s3"]
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    yield Deployment({**clients, "dynamodb": dynamodb}, empty_table)
    for kind in ("Versions", "DeleteMarkers"):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET):
            for version in page.get(kind, []):
                s3.delete_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])
    s3.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def worker(worker, deployment) -> Worker:
    """A worker of the deployment."""
    return Worker(**{**vars(worker), "s3": deployment.client("s3")})


@pytest.fixture
def run(deployment, monkeypatch) -> str:
    """A run over the texts, just started by the command's own steps."""
    monkeypatch.setattr(bulk, "TEXTS_IN_A_BATCH", 10)
    s3, made = deployment.client("s3"), uuid.uuid4().hex
    for name, text in TEXTS.items():
        s3.put_object(Bucket=BUCKET, Key=f"texts/{name}", Body=text.encode())
    objects = sources.objects_from(
        deployment, f"s3://{BUCKET}/texts/", made, sources.Selection(), lambda _: None
    )
    manifest = io.BytesIO()
    plan = bulk.write_plan(SENTIMENT, objects, manifest, 0.0001, 5.0)
    about = {
        "id": made,
        "operation": SENTIMENT.name,
        "query": {},
        "limit_usd": None,
        "plan": vars(plan),
    }
    bulk.begin(deployment, about, 1, plan.objects, manifest)
    return made


def counts(deployment: Deployment, run: str) -> tuple[str, int, int, int]:
    now = runs.status(deployment, run)
    return now["state"], now["done"], now["failed"], now["left"]


def plenty() -> float:
    return 1_000.0


def test_a_stopped_run_goes_on_where_it_was_and_asks_about_each_object_once(
    deployment, worker, run, comprehend
):
    (first,) = deployment.executions()
    before = next(deployment.batches(first))
    work(worker, before, plenty)
    asked_before = len(before.objects)
    assert counts(deployment, run) == ("RUNNING", asked_before, 0, len(TEXTS) - asked_before)

    runs.stop(deployment, run)
    assert counts(deployment, run) == ("ABORTED", asked_before, 0, len(TEXTS) - asked_before)
    runs.resume(deployment, run)

    first, second = deployment.executions()
    assert (first["status"], second["status"]) == ("ABORTED", "RUNNING")
    assert json.loads(first["input"]) == json.loads(second["input"])
    assert runs.status(deployment, run)["attempt"] == 1
    for batch in deployment.batches(second):
        work(worker, batch, plenty)
    assert counts(deployment, run) == ("RUNNING", len(TEXTS), 0, 0)
    assert comprehend.charged == dict.fromkeys(TEXTS.values(), 1)
    lines = list(runs.results(deployment, run))
    assert sorted(line["key"] for line in lines) == [f"texts/{name}" for name in TEXTS]
    assert {line["outcome"] for line in lines} == {"done"}


def test_a_batch_that_was_worked_while_the_run_was_stopped_counts_once(deployment, worker, run, comprehend):
    (execution,) = deployment.executions()
    batches = list(deployment.batches(execution))
    runs.stop(deployment, run)
    work(worker, batches[1], plenty)
    runs.resume(deployment, run)
    for batch in batches:
        work(worker, batch, plenty)
    assert counts(deployment, run) == ("RUNNING", len(TEXTS), 0, 0)
    assert set(comprehend.charged.values()) == {1}


def test_a_run_that_is_running_or_has_nothing_left_is_not_resumed(deployment, worker, run, comprehend):
    with pytest.raises(CommandFailed, match=f"The run {run} is running"):
        runs.resume(deployment, run)
    comprehend.poisoned = {"Text number 7."}
    for batch in deployment.batches(deployment.executions()[0]):
        work(worker, batch, plenty)
    runs.stop(deployment, run)
    with pytest.raises(CommandFailed, match=f"nothing left. 1 object failed: .*bulk redrive {run}"):
        runs.resume(deployment, run)
    assert len(deployment.executions()) == 1


def test_where_nothing_is_left_and_nothing_failed_no_command_is_named(deployment, worker, run, comprehend):
    for batch in deployment.batches(deployment.executions()[0]):
        work(worker, batch, plenty)
    runs.stop(deployment, run)
    with pytest.raises(CommandFailed, match=f"^The run {run} has nothing left.$"):
        runs.resume(deployment, run)


def test_a_run_that_was_stopped_early_is_not_redriven(deployment, worker, run, comprehend):
    comprehend.poisoned = {"Text number 7."}
    work(worker, next(deployment.batches(deployment.executions()[0])), plenty)
    runs.stop(deployment, run)
    with pytest.raises(CommandFailed, match="has not come to its end; watch it or resume it first"):
        runs.redrive(deployment, run, lambda _: None)


def test_a_redrive_that_would_mend_nothing_starts_nothing_unless_it_is_asked_for(
    deployment, worker, run, comprehend
):
    comprehend.poisoned = {"Text number 7."}
    for batch in deployment.batches(deployment.executions()[0]):
        work(worker, batch, plenty)
    runs.stop(deployment, run)
    with pytest.raises(CommandFailed, match=f"(?s)none of the 1 object that failed.*redrive {run} --anyway"):
        runs.redrive(deployment, run, lambda _: None)
    assert len(deployment.executions()) == 1


class Told:
    """The queue of failures with these messages; what is deleted, and what is put back for others."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = [
            {"Body": json.dumps(message), "ReceiptHandle": f"{n}"} for n, message in enumerate(messages)
        ]
        self.deleted: list[str] = []
        self.put_back: list[str] = []

    def receive_message(self, **_: Any) -> dict[str, Any]:
        taken, self.messages = self.messages, []
        return {"Messages": taken} if taken else {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:
        self.deleted.append(ReceiptHandle)

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
        assert VisibilityTimeout == 0
        self.put_back.append(ReceiptHandle)


@pytest.mark.parametrize("queue", ["tells of all", "lost one", "is empty"])
def test_a_redrive_asks_again_about_what_failed_whatever_the_queue_tells(
    deployment, worker, run, comprehend, queue
):
    bad = {"Text number 7.", "Text number 21."}
    comprehend.poisoned = bad
    for batch in deployment.batches(deployment.executions()[0]):
        work(worker, batch, plenty)
    runs.stop(deployment, run)
    told = {"tells of all": worker.sqs.told, "lost one": worker.sqs.told[:1], "is empty": []}[queue]
    messages = Told({"run": "another", "attempt": 1, "outcomes": "bulk/another/1"}, *told)
    deployment.clients["sqs"], deployment.parameters["bulk-queue-url"] = messages, "https://queue"
    assert runs.redrive(deployment, run, lambda _: None, anyway=True) == 2
    assert (messages.put_back, len(messages.deleted)) == (["0"], len(told))
    comprehend.poisoned = set()
    for batch in deployment.batches(deployment.executions()[-1]):
        work(worker, batch, plenty)
    assert comprehend.charged == dict.fromkeys(TEXTS.values(), 1)
    lines = list(runs.results(deployment, run))
    assert sorted(line["key"] for line in lines) == [f"texts/{name}" for name in TEXTS]
    assert {line["outcome"] for line in lines} == {"done"}


@pytest.mark.parametrize("command", [runs.stop, runs.resume, runs.status])
def test_a_run_that_nobody_started_is_said_so(deployment, command):
    with pytest.raises(CommandFailed, match="There is no bulk run nobody in the tests' deployment"):
        command(deployment, "nobody")


def test_a_stop_that_step_functions_refuses_is_a_sentence(deployment, run):
    """Step Functions forgets executions after 90 days."""
    machine = deployment.parameter("bulk-state-machine-arn")
    deployment.client("stepfunctions").delete_state_machine(stateMachineArn=machine)
    with pytest.raises(CommandFailed, match=f"The run {run} cannot be stopped: Execution Does Not Exist"):
        runs.stop(deployment, run)

"""The machine of bulk runs in the embedded AWS, with a worker that fails as it is told."""

from __future__ import annotations

import functools
import io
import json
import uuid
import zipfile

import pytest

from lambdas.bulk.attempt_keys import AttemptKeys
from stacks.bulk.state_machine import BulkContext, definition

from .conftest import ROLE

# Batch 2 kills its worker; batch 3 finds the queue too long at first. What each call got is kept in the bucket.
WORKER = """
import json, os, uuid
import boto3

class QueueTooLong(Exception):
    pass

def handler(event, context):
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    run = event["run"]
    number = event["batch"]["number"] if "batch" in event else 0
    kind = "count" if not number else "give_up" if event.get("give_up") else "work"
    before = s3.list_objects_v2(Bucket=run["bucket"], Prefix=f"calls/{number}/{kind}").get("KeyCount", 0)
    key = f"calls/{number}/{kind}/{uuid.uuid4().hex}"
    s3.put_object(Bucket=run["bucket"], Key=key, Body=event.get("execution", "").encode())
    if kind == "count":
        return {"objects": 3, "done": 2, "failed": run["failed"], "missing": 1 - run["failed"]}
    if kind == "work" and number == 2:
        raise RuntimeError("the worker died")
    if kind == "work" and number == 3 and not before:
        raise QueueTooLong("wait")
    return {"done": 1, "failed": 0}
"""


# What another run wrote, in a line that would be a batch.
VICTIM = json.dumps({"number": 9, "objects": [{"key": "a result of the victim"}]})
VICTIMS_OUTCOME = AttemptKeys("victim", 1).outcome(0)


@pytest.fixture(scope="module")
def run_machine(client, ended_execution):
    """Runs the machine on a manifest of three batches; gives the execution and how often each batch was worked."""
    lambdas, states, s3 = client("lambda"), client("stepfunctions"), client("s3")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("worker.py", WORKER)
    function = lambdas.create_function(
        FunctionName=f"bulk-worker-{uuid.uuid4().hex[:8]}",
        Runtime="python3.12",
        Handler="worker.handler",
        Role=ROLE,
        Code={"ZipFile": buffer.getvalue()},
        Timeout=60,
    )["FunctionArn"]

    def run(failed: int, run_id: str = "mine", attempt: object = 1) -> tuple[dict, dict[str, int]]:
        bucket = f"bulk-{uuid.uuid4().hex[:12]}"
        s3.create_bucket(Bucket=bucket)
        lines = [json.dumps({"number": number, "objects": [{"key": f"{number}"}]}) for number in (1, 2, 3)]
        s3.put_object(Bucket=bucket, Key=AttemptKeys("mine", 1).manifest, Body="\n".join(lines).encode())
        s3.put_object(Bucket=bucket, Key=VICTIMS_OUTCOME, Body=VICTIM.encode())
        context = BulkContext(bucket, function, workers=2, wait_seconds=1)
        machine = states.create_state_machine(
            name=bucket,
            definition=json.dumps(definition(context)).replace(
                '"IntervalSeconds": 5', '"IntervalSeconds": 1'
            ),
            roleArn=ROLE,
        )["stateMachineArn"]
        given = {
            "run": {"id": run_id, "attempt": attempt, "bucket": bucket, "failed": failed},
            "execution": "of-the-callers-choice",
            "manifest": VICTIMS_OUTCOME,
            "map_results": "bulk/victim/attempt-1/outcomes",
        }
        started = states.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
        ended = ended_execution(states, started)
        calls: dict[str, int] = {}
        for entry in s3.list_objects_v2(Bucket=bucket, Prefix="calls/").get("Contents", []):
            name = entry["Key"].removeprefix("calls/").rpartition("/")[0]
            calls[name] = calls.get(name, 0) + 1
        return ended, calls

    return functools.cache(run)


def test_a_workers_execution_is_the_one_that_was_started_whatever_its_input_says(run_machine, client):
    ended, _ = run_machine(failed=1)
    s3, bucket = client("s3"), json.loads(ended["input"])["run"]["bucket"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="calls/")["Contents"]
    told = {s3.get_object(Bucket=bucket, Key=summary["Key"])["Body"].read().decode() for summary in listed}
    assert told == {ended["executionArn"], ""}, "of a batch, and none of the count"


def test_a_batch_whose_worker_dies_is_retried_then_given_up(
    run_machine,
):
    ended, calls = run_machine(failed=1)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"]) == {"objects": 3, "done": 2, "failed": 1, "missing": 0}
    assert calls == {"0/count": 1, "1/work": 1, "2/work": 4, "2/give_up": 1, "3/work": 2}


def test_a_run_with_an_object_that_is_nowhere_fails_and_says_what_to_do(run_machine):
    ended, _ = run_machine(failed=0)
    assert (ended["status"], ended["error"]) == ("FAILED", "Incomplete")
    assert "Resume the run" in ended["cause"]


@pytest.mark.threat
def test_a_machine_reads_the_batches_of_its_own_run_whatever_its_input_says(run_machine, client):
    ended, calls = run_machine(failed=1)
    assert json.loads(ended["input"])["manifest"] == VICTIMS_OUTCOME
    assert {name.partition("/")[0] for name in calls} == {"0", "1", "2", "3"}, "the victim's line is number 9"
    s3, bucket = client("s3"), json.loads(ended["input"])["run"]["bucket"]
    victims = s3.list_objects_v2(Bucket=bucket, Prefix="bulk/victim/")["Contents"]
    assert [summary["Key"] for summary in victims] == [VICTIMS_OUTCOME]


@pytest.mark.parametrize(
    ("run_id", "attempt"),
    [("victim/attempt-1/outcomes", 1), (None, 1), ("mine", "1/outcomes"), ("mine", None)],
)
def test_a_run_whose_id_or_attempt_can_be_a_place_of_others_is_refused(run_machine, run_id, attempt):
    ended, calls = run_machine(failed=1, run_id=run_id, attempt=attempt)
    assert (ended["status"], ended["error"], calls) == ("FAILED", "NoRun", {})
    assert "without slashes" in ended["cause"]

"""The machine of bulk runs: what it may do, and that no object can get lost between its states."""

from __future__ import annotations

import json

import pytest

from lambdas.bulk.asking import OPERATIONS, runs_in_bulk
from lambdas.bulk.attempt_keys import NO_INPUTS, AttemptKeys
from stacks.bulk.state_machine import BulkContext, definition
from stacks.settings import SettingsRefused, load_settings

from .calls import actions_of
from .conftest import context

CONTEXT = BulkContext("data", "arn:aws:lambda:us-east-1:111122223333:function:worker", 4, 60)


def worked() -> dict:
    """The states of one batch."""
    return definition(CONTEXT)["States"]["Batches"]["ItemProcessor"]["States"]


def allowed(template: dict, of_type, name: str) -> dict[str, list]:
    """The resources of each action of the roles whose policy has a name like this."""
    actions: dict[str, list] = {}
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Policy" and logical_id.startswith(name):
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                for action in actions_of(statement):
                    actions.setdefault(action, []).append(json.dumps(statement["Resource"]))
    return actions


def test_a_batch_whose_worker_fails_is_given_up_and_the_map_goes_on():
    (caught,) = worked()["Work"]["Catch"]
    assert (caught["ErrorEquals"], caught["Next"]) == (["States.ALL"], "GiveUp")
    # The input is still the batch, for whose objects an outcome has to be written.
    assert caught["ResultPath"] == "$.error"
    assert worked()["GiveUp"]["Parameters"]["Payload"]["give_up"] is True
    assert definition(CONTEXT)["States"]["Batches"]["ToleratedFailurePercentage"] == 100


def test_a_batch_that_has_to_wait_burns_no_retry_of_failures():
    waiting, passing, *others = worked()["Work"]["Retry"]
    assert waiting["ErrorEquals"] == ["QueueTooLong"]
    assert waiting["MaxAttempts"] >= 10_000
    assert passing["MaxAttempts"] == 3
    assert others[-1]["ErrorEquals"] == ["States.ALL"]


def test_a_run_ends_well_only_if_every_object_is_done_or_failed():
    states = definition(CONTEXT)["States"]
    assert (states["Batches"]["ResultPath"], states["Batches"]["Next"]) == ("$.map", "Count")
    assert states["IsComplete"]["Choices"] == [
        {"Variable": "$.missing", "NumericEquals": 0, "Next": "Complete"}
    ]
    assert states["IsComplete"]["Default"] == "Incomplete"
    assert "Resume" in states["Incomplete"]["Cause"]


def test_the_machine_makes_the_keys_that_it_reads_and_writes_of_the_run_alone():
    states, keys = definition(CONTEXT)["States"], AttemptKeys("{}", 1)
    made = states["Places"]["Parameters"]
    assert made["manifest.$"] == f"States.Format('{keys.manifest}', $.run.id, $.run.attempt)".replace(
        "-1", "-{}"
    )
    assert made["map_results.$"] == f"States.Format('{keys.folder}/map', $.run.id, $.run.attempt)".replace(
        "-1", "-{}"
    )
    assert states["Batches"]["ItemReader"]["Parameters"]["Key.$"] == "$.manifest"
    assert states["Batches"]["ResultWriter"]["Parameters"]["Prefix.$"] == "$.map_results"
    assert (states["IsOneRun"]["Choices"][0]["Next"], states["Places"]["Next"]) == ("Places", "Batches")


def test_the_worker_may_ask_what_runs_in_bulk_and_write_below_its_own_folder(templates, of_type):
    mine = allowed(templates["Bulk"], of_type, "BulkRole")
    asked = {operation.action for operation in OPERATIONS.values() if runs_in_bulk(operation)} - {
        "comprehend:ClassifyDocument"
    }
    assert asked <= set(mine)
    assert not [action for action in mine if action.startswith("rekognition:") and action not in asked]
    assert all("/bulk/*" in resource for resource in mine["s3:PutObject"])
    assert not [action for action in mine if "Delete" in action]


def test_the_worker_is_denied_what_is_no_input_and_has_the_deployments_own_limits(templates, of_type):
    denied = [
        resource
        for policy in of_type(templates["Bulk"], "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny" and statement["Action"] == "s3:GetObject"
        for resource in map(json.dumps, statement["Resource"])
    ]
    assert {resource.rpartition('"/')[2].rstrip('"]}') for resource in denied} == {
        f"{no_input}*" for no_input in NO_INPUTS
    }
    (variables,) = [
        resource["Environment"]["Variables"]
        for resource in of_type(templates["Bulk"], "AWS::Lambda::Function")
        if "RUNS_TABLE" in json.dumps(resource)
    ]
    assert (float(variables["LIMIT_USD"]), float(variables["MONTHLY_LIMIT_USD"])) == (100.0, 1_000.0)
    assert json.loads(variables["SPENDING"])["environment"] in ("dev", "prod")


def test_the_machine_may_invoke_its_worker_and_start_itself(templates, of_type):
    mine = allowed(templates["Bulk"], of_type, "MachineRole")
    own = allowed(templates["Bulk"], of_type, "OwnExecutions")
    assert all("Bulk" in resource for resource in mine["lambda:InvokeFunction"])
    assert set(own) == {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
    assert all("Machine" in resource for resources in own.values() for resource in resources)
    places = [resource.rpartition('"/')[2].rstrip('"]}') for resource in mine["s3:GetObject"]]
    assert sorted(places) == ["bulk/*/attempt-*/manifest.jsonl", "bulk/*/attempt-*/map/*"]
    (written,) = mine["s3:PutObject"]
    assert "bulk/*/attempt-*/map/*" in written


def test_results_are_kept_no_longer_than_other_answers(templates, of_type):
    rules = [
        rule
        for bucket in of_type(templates["Storage"], "AWS::S3::Bucket")
        for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", [])
        if rule.get("Prefix") == "bulk/"
    ]
    assert [rule["ExpirationInDays"] for rule in rules] == [30]


def test_what_expires_of_customers_is_not_kept_on_as_an_overwritten_version(templates, of_type):
    """The data bucket has versions, and an object that expires becomes one."""
    (rules,) = [
        bucket["LifecycleConfiguration"]["Rules"]
        for bucket in of_type(templates["Storage"], "AWS::S3::Bucket")
        if "bulk/" in json.dumps(bucket)
    ]
    expiring = [rule for rule in rules if "Prefix" in rule]
    assert {rule["Prefix"] for rule in expiring} >= {"bulk/", "transform/"}
    assert {rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in expiring} == {1}


@pytest.mark.parametrize(
    ("bulk", "reason"),
    [
        ({"calls_per_second": {"DetectLabels": 5.0}}, "needs a rate for '\\*'"),
        ({"calls_per_second": {"*": 0.0}}, "calls_per_second"),
        ({"calls_per_second": {"*": 5.0, "DetectCats": 5.0}}, "no bulk run calls DetectCats; .*DetectLabels"),
        ({"limit_usd": 0.0}, "limit_usd"),
        ({"limit_usd": 2_000.0}, "monthly_limit_usd"),
        ({"longest_wait_seconds": 300}, "longest_wait_seconds"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(bulk, reason):
    changed = context()["environments"]
    changed["dev"] = {**changed["dev"], "bulk": bulk}
    with pytest.raises(SettingsRefused, match=reason):
        load_settings("dev", changed)

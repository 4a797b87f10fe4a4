"""What the page Watch is told, from answers in the services' own shapes."""

from __future__ import annotations

import datetime
import io
import json
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from console.watch.watch import bakeoff, curve_of, describe, evaluation, handler, labelled_days, run, runs
from console.watch.watch import endpoint as state_of
from definitions.names import BAKEOFF_KEY
from local_aws.console import SERVICES, warm
from model_code.training.metrics import METRIC_DEFINITIONS, metric_line

THEN = datetime.datetime(2026, 11, 26, 1, 2, 3, tzinfo=datetime.UTC)
ARN = "arn:aws:sagemaker:us-east-1:111122223333"
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:Training"
EXECUTION = "arn:aws:states:us-east-1:111122223333:execution:Training:cnn-20261126-1"


@pytest.fixture
def stubs():
    """A stubbed client of each service that is read; every answer is checked against its shape."""
    made = {
        name: Stubber(
            boto3.client(
                name, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
            )
        )
        for name in SERVICES
    }
    for stub in made.values():
        stub.activate()
    yield made
    for stub in made.values():
        stub.assert_no_pending_responses()


def endpoint(name: str) -> dict[str, Any]:
    """DescribeEndpoint's answer in the middle of a canary."""
    variant = {"VariantName": "primary", "CurrentWeight": 0.9, "CurrentInstanceCount": 2}
    coming = {"VariantName": "primary", "CurrentWeight": 0.1, "CurrentInstanceCount": 1}
    return {
        "EndpointName": name,
        "EndpointArn": f"{ARN}:endpoint/{name}",
        "EndpointStatus": "Updating",
        "CreationTime": THEN,
        "LastModifiedTime": THEN,
        "ProductionVariants": [variant],
        "PendingDeploymentSummary": {"EndpointConfigName": "next", "ProductionVariants": [coming]},
    }


def test_the_state_of_a_deployment_in_the_middle_of_a_release(stubs):
    sagemaker = stubs["sagemaker"]
    version = {
        "ModelPackageGroupName": "recognition-dev-cnn",
        "ModelPackageVersion": 3,
        "ModelPackageArn": f"{ARN}:model-package/recognition-dev-cnn/3",
        "CreationTime": THEN,
        "ModelPackageStatus": "Completed",
        "ModelApprovalStatus": "Approved",
    }
    sagemaker.add_response(
        "describe_endpoint", endpoint("recognition-dev-cnn"), {"EndpointName": "recognition-dev-cnn"}
    )
    stubs["ssm"].add_response(
        "get_parameter",
        {"Parameter": {"Name": "/recognition/dev/cnn-released-version", "Value": "2"}},
        {"Name": "/recognition/dev/cnn-released-version"},
    )
    sagemaker.add_response("list_model_packages", {"ModelPackageSummaryList": [version]})
    no_day_was_labelled(stubs)
    for _ in ("its own", "the one of both networks"):
        sagemaker.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")
    stubs["ssm"].add_client_error("get_parameter", "ParameterNotFound")
    sagemaker.add_response("list_model_packages", {"ModelPackageSummaryList": []})
    no_day_was_labelled(stubs)
    jobs = [
        {
            "TrainingJobName": name,
            "TrainingJobArn": f"{ARN}:training-job/{name}",
            "CreationTime": THEN,
            "TrainingJobStatus": "InProgress",
        }
        for name in ("another-teams-cnn-20261126-1", "dev-cnn-20261126-1")
    ]
    stubs["ssm"].add_response(
        "get_parameter",
        {"Parameter": {"Value": MACHINE}},
        {"Name": "/recognition/dev/training-state-machine-arn"},
    )
    listed = {**execution("RUNNING"), "stateMachineArn": MACHINE}
    del listed["input"]
    stubs["stepfunctions"].add_response(
        "list_executions", {"executions": [listed]}, {"stateMachineArn": MACHINE, "maxResults": 6}
    )
    sagemaker.add_response("list_training_jobs", {"TrainingJobSummaries": jobs})
    stubs["stepfunctions"].add_response(
        "describe_execution",
        {**execution("RUNNING"), "stateMachineArn": MACHINE},
        {"executionArn": EXECUTION},
    )
    sagemaker.add_response("describe_training_job", training_job("dev-cnn-20261126-1"))
    lines = [metric_line(epoch=1, train_loss=0.9), metric_line(epoch=2, train_loss=0.5)]
    events = [{"logStreamName": "dev-cnn-20261126-1/algo-1", "message": line} for line in lines]
    events.append({"logStreamName": "dev-cnn-20261126-10/algo-1", "message": metric_line(epoch=3)})
    stubs["logs"].add_response(
        "filter_log_events",
        {"events": events},
        {
            "logGroupName": "/aws/sagemaker/TrainingJobs",
            "logStreamNamePrefix": "dev-cnn-20261126-1/",
            "filterPattern": '"epoch"',
        },
    )
    described_alarms = [
        {"AlarmName": f"Recognition-dev-{name}", "StateValue": state} for name, state in ALARMS
    ]
    stubs["cloudwatch"].add_response(
        "describe_alarms", {"MetricAlarms": described_alarms}, {"AlarmNamePrefix": "Recognition-dev-"}
    )

    stubs["ssm"].add_client_error("get_parameter", "ParameterNotFound")

    made = set()
    warm(made.add)

    def client(service: str) -> Any:
        made.discard(service)
        return stubs[service].client

    state = describe(client, "dev")

    assert made == set(), "the embedded AWS makes these clients beforehand for nothing"
    assert state["bakeoff"] is None
    cnn, rnn = state["endpoints"]
    assert (cnn["status"], cnn["version"]) == ("Updating", "2")
    assert [(fleet["role"], fleet["weight"], fleet["instances"]) for fleet in cnn["fleets"]] == [
        ("serving", 0.9, 2),
        ("coming", 0.1, 1),
    ]
    registered = {
        "arn": f"{ARN}:model-package/recognition-dev-cnn/3",
        "version": "3",
        "approval": "Approved",
        "created": THEN.isoformat(),
    }
    assert cnn["registered"] == [registered]
    assert (rnn["status"], rnn["version"], rnn["fleets"], rnn["registered"]) == (None, None, [], [])
    (told,) = state["runs"]
    assert (told["name"], told["kind"], told["state"]) == ("cnn-20261126-1", "cnn", "running")
    assert told["curve"] == [{"epoch": 1.0, "train_loss": 0.9}, {"epoch": 2.0, "train_loss": 0.5}]
    assert [alarm["state"] for alarm in state["alarms"]] == ["ALARM", "OK"]


BELOW = "The accuracy of the cnn is 0.5000, which is 0.1500 below the gate of 0.6500. Nothing was registered."


@pytest.mark.parametrize(
    ("status", "members", "state", "reason", "version"),
    [
        ("RUNNING", {}, "running", None, None),
        ("SUCCEEDED", {"output": '{"version": "3"}', "stopDate": THEN}, "registered", None, "3"),
        ("FAILED", {"error": "BelowGate", "cause": BELOW}, "failed at the gate", BELOW, None),
        ("FAILED", {"error": "BehindChampion", "cause": "Behind."}, "failed at the gate", "Behind.", None),
        ("FAILED", {"error": "JobFailed", "cause": "epochs is 0."}, "failed", "epochs is 0.", None),
        ("FAILED", {"error": "States.Runtime"}, "failed", "States.Runtime", None),
        ("ABORTED", {"cause": "stopped by the recognition command"}, "stopped", "stopped by", None),
        ("TIMED_OUT", {}, "timed out", None, None),
    ],
)
def test_what_became_of_a_run_is_told_with_its_reason(status, members, state, reason, version):
    told = run({**execution(status), **members}, [], "dev")
    assert (told["state"], told["version"]) == (state, version)
    assert (told["reason"] or "").startswith(reason or "") and bool(told["reason"]) == bool(reason)


def test_a_run_has_its_last_job_and_its_kind_where_a_marker_started_it():
    name = "5f0c8d1e-aaaa-bbbb-cccc-0123456789ab_5f0c"
    started = {**execution("RUNNING"), "name": name, "input": '{"marker_key": "photos/ready.json"}'}
    run_id = "5f0c8d1e-aaaa-bbbb-cccc-0123456789ab"
    told = run(started, ["dev-rnn-other", f"dev-cnn-{run_id}-2", f"dev-cnn-{run_id}"], "dev")
    assert (told["job"], told["kind"], told["data"]) == (f"dev-cnn-{run_id}-2", "cnn", "photos/ready.json")


def test_a_registered_run_has_the_job_whose_model_was_registered():
    registered = {
        "output": '{"version": "3", "training_job_name": "dev-cnn-20261126-1-007-ab"}',
        "stopDate": THEN,
    }
    told = run({**execution("SUCCEEDED"), **registered}, ["dev-cnn-20261126-1-010-cd"], "dev")
    assert told["job"] == "dev-cnn-20261126-1-007-ab"


@pytest.mark.threat
@pytest.mark.parametrize(
    "said",
    [
        *([1], "x", None, 5),
        {"run_id": 5, "kind": [], "data_s3_uri": {}},
        *({"run_id": part} for part in ("", "a", "20261126", "20261126-1-", ".*")),
    ],
)
def test_whatever_an_execution_was_told_it_is_shown_and_with_no_job_of_anothers(said):
    others = ["another-teams-job", "dev-cnn-20261126-1", "prod-cnn-a", "dev-cnn-20261126-101500-ab12"]
    told = run({**execution("FAILED"), "name": "mine", "input": json.dumps(said)}, others, "dev")
    assert (told["name"], told["job"], told["kind"], told["data"]) == ("mine", None, None, None)


@pytest.mark.parametrize(
    "said", ["[" * 200_000 + "]" * 200_000, f'{{"data_s3_uri": "s3://data/x", "n": {"1" * 5_000}}}']
)
@pytest.mark.parametrize("part", ["input", "output"])
def test_what_python_cannot_read_is_shown_as_what_says_nothing(part, said):
    """Nested too deep, or with a number of more digits than Python reads."""
    told = run({**execution("SUCCEEDED"), "input": "{}", part: said}, [], "dev")
    assert (told["state"], told["data"], told["version"]) == ("registered", None, None)


def test_where_no_machine_is_deployed_there_are_no_runs(stubs):
    stubs["ssm"].add_client_error("get_parameter", "ParameterNotFound")
    assert runs(lambda service: stubs[service].client, "dev", 6) == []


def execution(status: str) -> dict[str, Any]:
    """DescribeExecution's answer for a run that the command started."""
    request = {"kind": "cnn", "run_id": "20261126-1", "data_s3_uri": "s3://data/cifar10"}
    return {
        "executionArn": EXECUTION,
        "name": "cnn-20261126-1",
        "status": status,
        "startDate": THEN,
        "input": json.dumps(request),
    }


def test_an_endpoint_whose_first_release_goes_on_has_no_version_yet(stubs):
    stubs["sagemaker"].add_response("describe_endpoint", endpoint("recognition-dev-cnn"))
    stubs["ssm"].add_response("get_parameter", {"Parameter": {"Value": "none"}})
    stubs["sagemaker"].add_response("list_model_packages", {"ModelPackageSummaryList": []})
    no_day_was_labelled(stubs)

    assert state_of(lambda service: stubs[service].client, "dev", "cnn")["version"] is None


def test_where_one_endpoint_serves_both_networks_its_traffic_is_shown(stubs):
    shared = "recognition-dev-multi-model"
    sagemaker = stubs["sagemaker"]
    sagemaker.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")
    sagemaker.add_response("describe_endpoint", endpoint(shared), {"EndpointName": shared})
    stubs["ssm"].add_response("get_parameter", {"Parameter": {"Value": "2"}})
    sagemaker.add_response("list_model_packages", {"ModelPackageSummaryList": []})
    no_day_was_labelled(stubs)

    state = state_of(lambda service: stubs[service].client, "dev", "rnn")

    assert (state["name"], state["version"], state["status"]) == ("recognition-dev-rnn", "2", "Updating")
    assert len(state["fleets"]) == 2


FIGURES = {"data": "reviews.csv", "results": [], "verdict": None}


@pytest.mark.parametrize("left", [True, False])
def test_the_last_bakeoff_is_the_one_object_that_it_left_and_nothing_before_it(stubs, left):
    content = json.dumps(FIGURES).encode()
    stubs["ssm"].add_response(
        "get_parameter", {"Parameter": {"Value": "data"}}, {"Name": "/recognition/dev/data-bucket"}
    )
    stubs["s3"].add_response(
        "list_objects_v2",
        {"Contents": [{"Key": BAKEOFF_KEY}]} if left else {"KeyCount": 0},
        {"Bucket": "data", "Prefix": BAKEOFF_KEY, "MaxKeys": 1},
    )
    if left:
        response = {"Body": StreamingBody(io.BytesIO(content), len(content)), "LastModified": THEN}
        stubs["s3"].add_response("get_object", response, {"Bucket": "data", "Key": BAKEOFF_KEY})

    told = bakeoff(lambda service: stubs[service].client, "dev")

    assert told == ({**FIGURES, "ended": THEN.isoformat()} if left else None)


SUMMARY = {"metric": "accuracy", "score": 0.9, "mistakes": []}


@pytest.mark.parametrize("left", [True, False])
def test_an_evaluation_is_the_one_object_that_it_left_for_people(stubs, left):
    content, key = json.dumps(SUMMARY).encode(), "registered/dev-cnn-20261126-1-2/summary.json"
    stubs["ssm"].add_response(
        "get_parameter", {"Parameter": {"Value": "models"}}, {"Name": "/recognition/dev/model-bucket"}
    )
    listed = {"Contents": [{"Key": key}]} if left else {"KeyCount": 0}
    stubs["s3"].add_response("list_objects_v2", listed, {"Bucket": "models", "Prefix": key, "MaxKeys": 1})
    if left:
        body = StreamingBody(io.BytesIO(content), len(content))
        stubs["s3"].add_response("get_object", {"Body": body}, {"Bucket": "models", "Key": key})

    told = evaluation(lambda service: stubs[service].client, "dev", "dev-cnn-20261126-1-2")

    assert told == (SUMMARY if left else None)


@pytest.mark.parametrize(
    "job",
    [
        "prod-cnn-1",
        "dev-gan-1",
        "dev-cnn-",
        "dev-cnn-1/..",
        "dev-cnn-../../local/1",
        "dev-cnn-1\n",
        "",
        "x" * 9,
    ],
)
def test_what_is_no_job_of_the_environment_is_not_looked_for(stubs, job):
    assert evaluation(lambda service: stubs[service].client, "dev", job) is None


def test_where_no_setting_shows_evaluations_none_is_read(monkeypatch):
    monkeypatch.setenv("ENVIRONMENT", "dev")
    monkeypatch.setattr("boto3.client", None)
    answer = handler({"queryStringParameters": {"evaluation": "dev-cnn-20261126-1"}}, None)
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"evaluation": None})


def no_day_was_labelled(stubs) -> None:
    """The answers about the days with labels of one endpoint, of which there is none."""
    bucket = {"Name": "/recognition/dev/model-bucket"}
    stubs["ssm"].add_response("get_parameter", {"Parameter": {"Value": "models"}}, bucket)
    stubs["s3"].add_response("list_objects_v2", {"KeyCount": 0})


def test_the_newest_days_with_labels_come_last_each_with_its_report(stubs):
    bucket = {"Name": "/recognition/dev/model-bucket"}
    stubs["ssm"].add_response("get_parameter", {"Parameter": {"Value": "models"}}, bucket)
    prefix = "drift/labelled/recognition-dev-cnn/"
    keys = [f"{prefix}2026/11/{day:02d}/labelled.json" for day in range(1, 21)]
    listed = {"Contents": [{"Key": key} for key in keys]}
    asked = {"Bucket": "models", "Prefix": prefix, "StartAfter": ANY}
    stubs["s3"].add_response("list_objects_v2", listed, asked)
    for key in keys[-14:]:
        content = json.dumps({"enough": True, "score": 0.9}).encode()
        body = StreamingBody(io.BytesIO(content), len(content))
        stubs["s3"].add_response("get_object", {"Body": body}, {"Bucket": "models", "Key": key})

    told = labelled_days(lambda service: stubs[service].client, "dev", "recognition-dev-cnn")

    assert [day["day"] for day in told] == [f"2026-11-{day:02d}" for day in range(7, 21)]
    assert told[-1] == {"day": "2026-11-20", "enough": True, "score": 0.9}


ALARMS = (("cnn-errors", "OK"), ("rnn-latency", "ALARM"))


def training_job(name: str) -> dict[str, Any]:
    """DescribeTrainingJob's answer for a job that runs."""
    definitions = [{"Name": key, "Regex": pattern} for key, pattern in METRIC_DEFINITIONS.items()]
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"{ARN}:training-job/{name}",
        "ModelArtifacts": {"S3ModelArtifacts": ""},
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Training",
        "AlgorithmSpecification": {"TrainingInputMode": "File", "MetricDefinitions": definitions},
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "StoppingCondition": {},
        "CreationTime": THEN,
        "TrainingStartTime": THEN,
    }


def test_a_refusal_of_aws_is_not_taken_for_nothing(stubs):
    stubs["sagemaker"].add_client_error("describe_endpoint", "AccessDeniedException")
    with pytest.raises(Exception, match="AccessDenied"):
        describe(lambda service: stubs[service].client, "dev")


def test_an_epoch_that_is_told_in_two_lines_is_one_row():
    lines = [metric_line(epoch=1, train_loss=0.9), "noise", metric_line(epoch=1, validation_loss=0.8)]
    assert curve_of(lines, METRIC_DEFINITIONS) == [{"epoch": 1.0, "train_loss": 0.9, "validation_loss": 0.8}]


def test_a_loss_beyond_every_float_leaves_an_answer_that_a_page_can_read():
    lines = ["epoch=1 train_loss=1e999", "epoch=1e999 train_loss=0.5"]
    assert curve_of(lines, METRIC_DEFINITIONS) == [{"epoch": 1.0}]

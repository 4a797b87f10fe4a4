"""The drift machine: walked to each of its ends, its requests as AWS wants them."""

from __future__ import annotations

import copy
import json
import shlex
from typing import Any

import pytest

from stacks.monitoring.drift_state_machine import definition
from stacks.settings import load_settings

from .conftest import context
from .interpreter import Walk, failing, reachable, walk
from .training_runs import CONTEXT

BASELINE = "s3://models/evaluations/dev-rnn-1/baseline.json"
REPORT = {
    "samples": 900,
    "enough": True,
    "input": {"trait": "input.words", "index": 0.4},
    "prediction": {"trait": "prediction.label", "index": 0.05},
}


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    environments = copy.deepcopy(context()["environments"])
    environments["dev"]["monitoring"] = {"capture": {}, "drift": {"least_samples": 500}}
    return definition(load_settings("dev", environments), CONTEXT)


def run(
    machine: dict, *, released: str = "6", baseline: str = BASELINE, files: int = 1, **changed: Any
) -> Walk:
    quality = {"ModelDataQuality": {"Statistics": {"S3Uri": baseline}}}
    answers = {
        "FindReleased": lambda *_: {
            "Stacks": [{"Parameters": [{"ParameterKey": "RnnModelVersion", "ParameterValue": released}]}]
        },
        "DescribeVersion": lambda *_: {"DriftCheckBaselines": quality} if baseline else {},
        "FindCaptured": lambda *_: {"Contents": [{"Key": "x"}]} if files else {},
        "Measure": lambda request, _: {"ProcessingJobName": request["ProcessingJobName"]},
        "ReadReport": lambda *_: {"Body": json.dumps(changed.pop("report", REPORT))},
        "Publish": lambda *_: {},
    }
    given = {"kind": "rnn", "time": "2026-03-01T01:30:00Z"}
    return walk(machine, given, {**answers, **changed}, execution="e1f2a3b4-0000-4000-8000-00000000abcd_x")


def test_the_day_before_is_measured_against_the_released_versions_baseline(machine):
    done = run(machine)
    assert done.error is None, done.cause
    (listed,) = done.requests["FindCaptured"]
    day = "captured/recognition-dev-rnn/primary/2026/02/28/"
    assert (listed["Bucket"], listed["Prefix"]) == ("data.of.dev", day)
    (job,) = done.requests["Measure"]
    inputs = {one["InputName"]: one["S3Input"]["S3Uri"] for one in job["ProcessingInputs"]}
    assert inputs == {
        "code": "s3://assets/abc.gz",
        "captured": f"s3://data.of.dev/{day}",
        "baseline": BASELINE,
    }
    assert job["ProcessingJobName"].startswith("dev-rnn-drift-")
    (read,) = done.requests["ReadReport"]
    assert read["Key"] == f"drift/{job['ProcessingJobName']}/drift.json"


def test_the_step_is_one_that_the_program_takes(machine, monkeypatch, tmp_path):
    from model_code.evaluation import drift

    (job,) = run(machine).requests["Measure"]
    *_, step = job["AppSpecification"]["ContainerEntrypoint"]
    python, dash_m, module, *words = shlex.split(step)
    assert (python, dash_m, module) == ("python3", "-m", "model_code.evaluation.drift")
    taken: list = []
    monkeypatch.setattr(drift, "measure", lambda *given: taken.append(given) or {})
    monkeypatch.setattr("sys.argv", ["drift", *words])
    monkeypatch.chdir(tmp_path)
    drift.run()
    assert [str(datum) for datum in taken[0]] == ["captured", "baseline", "6", "500"]


def test_the_figures_become_metrics_of_the_endpoint(machine):
    (request,) = run(machine).requests["Publish"]
    assert request["Namespace"] == "Recognition/Drift"
    assert {datum["MetricName"]: datum["Value"] for datum in request["MetricData"]} == {
        "CapturedSamples": 900,
        "InputDrift": 0.4,
        "PredictionDrift": 0.05,
    }
    assert {json.dumps(datum["Dimensions"]) for datum in request["MetricData"]} == {
        '[{"Name": "EndpointName", "Value": "recognition-dev-rnn"}]'
    }


def test_of_too_few_requests_only_their_number_is_published(machine):
    done = run(machine, report={"samples": 12, "enough": False})
    (request,) = done.requests["Publish"]
    assert [datum["MetricName"] for datum in request["MetricData"]] == ["CapturedSamples"]
    assert done.output["said"] == "There were too few requests to say anything."


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"released": ""}, "No version serves."),
        ({"baseline": ""}, "registered without an evaluation"),
        ({"files": 0}, "Nobody asked the endpoint on that day."),
    ],
)
def test_where_there_is_nothing_to_measure_no_job_is_paid_for(machine, changed, said):
    done = run(machine, **changed)
    assert said in done.output["said"]
    assert "Measure" not in done.requests


def test_every_task_that_fails_ends_the_run_with_its_reason(machine):
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            done = run(machine, **{name: failing("Some.Error", "the reason")})
            assert (done.error, done.cause) == ("JobFailed", "the reason"), name


def test_every_state_can_be_reached(machine):
    assert reachable(machine) == set(machine["States"])

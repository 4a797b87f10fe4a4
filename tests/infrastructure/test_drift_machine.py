"""The drift machine: walked to each of its ends, its requests as AWS wants them."""

from __future__ import annotations

import copy
import json
import shlex
from typing import Any

import pytest

from model_code.evaluation import drift, labelled
from stacks.monitoring.drift_state_machine import LABELS, definition
from stacks.settings import load_settings

from .conftest import context
from .interpreter import Walk, failing, reachable, walk
from .training_runs import CONTEXT

BASELINE = "s3://models/evaluations/dev-rnn-1/baseline.json"
EVALUATION = "s3://models/evaluations/dev-rnn-1/evaluation.json"
REPORT = {
    "samples": 900,
    "enough": True,
    "input": {"trait": "input.words", "index": 0.4},
    "prediction": {"trait": "prediction.label", "index": 0.05},
}
LABELLED = {"samples": 70, "enough": True, "score": 0.8, "score_drift": 0.06, "calibration_error": 0.02}


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    environments = copy.deepcopy(context()["environments"])
    wanted = {"least_samples": 500, "labels": {"after_days": 10, "least_samples": 60}}
    environments["dev"]["monitoring"] = {"capture": {}, "drift": wanted}
    return definition(load_settings("dev", environments), CONTEXT)


def run(
    machine: dict,
    *,
    released: str = "6",
    baseline: str = BASELINE,
    files: int = 1,
    against: str | None = None,
    **changed: Any,
) -> Walk:
    evaluated = {
        "DriftCheckBaselines": {"ModelDataQuality": {"Statistics": {"S3Uri": baseline}}},
        "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": EVALUATION}}},
    }
    default = LABELLED if against == LABELS else REPORT
    answers = {
        "FindReleased": lambda *_: {
            "Stacks": [{"Parameters": [{"ParameterKey": "RnnModelVersion", "ParameterValue": released}]}]
        },
        "DescribeVersion": lambda *_: evaluated if baseline else {},
        "FindCaptured": lambda *_: {"Contents": [{"Key": "x"}]} if files else {},
        "FindLabels": lambda *_: {"Contents": [{"Key": "x"}]},
        "Measure": lambda request, _: {"ProcessingJobName": request["ProcessingJobName"]},
        "ReadReport": lambda *_: {"Body": json.dumps(changed.pop("report", default))},
        "Publish": lambda *_: {},
    }
    given = {"kind": "rnn", "time": "2026-03-01T01:30:00Z"} | ({"against": against} if against else {})
    return walk(machine, given, {**answers, **changed}, execution="e1f2a3b4-0000-4000-8000-00000000abcd_x")


def test_the_day_before_is_measured_against_the_released_versions_baseline(machine):
    done = run(machine)
    assert done.error is None, done.cause
    (listed,) = done.requests["FindCaptured"]
    day = "captured/recognition-dev-rnn/primary/2026/02/28/"
    assert (listed["Bucket"], listed["Prefix"]) == ("data.of.dev", day)
    (job,) = done.requests["Measure"]
    inputs = {given["InputName"]: given["S3Input"]["S3Uri"] for given in job["ProcessingInputs"]}
    assert inputs == {
        "code": "s3://assets/abc.gz",
        "captured": f"s3://data.of.dev/{day}",
        "baseline": BASELINE,
    }
    assert job["ProcessingJobName"].startswith("dev-rnn-drift-")
    (read,) = done.requests["ReadReport"]
    assert read["Key"] == f"drift/{job['ProcessingJobName']}/drift.json"


@pytest.mark.parametrize(
    ("against", "program", "given"),
    [
        ("", drift, ["captured", "baseline", "6", "500"]),
        (LABELS, labelled, ["captured", "labels", "evaluation", "6", "60"]),
    ],
    ids=["the test split", "labels"],
)
def test_the_step_is_one_that_its_program_takes(machine, monkeypatch, tmp_path, against, program, given):
    (job,) = run(machine, against=against).requests["Measure"]
    *_, step = job["AppSpecification"]["ContainerEntrypoint"]
    python, dash_m, module, *words = shlex.split(step)
    assert (python, dash_m, module) == ("python3", "-m", program.__name__)
    taken: list = []
    monkeypatch.setattr(program, "measure", lambda *given: taken.append(given) or {})
    monkeypatch.setattr("sys.argv", [module, *words])
    monkeypatch.chdir(tmp_path)
    program.run()
    assert [str(datum) for datum in taken[0]] == given


def test_labels_are_waited_for_and_held_against_the_answers_of_their_day(machine):
    done = run(machine, against=LABELS)
    assert done.error is None, done.cause
    day = "recognition-dev-rnn/primary/2026/02/19/"
    assert [done.requests[name][0]["Prefix"] for name in ("FindCaptured", "FindLabels")] == [
        f"captured/{day}",
        "labels/recognition-dev-rnn/",
    ]
    (job,) = done.requests["Measure"]
    inputs = {given["InputName"]: given["S3Input"]["S3Uri"] for given in job["ProcessingInputs"]}
    assert inputs == {
        "code": "s3://assets/abc.gz",
        "captured": f"s3://data.of.dev/captured/{day}",
        "labels": "s3://data.of.dev/labels/recognition-dev-rnn/",
        "evaluation": EVALUATION,
    }
    (output,) = job["ProcessingOutputConfig"]["Outputs"]
    (read,) = done.requests["ReadReport"]
    folder = "drift/labelled/recognition-dev-rnn/2026/02/19"
    assert output["S3Output"]["S3Uri"] == f"s3://{read['Bucket']}/{folder}"
    assert read["Key"] == f"{folder}/labelled.json"


def test_a_score_by_labels_becomes_metrics_too(machine):
    (request,) = run(machine, against=LABELS).requests["Publish"]
    assert {datum["MetricName"]: datum["Value"] for datum in request["MetricData"]} == {
        "LabelledSamples": 70,
        "ScoreDrift": 0.06,
        "Score": 0.8,
        "CalibrationError": 0.02,
    }


def test_without_any_label_no_job_is_paid_for(machine):
    done = run(machine, against=LABELS, FindLabels=lambda *_: {})
    assert "No label" in done.output["said"]
    assert "Measure" not in done.requests


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
            done = run(machine, against=LABELS, **{name: failing("Some.Error", "the reason")})
            assert (done.error, done.cause) == ("JobFailed", "the reason"), name


def test_every_state_can_be_reached(machine):
    assert reachable(machine) == set(machine["States"])

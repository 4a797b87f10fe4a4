"""The training state machine's second gate: a new model is held against the one that is released."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .interpreter import failing
from .training_runs import CONTEXT, against, machine_with, run


@pytest.fixture(scope="module")
def machine() -> dict[str, Any]:
    return machine_with()


@pytest.mark.parametrize(
    ("rule", "interval", "passes"),
    [
        ("not worse", (-0.03, -0.01), False),
        ("not worse", (-0.03, 0.0), True),
        ("not worse", (0.01, 0.03), True),
        ("better", (-0.01, 0.03), False),
        ("better", (0.0, 0.03), False),
        ("better", (0.001, 0.03), True),
    ],
)
def test_a_new_model_is_held_against_the_released_one(rule, interval, passes):
    done = run(machine_with(champion_rule=rule), released="3", champion=against(*interval))
    assert ("Register" in done.requests) is passes
    assert done.error == (None if passes else "BehindChampion")


def test_the_champion_is_the_released_version_measured_in_the_same_job(machine):
    done = run(machine, released="3", champion=against(-0.01, 0.01))
    assert done.requests["DescribeChampion"] == [{"ModelPackageName": CONTEXT.version_arns["cnn"] + "3"}]
    (request,) = done.requests["Evaluate"]
    inputs = {given["InputName"]: given["S3Input"]["S3Uri"] for given in request["ProcessingInputs"]}
    assert inputs == {
        "code": "s3://assets/abc.gz",
        "model": "s3://models/registered/dev-cnn-r1/model.tar.gz",
        "test": "s3://data.of.dev/cifar10/test/",
        "champion": "s3://models/training/old/model.tar.gz",
    }


def test_a_model_behind_the_champion_hears_by_how_much(machine):
    assert run(machine, accuracy=0.89, released="3", champion=against(-0.03, -0.01)).cause == (
        "The accuracy of the cnn is 0.8900 and that of version 3, which is released, 0.9100 on the same test samples; "
        "the difference is -0.0200, with 95 % confidence between -0.0300 and -0.0100. Nothing was registered."
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"released": ""},
        {"FindChampion": failing("CloudFormation.CloudFormationException", "Stack with id x does not exist")},
        {
            "released": "3",
            "DescribeChampion": failing(
                "SageMaker.SageMakerException", "ModelPackage arn:x/3 does not exist."
            ),
        },
    ],
    ids=["nothing released", "no inference stack", "the released version was deleted"],
)
def test_without_a_champion_the_gate_alone_decides(machine, changed):
    done = run(machine, **changed)
    assert done.error is None, done.cause
    (request,) = done.requests["Evaluate"]
    assert "champion" not in [given["InputName"] for given in request["ProcessingInputs"]]
    assert len(request["ProcessingInputs"]) == 3


@pytest.mark.parametrize(
    "error", [("S3.NoSuchKeyException", "gone"), ("S3.S3Exception", "Not Found (Status Code: 404)")]
)
def test_a_champion_without_its_artefact_holds_nothing_back_and_an_event_says_so(machine, error):
    done = run(machine, released="3", FindChampionArtefact=failing(*error))
    assert done.error is None, done.cause
    (request,) = done.requests["Evaluate"]
    assert "champion" not in [given["InputName"] for given in request["ProcessingInputs"]]
    ((entry,),) = [channel["Entries"] for channel in done.requests["TellOfChampion"]]
    assert (entry["Source"], entry["DetailType"]) == ("recognition.dev", "Champion Not Compared")
    assert json.loads(entry["Detail"])["message"] == (
        "Version 3 of the cnn is released, but its artefact s3://models/training/old/model.tar.gz is gone: the new "
        "model is held against the thresholds alone."
    )
    (registered,) = done.requests["Register"]
    assert registered["CustomerMetadataProperties"]["champion"] == "version 3 without its artefact"


def test_a_model_below_the_thresholds_is_refused_without_a_champions_artefact_too(machine):
    gone = failing("S3.NoSuchKeyException", "gone")
    assert run(machine, accuracy=0.6, released="3", FindChampionArtefact=gone).error == "BelowGate"


def test_a_champion_that_cannot_be_looked_up_is_no_reason_to_skip_it(machine):
    done = run(machine, FindChampion=failing("CloudFormation.CloudFormationException", "Access denied"))
    assert (done.error, done.cause) == ("JobFailed", "Access denied")


def test_a_champion_of_other_classes_does_not_hold_a_model_back(machine):
    done = run(machine, released="3", champion={"comparable": False, "reason": "other classes"})
    assert done.error is None

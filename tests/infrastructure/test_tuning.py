"""The search for hyperparameters in the training state machine, for the kinds whose settings have ranges."""

from __future__ import annotations

import re

from .interpreter import TaskFailed, walk
from .training_runs import INPUT, machine_with, run, services

TUNING = {
    "jobs": 6,
    "parallel_jobs": 3,
    "ranges": {"cnn": {"learning_rate": [0.01, 1.0], "warmup_share": [0.1, 0.3]}},
}


def tuned(request: dict, _: int) -> dict:
    """The answer of a search."""
    name = f"{request['HyperParameterTuningJobName']}-004-abcdef"
    best = {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:job/{name}",
        "TunedHyperParameters": {"learning_rate": "0.25"},
    }
    return {"BestTrainingJob": best}


def test_a_kind_with_ranges_is_searched_and_its_best_job_goes_through_the_gates():
    done = run(machine_with(tuning=TUNING), Tune=tuned)
    assert done.error is None, done.cause
    assert "Train" not in done.requests
    (request,) = done.requests["Tune"]
    job = request["HyperParameterTuningJobConfig"]
    assert job["ResourceLimits"] == {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 3}
    assert [
        (range_["Name"], range_["MinValue"], range_["ScalingType"])
        for range_ in job["ParameterRanges"]["ContinuousParameterRanges"]
    ] == [("learning_rate", "0.01", "Logarithmic"), ("warmup_share", "0.1", "Linear")]
    definition = request["TrainingJobDefinition"]
    assert definition["StaticHyperParameters"]["epochs"] == "3"
    metrics = {metric["Name"] for metric in definition["AlgorithmSpecification"]["MetricDefinitions"]}
    assert job["HyperParameterTuningJobObjective"]["MetricName"] in metrics
    assert "CheckpointConfig" not in definition, "the jobs would go on from each other's weights"
    inputs = {
        given["InputName"]: given["S3Input"]["S3Uri"]
        for given in done.requests["Evaluate"][0]["ProcessingInputs"]
    }
    assert inputs["model"] == "s3://models/registered/dev-cnn-r1-004-abcdef/model.tar.gz"
    (registered,) = done.requests["Register"]
    properties = registered["CustomerMetadataProperties"]
    assert (properties["training_job"], properties["hyperparameter.learning_rate"]) == (
        "dev-cnn-r1-004-abcdef",
        "0.25",
    )


def test_a_search_has_a_name_that_sagemaker_takes_also_when_it_is_asked_for_again():
    given = {key: value for key, value in INPUT.items() if key != "run_id"}
    event = "9a5a5b1c-0000-4000-8000-00000000abcd_1f2e3d4c-0000-4000-8000-000000000001"

    def answer(request: dict, call: int) -> dict:
        if call == 1:
            raise TaskFailed("SageMaker.AmazonSageMakerException", "Rate exceeded")
        return tuned(request, call)

    done = walk(machine_with(tuning=TUNING), given, services(Tune=answer), execution=event)
    names = [entry["HyperParameterTuningJobName"] for entry in done.requests["Tune"]]
    assert len(set(names)) == 2
    for name in names:
        assert re.fullmatch("[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", name)


def test_a_kind_without_ranges_is_trained_once():
    done = walk(machine_with(tuning=TUNING), {**INPUT, "kind": "rnn"}, services())
    assert (done.error, "Tune" in done.requests, len(done.requests["Train"])) == (None, False, 1)


def test_a_search_without_capacity_goes_on_with_the_next_instance_type():
    def answer(request: dict, call: int) -> dict:
        if call == 1:
            raise TaskFailed("SageMaker.ResourceLimitExceededException", "The limit is 0 Instances.")
        return tuned(request, call)

    given = {**INPUT, "run_id": "a" * 36}
    machine = machine_with(tuning=TUNING, fallback_instance_types=["ml.g6.xlarge"])
    done = walk(machine, given, services(Tune=answer))
    types = [
        entry["TrainingJobDefinition"]["ResourceConfig"]["InstanceType"] for entry in done.requests["Tune"]
    ]
    assert types == ["ml.g5.xlarge", "ml.g6.xlarge"]
    assert len({entry["HyperParameterTuningJobName"] for entry in done.requests["Tune"]}) == 2

"""What a job reaches of other runs: by its request its own places alone; and what its role could beside them."""

from __future__ import annotations

from typing import Any

import pytest

from .calls import machines_of
from .grants import may
from .interpreter import Walk, walk
from .training_runs import INPUT, machine_with, run, services

JOB = ":sagemaker:create"
DATA, MODELS = "arn:aws:s3:::<DataBucket>", "arn:aws:s3:::<ModelBucket>"
CHANGES = ["PutObject", "DeleteObject", "DeleteObjectVersion", "PutObjectAcl", "PutObjectRetention"]
PLACES = [
    f"{bucket}/{place}/another-run/file"
    for bucket, places in {
        MODELS: (
            *("checkpoints", "training", "evaluations", "prepared", "registered"),
            *("local", "multi-model", "drift", "asynchronous"),
        ),
        DATA: ("sets", "captured", "labels", "transform", "bulk", "bakeoffs", "pretrained"),
    }.items()
    for place in places
]
# With the role's keys, which no code of a job has in network isolation.
CHANGED = {
    f"{MODELS}/{place}/another-run/file" for place in ("checkpoints", "training", "evaluations", "prepared")
}
READ = {
    *(f"{DATA}/{place}/another-run/file" for place in ("sets", "bakeoffs", "pretrained")),
    *(
        f"{MODELS}/{place}/another-run/file"
        for place in ("checkpoints", "training", "prepared", "registered", "local")
    ),
}


def written_to(done: Walk) -> set[str]:
    """Where SageMaker writes for the jobs of a run; a training job's output lies below its own name."""
    places = set()
    for request in (request for requests in done.requests.values() for request in requests):
        if "TrainingJobName" in request:
            places.add(f"{request['OutputDataConfig']['S3OutputPath']}/{request['TrainingJobName']}")
            places.add(request["CheckpointConfig"]["S3Uri"])
        if "ProcessingJobName" in request:
            outputs = request["ProcessingOutputConfig"]["Outputs"]
            places |= {output["S3Output"]["S3Uri"] for output in outputs}
    return places


@pytest.mark.threat
def test_sagemaker_writes_for_a_run_below_its_own_name_alone():
    machine = machine_with()
    written = [
        written_to(run(machine, {**INPUT, "run_id": run_id}, FindSplits=lambda *_: {}))
        for run_id in ("r1", "r10")
    ]
    assert written[0] == {
        "s3://models/training/dev-cnn-r1",
        "s3://models/checkpoints/dev-cnn-r1/an_execution",
        "s3://models/prepared/dev-cnn-data-r1",
        "s3://models/evaluations/dev-cnn-r1",
    }
    for place in written[0]:
        assert not any(other == place or other.startswith(f"{place}/") for other in written[1])


def test_a_run_whose_id_was_used_before_has_checkpoints_of_its_own():
    """SageMaker refuses the name, and the machine tries another: the run before may have been on other data."""
    places = [
        walk(machine_with(), INPUT, services(), execution).requests["Train"][0]["CheckpointConfig"]["S3Uri"]
        for execution in ("first", "second")
    ]
    assert len(set(places)) == 2


def isolation_of(request: dict[str, Any]) -> bool:
    """Whether a job's containers have neither a network nor the role's keys."""
    place = request.get("TrainingJobDefinition", request.get("NetworkConfig", request))
    return place["EnableNetworkIsolation"]


def test_no_code_of_a_job_has_its_roles_keys_unless_the_settings_say_so(templates):
    jobs = [
        state["Arguments"]
        for template in templates.values()
        for definition, _ in machines_of(template)
        for state in definition["States"].values()
        if JOB in state.get("Resource", "") and "Job." in state["Resource"]
    ]
    assert len(jobs) >= 3
    assert all(isolation_of(job) for job in jobs)


def job_role(template: dict) -> str:
    """The logical id of the role of all jobs of training."""
    (name,) = [name for name in template["Resources"] if name.startswith("JobRole") and "Policy" not in name]
    return name


@pytest.mark.parametrize("change", CHANGES)
def test_with_its_keys_a_job_could_change_of_other_runs_what_no_version_names(templates, change):
    training = templates["Training"]
    changed = {place for place in PLACES if may(training, job_role(training), f"s3:{change}", place)}
    assert changed == (CHANGED if change == "PutObject" else set())


def test_with_its_keys_a_job_could_read_data_and_models_and_nothing_of_customers(templates):
    training = templates["Training"]
    assert {place for place in PLACES if may(training, job_role(training), "s3:GetObject", place)} == READ

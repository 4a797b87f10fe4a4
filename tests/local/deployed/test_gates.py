"""Runs of the training state machine: what fails says why, what falls short is not registered, what passes is."""

from __future__ import annotations

import pytest

from cli.models import release, training
from cli.models.data import upload
from cli.shared.errors import CommandFailed

from .reviews import SMALL, silent, train, write_reviews


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [({"epochs": "0"}, "epochs is 0"), ({"epoch": "1"}, "no hyperparameter 'epoch'")],
)
def test_a_wrong_hyperparameter_fails_the_run_with_its_sentence(target, tmp_path, hyperparameters, reason):
    before = release.list_versions(target, "rnn")
    with pytest.raises(CommandFailed, match=reason):
        train(target, write_reviews(tmp_path / "reviews", told_by_words=True), hyperparameters)
    assert release.list_versions(target, "rnn") == before


def test_a_model_below_the_gate_is_not_registered_and_hears_by_how_much(target, released, tmp_path):
    """Beside a champion, whichever test comes first: only then the machine's right to look at it is used."""
    before = release.list_versions(target, "rnn")
    with pytest.raises(
        CommandFailed, match=r"accuracy of the rnn is 0\.\d{4}, which is 0\.\d{4} below the gate of 0\.8500"
    ):
        train(target, write_reviews(tmp_path / "untold", told_by_words=False), SMALL)
    assert release.list_versions(target, "rnn") == before


def test_a_model_that_passes_is_registered_with_its_figures(target, first_version):
    assert first_version.version == "1"
    assert first_version.output["metrics"]["accuracy"] >= 0.85
    package = target.client("sagemaker").describe_model_package(
        ModelPackageName=first_version.model_package_arn
    )
    assert package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].endswith("/evaluation.json")
    assert package["CustomerMetadataProperties"]["training_job"] == first_version.output["training_job_name"]


def test_an_interrupted_run_stops_its_job(target, tmp_path):
    def interrupt_once_the_job_runs(_: str) -> None:
        jobs = target.client("sagemaker").list_training_jobs(StatusEquals="InProgress")[
            "TrainingJobSummaries"
        ]
        if jobs:
            started.extend(job["TrainingJobName"] for job in jobs)
            raise KeyboardInterrupt

    started: list[str] = []
    uri = upload(target, write_reviews(tmp_path, told_by_words=True), "interrupted", silent)
    run = training.start(target, "rnn", uri, {**SMALL, "epochs": "400"})
    with pytest.raises(KeyboardInterrupt):
        training.wait(target, [run], interrupt_once_the_job_runs)
    sagemaker = target.client("sagemaker")
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=started[0], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert sagemaker.describe_training_job(TrainingJobName=started[0])["TrainingJobStatus"] == "Stopped"

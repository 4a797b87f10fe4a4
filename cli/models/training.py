"""Starts the training state machine and follows it to a registered version or to the reason why there is none."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cli.models import data
from cli.shared.errors import CommandFailed, Interrupted
from cli.shared.progress import Progress
from cli.shared.project import BUILD
from cli.shared.run_ids import new_run_id
from cli.shared.target import Target
from definitions.names import job_name
from definitions.parameters import TRAINING_STATE_MACHINE
from model_code.failures import JobFailed
from model_code.hyperparameters import KINDS, build
from model_code.presets import PRESETS
from model_code.training.metrics import METRIC_DEFINITIONS

POLL_SECONDS = 2
LOG_GROUP = "/aws/sagemaker/TrainingJobs"


@dataclass(frozen=True)
class Run:
    """One execution of the training state machine."""

    kind: str
    run_id: str
    execution_arn: str


@dataclass(frozen=True)
class Registered:
    """What a finished run left in the registry."""

    kind: str
    run_id: str
    version: str
    model_package_arn: str
    output: dict[str, Any]


@dataclass(frozen=True)
class Ready:
    """Data that lies in the data bucket, and how a network is trained on it.

    Attributes:
        kind: of the network.
        uri: below which `train/`, `validation/` and `test/` are.
        hyperparameters: as SageMaker takes them.
        least_score: on the test split; nothing below it is registered.
    """

    kind: str
    uri: str
    hyperparameters: dict[str, str]
    least_score: float


MakeReady = Callable[[Target, Progress], Ready]
"""Prepares and uploads data that was chosen and checked before."""


def public_data(
    kind: str, dataset: str | None, train_samples: int | None, changes: dict[str, str]
) -> MakeReady:
    """What prepares a public set for a kind of network, which learns from scratch.

    Raises:
        CommandFailed: when there is no such set, or a hyperparameter cannot be.
    """
    name = data.dataset_for(kind, dataset)
    hyperparameters = hyperparameters_of(kind, name, changes)

    def make_ready(target: Target, progress: Progress) -> Ready:
        directory = BUILD / "data" / name
        with progress.step(f"Fetching and preparing {name}") as detail:
            data.prepare(name, directory, train_samples=train_samples, on_detail=detail)
        with progress.step("Writing the data to the data bucket") as detail:
            uri = data.upload_dataset(target, directory, name, detail)
        return Ready(kind, uri, hyperparameters, PRESETS[name].minimum_accuracy)

    return make_ready


def hyperparameters_of(kind: str, dataset: str, changes: dict[str, str]) -> dict[str, str]:
    """The data set's hyperparameters with the caller's changes, as the training job takes them.

    Raises:
        CommandFailed: naming the one that is unknown or out of its range. The job would say the same, once its data
            is uploaded and its host is paid for.
    """
    return checked(kind, {**PRESETS[dataset].hyperparameters, **changes})


def checked(kind: str, hyperparameters: dict[str, str]) -> dict[str, str]:
    """The hyperparameters, which the kind of network has; see `hyperparameters_of` for what is raised."""
    try:
        build(KINDS[kind], hyperparameters)
    except JobFailed as refusal:
        raise CommandFailed(f"{refusal} Nothing was started.") from refusal
    return hyperparameters


def start(
    target: Target,
    kind: str,
    data_uri: str,
    hyperparameters: dict[str, str],
    minimum_accuracy: float | None = None,
    maximum_group_gap: float | None = None,
) -> Run:
    """Starts a run on the three splits below `data_uri`; weights that it starts from are put into the data bucket.

    Args:
        target: the deployment.
        kind: of network.
        data_uri: where `train/`, `validation/` and `test/` are.
        hyperparameters: as SageMaker takes them.
        minimum_accuracy: of the data set's gate; None leaves it to the deployment's settings.
        maximum_group_gap: by which the worst group may stay behind; None asks for nothing.
    """
    run_id = new_run_id()
    request = {
        "kind": kind,
        "run_id": run_id,
        "data_s3_uri": data_uri,
        "hyperparameters": hyperparameters,
        **({} if minimum_accuracy is None else {"minimum_accuracy": minimum_accuracy}),
        **({} if maximum_group_gap is None else {"maximum_group_gap": maximum_group_gap}),
    }
    if hyperparameters.get("pretrained") == "true":
        data.upload_weights(target)
    answer = target.client("stepfunctions").start_execution(
        stateMachineArn=target.parameter(TRAINING_STATE_MACHINE),
        name=f"{kind}-{run_id}",
        input=json.dumps(request),
    )
    return Run(kind, run_id, answer["executionArn"])


def wait(target: Target, runs: list[Run], on_detail: Callable[[str], None]) -> list[Registered]:
    """Follows the runs until all have ended; the detail shows each one's last measured value.

    Raises:
        CommandFailed: with the machine's own cause for the first run that failed; the others are stopped.
        Interrupted: once every run and its job are stopped.
    """
    state_machine = target.client("stepfunctions")
    finished: dict[str, Registered] = {}
    try:
        while len(finished) < len(runs):
            for run in runs:
                if run.kind in finished:
                    continue
                execution = state_machine.describe_execution(executionArn=run.execution_arn)
                if execution["status"] == "SUCCEEDED":
                    output = json.loads(execution["output"])
                    arn = output["model_package_arn"]
                    finished[run.kind] = Registered(run.kind, run.run_id, arn.rsplit("/", 1)[-1], arn, output)
                elif execution["status"] != "RUNNING":
                    raise CommandFailed(
                        f"Training the {run.kind} ended as {execution['status']}: {why(execution)}"
                    )
            on_detail(" · ".join(describe_run(target, run, finished) for run in runs))
            time.sleep(POLL_SECONDS)
    except BaseException as end:
        unfinished = [run for run in runs if run.kind not in finished]
        for run in unfinished:
            stop(target, run)
        if isinstance(end, KeyboardInterrupt):
            names = " and ".join(f"{run.kind}-{run.run_id}" for run in unfinished)
            raise Interrupted(
                f"Stopped {names} with its training job: nothing of it goes on. All runs: {target.command('runs')}"
            ) from end
        raise
    return [finished[run.kind] for run in runs]


def run_job(target: Target, run: Run | Registered) -> str:
    """The name of a run's first training job, and of its evaluation."""
    return job_name(target.environment, run.kind, run.run_id)


def stop(target: Target, run: Run) -> None:
    """Stops a run and the job it waits for. A run that has ended is left alone."""
    state_machine = target.client("stepfunctions")
    if state_machine.describe_execution(executionArn=run.execution_arn)["status"] != "RUNNING":
        return
    state_machine.stop_execution(executionArn=run.execution_arn, cause="stopped by the recognition command")
    # Step Functions promises to stop the job with its execution only as well as it can, and ministack does not.
    sagemaker, job = target.client("sagemaker"), run_job(target, run)
    # A job on another instance type bears the run's name with a number behind it.
    attempts = sagemaker.list_training_jobs(NameContains=job, StatusEquals="InProgress")
    names = [summary["TrainingJobName"] for summary in attempts["TrainingJobSummaries"]]
    stops = [partial(sagemaker.stop_training_job, TrainingJobName=name) for name in names]
    stops.append(partial(sagemaker.stop_processing_job, ProcessingJobName=job))
    for stop_job in stops:
        try:
            stop_job()
        except ClientError as error:
            # That is SageMaker's code for a job that has ended or was never there.
            if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
                raise


def why(execution: dict[str, Any]) -> str:
    """The sentence of a failed execution: the Fail state's cause, else its error's name."""
    return execution.get("cause") or execution.get("error") or "no reason was given."


def describe_run(target: Target, run: Run, finished: dict[str, Registered]) -> str:
    """One run's state in a few words for the status line."""
    if run.kind in finished:
        return f"{run.kind} registered as v{finished[run.kind].version}"
    values = last_values(job_log(target, run_job(target, run)))
    shown = [
        f"{name.split(':')[-1].replace('_', ' ')} {value}"
        for name, value in values.items()
        if "accuracy" in name
    ]
    epoch = f"epoch {values['epoch']}" if "epoch" in values else ""
    return f"{run.kind} {' '.join([epoch, *shown]).strip() or 'starting'}"


def job_log(target: Target, job: str) -> list[str]:
    """The lines that a training job has logged so far; none before it has a log."""
    pages = target.client("logs").get_paginator("filter_log_events")
    stream = f"{job}/"
    try:
        return [
            event["message"]
            for page in pages.paginate(
                logGroupName=LOG_GROUP, logStreamNamePrefix=stream, filterPattern='"epoch"'
            )
            for event in page["events"]
            # ministack takes the prefix and returns every stream's events all the same.
            if event["logStreamName"].startswith(stream)
        ]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return []


def last_values(lines: list[str]) -> dict[str, str]:
    """The last value of each metric in a job's log, read with the definitions that SageMaker reads it with."""
    values: dict[str, str] = {}
    for line in lines:
        for name, pattern in METRIC_DEFINITIONS.items():
            if match := re.search(pattern, line):
                values[name] = match[1]
    return values


def history(target: Target, job: str) -> list[dict[str, float]]:
    """A training job's curve: one row of metrics for each epoch that its log reports."""
    rows: dict[float, dict[str, float]] = {}
    for line in job_log(target, job):
        values = {name: float(value) for name, value in last_values([line]).items()}
        if "epoch" in values:
            rows.setdefault(values["epoch"], {}).update(values)
    return [rows[epoch] for epoch in sorted(rows)]

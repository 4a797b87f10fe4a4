"""The whole architecture at work on real data: deploy, train, evaluate, register, release, ask, report."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from cli.local.report import ModelReport, write_report
from cli.models import data, release, training
from cli.models.archive import Model
from cli.models.own_model import CARD
from cli.recognize.samples import Exchange, ask_about_samples
from cli.shared import deploy
from cli.shared.disks import require_free
from cli.shared.embedded import embedded_target, ending_is_told
from cli.shared.errors import CommandFailed
from cli.shared.options import DEFAULT_ENVIRONMENT, require_environment
from cli.shared.progress import Progress
from cli.shared.project import BUILD
from cli.shared.target import Target
from definitions.networks import KINDS
from local_aws.state import in_use, process_of
from model_code.presets import PRESETS

DIRECTORY = BUILD / "demo"
FREE_GIGABYTES = 4


@dataclass(frozen=True)
class Result:
    """What the demo made: every exchange with the API and where the report is."""

    exchanges: list[Exchange]
    report: Path
    seconds: float


def run(progress: Progress) -> Result:
    """Runs the demo from nothing to the report; everything it started is stopped when it ends, however it ends.

    Raises:
        CommandFailed: with the reason and the way out.
    """
    from local_aws.launcher import EmbeddedAws

    require_free(FREE_GIGABYTES, "The demo")
    # Before the data of a demo that is running would be written anew.
    if (other := process_of(DIRECTORY / "state")) is not None:
        raise CommandFailed(in_use(DIRECTORY / "state", other))
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for dataset in data.DATASET_OF_KIND.values():
        with progress.step(f"Fetching and preparing {dataset}") as detail:
            data.prepare(
                dataset,
                DIRECTORY / "data" / dataset,
                train_samples=PRESETS[dataset].demo_samples,
                on_detail=detail,
            )
    started = time.monotonic()
    with progress.step("Starting the embedded AWS on 127.0.0.1"):
        # Both runs at a time: while one job starts or writes its model, the other trains.
        embedded_aws = EmbeddedAws.start(
            DIRECTORY / "state",
            log_file=DIRECTORY / "aws.log",
            concurrent_jobs=len(data.DATASET_OF_KIND),
        )
    told = ending_is_told(
        lambda: embedded_aws.process.poll() is None, DIRECTORY / "aws.log", "recognition demo"
    )
    with embedded_aws, told:
        target = embedded_target(
            require_environment(DEFAULT_ENVIRONMENT), embedded_aws.endpoint_url, embedded_aws.keys
        )
        models, exchanges = build_and_ask(target, progress)
    seconds = time.monotonic() - started
    report = write_report(
        DIRECTORY, models, exchanges, steps=progress.seconds, seconds=seconds, embedded_aws=True
    )
    return Result(exchanges, report, seconds)


def build_and_ask(target: Target, progress: Progress) -> tuple[list[ModelReport], list[Exchange]]:
    """Deploys the app to `target`, trains and releases the networks there and asks the API about samples."""
    with progress.step("Deploying the app with cdk deploy --all") as detail:
        deploy.deploy(target, detail)
    with progress.step("Writing the data to the data bucket") as detail:
        uris = {
            kind: data.upload_dataset(target, DIRECTORY / "data" / dataset, dataset, detail)
            for kind, dataset in data.DATASET_OF_KIND.items()
        }
    presets = [PRESETS[dataset] for dataset in data.DATASET_OF_KIND.values()]
    networks = " and the ".join(map(str.upper, KINDS))
    with progress.step(f"Training, evaluating, gating and registering the {networks}") as detail:
        runs = [
            training.start(target, kind, uri, preset.hyperparameters, preset.minimum_accuracy)
            for (kind, uri), preset in zip(uris.items(), presets, strict=True)
        ]
        registered = training.wait(target, runs, detail)
    for model in registered:
        with progress.step(f"Releasing the {model.kind} version {model.version} by a stack update") as detail:
            release.release(target, model.kind, model.version, detail)
    with progress.step("Asking the deployed API about test samples") as detail:
        models = [collect(target, model) for model in registered]
        exchanges = [
            exchange
            for model in models
            for exchange in ask_about_samples(target, model.kind, model.samples, detail)
        ]
    return models, exchanges


def collect(target: Target, model: training.Registered) -> ModelReport:
    """Reads back what a run left: evaluation, samples and the curves of training; and keeps the artefact."""
    package = target.client("sagemaker").describe_model_package(ModelPackageName=model.model_package_arn)
    evaluation_uri = package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    dataset = data.DATASET_OF_KIND[model.kind]
    (container,) = package["InferenceSpecification"]["Containers"]
    artefact = DIRECTORY / "models" / model.kind / "model.tar.gz"
    artefact.parent.mkdir(parents=True, exist_ok=True)
    artefact.write_bytes(read_object(target, container["ModelDataUrl"]))
    return ModelReport(
        kind=model.kind,
        version=model.version,
        dataset=json.loads((DIRECTORY / "data" / dataset / "data_card.json").read_bytes()),
        evaluation=read_json(target, evaluation_uri),
        samples=read_json(target, evaluation_uri.rsplit("/", 1)[0] + "/samples.json"),
        history=training.history(target, training.run_job(target, model)),
        curve=json.loads(Model(artefact).read(CARD))["curve"],
        hyperparameters=PRESETS[dataset].hyperparameters,
    )


def read_json(target: Target, uri: str) -> Any:
    """The JSON object at an S3 URI."""
    return json.loads(read_object(target, uri))


def read_object(target: Target, uri: str) -> bytes:
    """The object at an S3 URI."""
    place = urlparse(uri)
    return target.client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()

"""Runs the candidates that train as SageMaker training jobs, side by side, and the others here.

Every job gets the same split as its channels, and its answers come back into the same report.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from advisor import Problem
from bakeoff import job
from bakeoff.candidates import PRETRAINED, TRAINED, Competitor
from bakeoff.channels import ANSWERS_FILE, read_answers, write_examples
from bakeoff.contest import STOPPED, ContestSettings, Observer, result_of, run_all
from bakeoff.errors import CandidateFailed
from bakeoff.isolation import Outcome
from bakeoff.network import weights_channel
from bakeoff.results import Result
from bakeoff.splits import Split
from model_code.data.archives import ArchiveRefused, opened, read_file
from model_code.data.splits import NAMES
from model_code.data.weights import WEIGHTS
from model_code.source import ARCHIVE_NAME, files_of, write_archive
from model_code.training.metrics import NUMBER

ROOT = Path(__file__).resolve().parents[1]
POLL_SECONDS = 2.0
# What a host takes before the candidate's own clock starts and after it ends: unpacking, imports, the answers' way out.
MARGIN_SECONDS = 300
CODE_DIRECTORY = "/opt/ml/input/data/code"
WEIGHTS_CHANNEL = "pretrained"
PROGRESS_METRIC = {"Name": "progress", "Regex": rf"\bprogress={NUMBER}(?:\s|$)"}
RUNNING = ("InProgress", "Stopping")


@dataclass(frozen=True)
class Site:
    """Where the jobs run.

    Attributes:
        sagemaker: boto3's client.
        s3: boto3's client.
        data_bucket: the channels' and the code's; the jobs' role may read it.
        request: what is the same in every CreateTrainingJob: role, image, output, network, tags.
        resources: the ResourceConfig of each family.
        images: the address of each family's image.
    """

    sagemaker: Any
    s3: Any
    data_bucket: str
    request: Mapping[str, Any]
    resources: Mapping[str, Mapping[str, Any]]
    images: Mapping[str, str]


@dataclass
class Running:
    """A job that was started; `progress` is what was told of it last."""

    candidate: Competitor
    name: str
    progress: float = -1.0


@dataclass(frozen=True)
class Jobs:
    """Runs a contest's candidates: it has the form of `contest.run_all`.

    Attributes:
        site: where.
        run_id: in the names of the jobs and of what they read; another one for each bake-off.
    """

    site: Site
    run_id: str

    @property
    def prefix(self) -> str:
        """Where in the data bucket this bake-off's files are."""
        return f"bakeoffs/{self.run_id}"

    def __call__(
        self,
        present: list[Competitor],
        rounds: list[Split],
        problem: Problem,
        settings: ContestSettings,
        directory: Path,
        observer: Observer,
    ) -> tuple[list[Result], bool]:
        """Every candidate's result, and whether a Ctrl-C ended the contest early; jobs that run are stopped then.

        There is one round: a job has one split as its channels.
        """
        (parts,) = rounds
        results: dict[str, Result] = {}
        running: list[Running] = []
        keys: list[str] = []
        interrupted = False
        try:
            self.upload(parts, keys)
            for candidate in [candidate for candidate in present if candidate.id in TRAINED]:
                self.start(candidate, settings, observer, running, results, keys)
            here = [candidate for candidate in present if candidate.id not in TRAINED]
            finished, interrupted = run_all(here, rounds, problem, settings, directory, observer)
            results |= {result.candidate.id: result for result in finished}
            while running and not interrupted:
                self.look(running, results, parts, problem, observer)
                time.sleep(POLL_SECONDS if running else 0)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            # Each of them, also where one cannot be: a job that goes on costs money.
            with ExitStack() as ends:
                for key in keys:
                    ends.callback(self.site.s3.delete_object, Bucket=self.site.data_bucket, Key=key)
                for one in running:
                    ends.callback(self.stop, one)
        return [
            results.get(candidate.id, Result(candidate, "not run", STOPPED)) for candidate in present
        ], interrupted

    def upload(self, parts: Split, keys: list[str]) -> None:
        """Writes channels and code to the data bucket, and adds their keys to `keys`."""
        with tempfile.TemporaryDirectory() as scratch:
            files = [(name, write_examples(Path(scratch) / name, getattr(parts, name))) for name in NAMES]
            archive = Path(scratch) / ARCHIVE_NAME
            packages = [files_of(ROOT / name) for name in ("bakeoff", "definitions", "model_code")]
            write_archive(archive, {**packages[0], **packages[1], job.ENTRY_POINT: job.LAUNCHER.encode()})
            for channel, file in [*files, ("code", archive)]:
                self.upload_file(channel, file, keys)

    def upload_file(self, channel: str, file: Path, keys: list[str]) -> None:
        """Writes a file of a channel to the data bucket, and adds its key to `keys`."""
        keys.append(f"{self.prefix}/{channel}/{file.name}")
        self.site.s3.upload_file(str(file), self.site.data_bucket, keys[-1])

    def start(
        self,
        candidate: Competitor,
        settings: ContestSettings,
        observer: Observer,
        running: list[Running],
        results: dict[str, Result],
        keys: list[str],
    ) -> None:
        """Starts a candidate's job; a refusal, or weights that cannot be had, becomes its result."""
        request = self.request_for(candidate, settings)
        observer.started(candidate, settings.seconds)
        try:
            # A job has no network to download them from.
            if candidate.id == PRETRAINED.id:
                self.upload_file(WEIGHTS_CHANNEL, weights_channel() / WEIGHTS.file_name, keys)
        except CandidateFailed as failure:
            results[candidate.id] = Result(candidate, "failed", str(failure))
            observer.ended(results[candidate.id])
            return
        # Before the call, so that a Ctrl-C during it leaves no job that nobody stops.
        running.append(Running(candidate, request["TrainingJobName"]))
        try:
            self.site.sagemaker.create_training_job(**request)
        except ClientError as error:
            running.pop()
            reason = f"SageMaker refused its job: {error.response['Error']['Message']}"
            results[candidate.id] = Result(candidate, "failed", reason)
            observer.ended(results[candidate.id])

    def request_for(self, candidate: Competitor, settings: ContestSettings) -> dict[str, Any]:
        """CreateTrainingJob's request; the time is the job's own, since the jobs run side by side."""
        hyperparameters = {
            "candidate": candidate.id,
            "seconds": f"{settings.seconds:.0f}",
            "seed": str(settings.seed),
            "sagemaker_program": job.ENTRY_POINT,
            "sagemaker_submit_directory": f"{CODE_DIRECTORY}/{ARCHIVE_NAME}",
        }
        algorithm = {
            **self.site.request["AlgorithmSpecification"],
            "TrainingImage": self.site.images[candidate.family],
            "MetricDefinitions": [PROGRESS_METRIC],
        }
        channels = (*NAMES, "code", *([WEIGHTS_CHANNEL] if candidate.id == PRETRAINED.id else []))
        return {
            **self.site.request,
            "TrainingJobName": f"bakeoff-{candidate.id.replace('_', '-')}-{self.run_id}",
            "AlgorithmSpecification": algorithm,
            # The toolkit reads every value as JSON.
            "HyperParameters": {
                name: value if name in ("seconds", "seed") else f'"{value}"'
                for name, value in hyperparameters.items()
            },
            "InputDataConfig": [self.channel(name) for name in channels],
            "ResourceConfig": dict(self.site.resources[candidate.family]),
            "StoppingCondition": {"MaxRuntimeInSeconds": int(settings.seconds) + MARGIN_SECONDS},
        }

    def channel(self, name: str) -> dict[str, Any]:
        """One of a job's channels."""
        source = {
            "S3DataType": "S3Prefix",
            "S3Uri": f"s3://{self.site.data_bucket}/{self.prefix}/{name}/",
            "S3DataDistributionType": "FullyReplicated",
        }
        return {"ChannelName": name, "InputMode": "File", "DataSource": {"S3DataSource": source}}

    def look(
        self,
        running: list[Running],
        results: dict[str, Result],
        parts: Split,
        problem: Problem,
        observer: Observer,
    ) -> None:
        """Asks after every job that runs, and takes those that have ended out of `running`."""
        for one in list(running):
            answer = self.site.sagemaker.describe_training_job(TrainingJobName=one.name)
            if answer["TrainingJobStatus"] in RUNNING:
                self.tell(one, answer, observer)
                continue
            running.remove(one)
            results[one.candidate.id] = result_of(one.candidate, self.outcome(answer), parts, problem)
            observer.ended(results[one.candidate.id])

    def tell(self, one: Running, answer: dict[str, Any], observer: Observer) -> None:
        """Tells how far a job is."""
        values = {metric["MetricName"]: metric["Value"] for metric in answer.get("FinalMetricDataList", [])}
        one.progress = max(one.progress, values.get("progress", 0.0))
        observer.progressed(one.candidate, one.progress, answer.get("SecondaryStatus", ""))

    def outcome(self, answer: dict[str, Any]) -> Outcome:
        """What became of a job that has ended."""
        status = answer["TrainingJobStatus"]
        if status != "Completed":
            said = answer.get("FailureReason") or f"as {answer.get('SecondaryStatus', status)}"
            return Outcome(None, f"Its job {answer['TrainingJobName']} ended: {said}")
        bucket, _, key = answer["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
        key = f"{key.rsplit('/', 1)[0]}/output.tar.gz"
        try:
            response = self.site.s3.get_object(Bucket=bucket, Key=key)
            with opened(response["Body"], response["ContentLength"]) as archive:
                content = read_file(archive, ANSWERS_FILE)
            answers = read_answers(content)
        except (ClientError, ArchiveRefused, KeyError, ValueError) as error:
            return Outcome(None, f"Its job left no answers at s3://{bucket}/{key} ({type(error).__name__}).")
        host = answer["ResourceConfig"]["InstanceType"]
        seconds = answer.get("BillableTimeInSeconds", 0)
        name = answer["TrainingJobName"]
        note = f"Ran as the job {name} on {host}, whose latencies these are; {seconds} s are billed."
        return Outcome(dataclasses.replace(answers, notes=(*answers.notes, note)))

    def stop(self, one: Running) -> None:
        """Stops a job; one that has ended meanwhile, or was never made, is left alone."""
        try:
            self.site.sagemaker.stop_training_job(TrainingJobName=one.name)
        except ClientError as error:
            # Those are SageMaker's codes for a job that has ended and for one that is not there.
            if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
                raise

"""Candidates as training jobs, against a SageMaker that runs the job's own code in this process."""

from __future__ import annotations

import io
import tarfile
from functools import cache
from pathlib import Path

import botocore.session
import numpy as np
import pytest
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

from advisor import Problem
from bakeoff import contest, job, jobs, network
from bakeoff.candidates import BOOSTING, CNN, GRU, LOGISTIC, MAJORITY, PRETRAINED
from bakeoff.errors import CandidateFailed
from bakeoff.examples import Examples
from model_code.data.splits import NAMES
from model_code.data.weights import WEIGHTS

PROBLEM = Problem(modality="tabular", task="classification", predictions_per_month=100_000)
RUN = "20261126-101500-1a2b3c"
ROLE = "arn:aws:iam::123456789012:role/jobs"
REQUEST = {
    "RoleArn": ROLE,
    "AlgorithmSpecification": {"TrainingImage": "tensorflow-training", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://models/training", "KmsKeyId": "key"},
    "EnableNetworkIsolation": True,
}
HOST = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50}


def refusal(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateTrainingJob")


@cache
def shape_of_requests():
    """What CreateTrainingJob takes."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model("CreateTrainingJob").input_shape


class Storage:
    """S3's objects in memory."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def upload_file(self, file: str, bucket: str, key: str) -> None:
        self.objects[bucket, key] = Path(file).read_bytes()

    def get_object(self, Bucket: str, Key: str) -> dict:
        if (Bucket, Key) not in self.objects:
            raise refusal("NoSuchKey", "There is none.")
        content = self.objects[Bucket, Key]
        return {"Body": io.BytesIO(content), "ContentLength": len(content)}

    def delete_object(self, Bucket: str, Key: str) -> None:
        del self.objects[Bucket, Key]


class Training:
    """SageMaker's training jobs: checks each request against its service model, and runs a job when asked about it."""

    def __init__(self, storage: Storage, directory: Path, ends: dict[str, dict] | None = None) -> None:
        self.storage, self.directory, self.ends = storage, directory, ends or {}
        self.requests: dict[str, dict] = {}
        self.stopped: list[str] = []

    def create_training_job(self, **request) -> None:
        validate_parameters(request, shape_of_requests())
        if self.ends.get(self.kind_of(request["TrainingJobName"])) == "refused":
            raise refusal("ResourceLimitExceeded", "The account-level limit is 0 Instances.")
        self.requests[request["TrainingJobName"]] = request

    def describe_training_job(self, TrainingJobName: str) -> dict:
        request = self.requests[TrainingJobName]
        uri = f"{request['OutputDataConfig']['S3OutputPath']}/{TrainingJobName}/output/model.tar.gz"
        answer = {
            "TrainingJobName": TrainingJobName,
            "TrainingJobStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": uri},
            "ResourceConfig": request["ResourceConfig"],
            "BillableTimeInSeconds": 61,
            **self.ends.get(self.kind_of(TrainingJobName), {}),
        }
        if answer["TrainingJobStatus"] == "Completed" and "answers" not in answer:
            self.run(request, uri)
        return answer

    def stop_training_job(self, TrainingJobName: str) -> None:
        kind = self.kind_of(TrainingJobName)
        if self.ends.get(kind, {}).get("stopping") == "refused":
            raise refusal("ThrottlingException", "Rate exceeded.")
        self.stopped.append(kind)

    @staticmethod
    def kind_of(name: str) -> str:
        return name.removeprefix("bakeoff-").rsplit("-", 3)[0]

    def run(self, request: dict, uri: str) -> None:
        """The job's code over its channels, and its output where SageMaker puts it."""
        folder = self.directory / request["TrainingJobName"]
        with pytest.MonkeyPatch.context() as patch:
            for channel in request["InputDataConfig"]:
                place = channel["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://")
                bucket, _, prefix = place.partition("/")
                (folder / channel["ChannelName"]).mkdir(parents=True)
                patch.setenv(
                    f"SM_CHANNEL_{channel['ChannelName'].upper()}", str(folder / channel["ChannelName"])
                )
                for (where, key), content in self.storage.objects.items():
                    if where == bucket and key.startswith(prefix):
                        (folder / channel["ChannelName"] / key.rsplit("/", 1)[1]).write_bytes(content)
            patch.setenv("SM_OUTPUT_DATA_DIR", str(folder / "output"))
            words = [(f"--{name}", value.strip('"')) for name, value in request["HyperParameters"].items()]
            job.hold([word for pair in words for word in pair])
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            tar.add(folder / "output" / "answers.json", "answers.json")
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        self.storage.objects[bucket, f"{key.rsplit('/', 1)[0]}/output.tar.gz"] = buffer.getvalue()


class Listener:
    """Notes what it is told, and interrupts when a job's progress is told."""

    def __init__(self, *, interrupts: bool = False) -> None:
        self.interrupts, self.progress, self.ended_ids = interrupts, [], []

    def started(self, candidate, seconds):
        pass

    def progressed(self, candidate, share, words):
        if candidate.family != "constant":
            self.progress.append((candidate.id, share, words))
            if self.interrupts:
                raise KeyboardInterrupt

    def ended(self, result):
        self.ended_ids.append(result.candidate.id)


def table() -> Examples:
    """600 rows whose first column tells the class."""
    rows = np.random.default_rng(0).normal(size=(600, 3))
    targets = (rows[:, 0] > 0).astype(np.int32)
    return Examples("tabular", rows.astype(object), targets, ("no", "yes"), None, (True,) * 3)


@pytest.fixture
def hold(tmp_path, monkeypatch):
    """Holds a contest by jobs; returns it with the SageMaker and the S3 that it was held with."""
    monkeypatch.setattr(jobs, "POLL_SECONDS", 0.0)

    def run(*entrants, listener=None, ends=None, made=None):
        storage = Storage()
        training = Training(storage, tmp_path / "jobs", ends)
        if made is not None:
            made.append(training)
        families = dict.fromkeys(("traditional", "cnn", "rnn"), HOST)
        images = {**dict.fromkeys(families, "for GPUs"), "traditional": "for processors"}
        runner = jobs.Jobs(jobs.Site(training, storage, "data", REQUEST, families, images), RUN)
        held = contest.run(
            table(),
            PROBLEM,
            contest.ContestSettings(600.0),
            tmp_path / "here",
            listener or Listener(),
            entrants=(list(entrants), []),
            runner=runner,
        )
        return held, training, storage

    return run


def test_jobs_give_the_figures_that_the_same_candidates_give_here(hold, tmp_path):
    held, training, storage = hold(MAJORITY, LOGISTIC)
    here = contest.run(
        table(), PROBLEM, contest.ContestSettings(600.0), tmp_path, Listener(), entrants=([LOGISTIC], [])
    )
    assert [result.candidate.id for result in held.results] == [MAJORITY.id, LOGISTIC.id]
    (own,) = here.results
    assert held.results[1].predictions.tolist() == own.predictions.tolist()
    assert held.results[1].accuracy == own.accuracy
    assert "on ml.m5.xlarge" in held.results[1].notes[-1] and "61 s are billed" in held.results[1].notes[-1]
    assert held.verdict.winner == here.verdict.winner
    assert len(training.requests) == 1, "the majority class is counted here"
    # What was uploaded is deleted; what the jobs put out stays.
    assert {bucket for bucket, _ in storage.objects} == {"models"}


def test_a_job_is_the_deployments_with_another_script_and_no_longer_than_it_may_be(hold):
    _, training, _ = hold(LOGISTIC)
    (request,) = training.requests.values()
    assert (request["RoleArn"], request["EnableNetworkIsolation"]) == (ROLE, True)
    assert request["TrainingJobName"] == f"bakeoff-logistic-regression-{RUN}"
    assert request["StoppingCondition"]["MaxRuntimeInSeconds"] == 600 + jobs.MARGIN_SECONDS
    assert {channel["ChannelName"] for channel in request["InputDataConfig"]} == {
        "train",
        "validation",
        "test",
        "code",
    }
    assert request["HyperParameters"]["sagemaker_program"] == '"bakeoff_job.py"'
    assert request["AlgorithmSpecification"]["TrainingImage"] == "for processors"


def test_a_job_that_starts_from_weights_has_them_as_a_channel(hold, tmp_path, monkeypatch):
    (tmp_path / WEIGHTS.file_name).write_bytes(b"weights")
    monkeypatch.setattr(jobs, "weights_channel", lambda: tmp_path)
    _, training, storage = hold(LOGISTIC, PRETRAINED, ends={"pretrained-cnn": {"answers": None}})
    channels = [
        {channel["ChannelName"] for channel in request["InputDataConfig"]}
        for request in training.requests.values()
    ]
    assert channels[1] - channels[0] == {"pretrained"}
    assert not any(bucket == "data" for bucket, _ in storage.objects)


def test_weights_that_cannot_be_had_fail_their_own_candidate_alone(hold, monkeypatch):
    def unreachable():
        raise CandidateFailed("The registry cannot be reached.")

    monkeypatch.setattr(jobs, "weights_channel", unreachable)
    held, training, _ = hold(LOGISTIC, PRETRAINED)
    assert held.results[0].finished and len(training.requests) == 1
    assert held.results[1].reason == "The registry cannot be reached."


def test_a_job_that_fails_is_reported_and_the_others_go_on(hold):
    held, _, _ = hold(
        LOGISTIC,
        BOOSTING,
        GRU,
        CNN,
        ends={
            "gradient-boosting": {
                "TrainingJobStatus": "Failed",
                "FailureReason": "AlgorithmError: no memory",
            },
            "rnn": "refused",
            "cnn": {"answers": None},
        },
    )
    reasons = {result.candidate.id: result.reason for result in held.results}
    assert held.results[0].finished and held.verdict.winner == LOGISTIC.id
    assert reasons["gradient_boosting"].endswith("ended: AlgorithmError: no memory")
    assert "The account-level limit is 0" in reasons["rnn"]
    assert "left no answers at s3://models/training/bakeoff-cnn-" in reasons["cnn"]


def test_a_job_that_sagemaker_stopped_at_its_limit_says_so(hold):
    stopped = {"TrainingJobStatus": "Stopped", "SecondaryStatus": "MaxRuntimeExceeded"}
    held, _, _ = hold(LOGISTIC, BOOSTING, ends={"gradient-boosting": stopped})
    assert held.results[1].reason.endswith("ended: as MaxRuntimeExceeded")


def test_an_interruption_stops_what_runs_and_keeps_what_is_finished(hold):
    running = {
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Training",
        "FinalMetricDataList": [{"MetricName": "progress", "Value": 0.4}],
    }
    listener = Listener(interrupts=True)
    held, training, storage = hold(MAJORITY, LOGISTIC, GRU, listener=listener, ends={"rnn": running})
    assert [result.status for result in held.results] == ["finished", "finished", "not run"]
    assert held.interrupted and training.stopped == ["rnn"]
    assert listener.progress == [("rnn", 0.4, "Training")]
    assert not any(bucket == "data" for bucket, _ in storage.objects)


def test_a_job_that_cannot_be_stopped_keeps_no_other_running_and_no_upload(hold):
    running = {"TrainingJobStatus": "InProgress", "SecondaryStatus": "Training"}
    made: list[Training] = []
    ends = {"cnn": running, "gradient-boosting": running | {"stopping": "refused"}, "rnn": running}
    with pytest.raises(ClientError, match="Rate exceeded"):
        hold(
            CNN,
            BOOSTING,
            GRU,
            listener=Listener(interrupts=True),
            ends=ends,
            made=made,
        )
    (training,) = made
    assert sorted(training.stopped) == ["cnn", "rnn"]
    assert training.storage.objects == {}


def test_the_jobs_reason_is_where_sagemaker_looks_for_it(tmp_path, monkeypatch):
    part = table()
    for name in NAMES:
        jobs.write_examples(tmp_path / name, part)
        monkeypatch.setenv(f"SM_CHANNEL_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    words = ["--candidate", "rnn", "--seconds", "31", "--seed", "0"]
    monkeypatch.setattr(job.sys, "argv", ["job", *words])
    monkeypatch.setitem(network.KIND_OF_MODALITY, "tabular", "rnn")
    with pytest.raises(SystemExit):
        job.run()
    assert "left for its training" in (tmp_path / "output" / "failure").read_text()

"""One embedded AWS for all local tests, and what several of them run in it: jobs, machines, small archives."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.launcher import EmbeddedAws, environment
from local_aws.sagemaker.names import Names
from model_code import inference
from stacks.shared.job_context import JobContext

from .roles import create_role

TRAINING_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21-gpu-py312"
INFERENCE_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-inference:2.20-gpu-py312"
TYPE_WITHOUT_CAPACITY = "ml.p5.48xlarge"
ROLE = "arn:aws:iam::000000000000:role/jobs-of-the-tests"


@pytest.fixture(scope="session")
def state_directory(tmp_path_factory) -> Path:
    """Where the embedded AWS of the session keeps what it has."""
    return tmp_path_factory.mktemp("aws") / "state"


@pytest.fixture(scope="session")
def aws(state_directory):
    """The embedded AWS of the session."""
    options = {"concurrent_jobs": 2, "without_capacity": [TYPE_WITHOUT_CAPACITY]}
    with start_with_role(state_directory.parent, **options) as running:
        yield running


def start_with_role(folder: Path, **options: Any) -> EmbeddedAws:
    """An embedded AWS in a folder, with the role of the tests; only the deployed ones ask the stand-ins."""
    running = EmbeddedAws.start(
        folder / "state", log_file=folder / "aws.log", stand_ins_when_asked=True, **options
    )
    create_role(client_of(running, "iam"), ROLE.rpartition("/")[2])
    return running


def client_of(running: EmbeddedAws, service: str) -> Any:
    """A boto3 client of an embedded AWS."""
    variables = environment(running.endpoint_url, running.keys)
    return boto3.client(
        service,
        endpoint_url=running.endpoint_url,
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="session")
def role_of() -> Callable[..., str]:
    """Makes roles: see `create_role`."""
    return create_role


@pytest.fixture(scope="session")
def client(aws) -> Callable[[str], Any]:
    """Makes clients of the session's embedded AWS."""
    return lambda service: client_of(aws, service)


@pytest.fixture(scope="session")
def bucket(client) -> str:
    """A bucket for the tests."""
    client("s3").create_bucket(Bucket="bucket-of-the-tests")
    return "bucket-of-the-tests"


def archive(files: dict[str, bytes | str]) -> bytes:
    """A gzipped tar file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(scope="session")
def artefact(tmp_path_factory):
    """Makes model archives whose network says how long a text is, times a factor.

    It takes its time over it; `also` is code after the artefact's own handlers.
    """
    import tensorflow as tf

    class Lengths(tf.Module):
        def __init__(self, factor: float) -> None:
            super().__init__()
            self.factor = tf.Variable(factor)
            self.serve = tf.function(
                self.predict, input_signature=[tf.TensorSpec([None], tf.string, name="text")]
            )

        def predict(self, text):
            score = tf.cast(tf.strings.length(text), tf.float32) * self.factor
            return {"label": text, "score": score, "probabilities": tf.stack([score, -score], axis=1)}

    def make(factor: float, also: str = "") -> bytes:
        folder = tmp_path_factory.mktemp("model")
        module = Lengths(factor)
        tf.saved_model.save(module, str(folder / "1"), signatures={"serving_default": module.serve})
        (folder / "code").mkdir()
        handlers = Path(inference.__file__).read_text(encoding="utf-8") + also
        (folder / "code" / "inference.py").write_text(handlers)
        (folder / "labels.json").write_text('["long", "short"]')
        files = [path for path in folder.rglob("*") if path.is_file()]
        return archive({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})

    return make


def training_request(s3: Any, bucket: str, script: str, **changes: Any) -> dict[str, Any]:
    """CreateTrainingJob's request for a script, with its source in S3."""
    name = f"job-{uuid.uuid4().hex[:12]}"
    s3.put_object(Bucket=bucket, Key=f"{name}/code/source.tar.gz", Body=archive({"train.py": script}))
    s3.put_object(Bucket=bucket, Key=f"{name}/train/numbers.txt", Body=b"1 2 3")

    def channel(channel_name: str) -> dict[str, Any]:
        source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{name}/{channel_name}/"}
        return {"ChannelName": channel_name, "DataSource": {"S3DataSource": source}}

    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": TRAINING_IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": r"loss=([0-9.]+)"}],
        },
        "HyperParameters": {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"/opt/ml/input/data/code/source.tar.gz"',
            "depth": "3",
        },
        "InputDataConfig": [channel("train"), channel("code")],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/output"},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 300},
        **changes,
    }


def run_training(
    sagemaker: Any, request: dict[str, Any], *, until: Callable[[dict], bool] | None = None
) -> dict:
    """Starts a training job and returns its description once it has ended (or once `until` says so)."""
    sagemaker.create_training_job(**request)
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        description = sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])
        if (until and until(description)) or description["TrainingJobStatus"] not in (
            "InProgress",
            "Stopping",
        ):
            return description
        time.sleep(0.2)
    raise AssertionError(f"The job did not end: {description['SecondaryStatus']}")


@pytest.fixture(scope="session")
def callers() -> Callable[[Callable[[], Any]], AbstractContextManager[list[Any]]]:
    """Two callers who ask all the time while something changes, and what each of their requests got."""

    @contextmanager
    def asking(ask: Callable[[], Any]) -> Iterator[list[Any]]:
        """Complete at the end, when what `ask` raised is raised."""
        over, got = threading.Event(), []

        def ask_on() -> None:
            while not over.is_set():
                got.append(ask())

        with ThreadPoolExecutor(2) as askers:
            asked = [askers.submit(ask_on) for _ in range(2)]
            try:
                yield got
            finally:
                over.set()
            for future in asked:
                future.result()

    return asking


@pytest.fixture(scope="session")
def names() -> Names:
    """ARNs of the embedded SageMaker."""
    return Names()


@pytest.fixture(scope="session")
def ended_execution() -> Callable[[Any, str], dict[str, Any]]:
    """Waits for the end of an execution, by a client of Step Functions and the execution's ARN."""

    def wait(states: Any, arn: str) -> dict[str, Any]:
        deadline = time.monotonic() + 300
        while (described := states.describe_execution(executionArn=arn))["status"] == "RUNNING":
            assert time.monotonic() < deadline, f"The execution {arn} did not end."
            time.sleep(0.2)
        return described

    return wait


@pytest.fixture(scope="session")
def job_context_of(client, bucket, names) -> Callable[[str, str, str], JobContext]:
    """The places of a machine, by its source archive in the bucket, its group of versions and its inference stack."""
    key_arn = client("kms").create_key()["KeyMetadata"]["Arn"]

    def make(code_key: str, group: str, inference_stack: str) -> JobContext:
        return JobContext(
            data_bucket=bucket,
            model_bucket=bucket,
            key_arn=key_arn,
            role_arn=ROLE,
            code_bucket=bucket,
            code_key=code_key,
            training_image=TRAINING_IMAGE,
            processing_image=TRAINING_IMAGE,
            inference_image=INFERENCE_IMAGE,
            cpu_inference_image=INFERENCE_IMAGE.replace("gpu", "cpu"),
            version_arns={"rnn": names.arn("model-package", f"{group}/")},
            inference_stack=inference_stack,
        )

    return make


def create_inference_stack(client: Callable[[str], Any], name: str, version: str) -> None:
    """A stack that says which version of the rnn is released, as the inference stack does."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": "RnnModelVersion"}}}
    template = {
        "Parameters": {"RnnModelVersion": {"Type": "String"}},
        "Resources": {"Topic": topic},
    }
    client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "RnnModelVersion", "ParameterValue": version}],
    )

"""After a kill at any moment nothing runs on, and the next start from the same state directory works at once."""

from __future__ import annotations

import io
import json
import os
import signal
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from local_aws.launcher import EmbeddedAws, EmbeddedAwsFailed
from local_aws.sagemaker.containers import can_bind_mount
from local_aws.state import ready_in

from .conftest import (
    INFERENCE_IMAGE,
    ROLE,
    archive,
    client_of,
    run_training,
    start_with_role,
    training_request,
)
from .test_launcher import SLEEPER, family

SLEEPING_FUNCTION = "import subprocess\ndef handler(event, context):\n    subprocess.run(['sleep', '600'])\n"
# The container's code is imported before it answers /ping, so the endpoint is being created for as long.
SLEEPING_MODEL = {"1/saved_model.pb": b"", "code/inference.py": "", "labels.json": "[]"}


@dataclass(frozen=True)
class StateDirectory:
    """A state directory and the log beside it."""

    folder: Path

    def start(self, **options: Any) -> EmbeddedAws:
        """An embedded AWS in it."""
        return start_with_role(self.folder, **options)


@pytest.fixture
def state_directory(tmp_path):
    """A new one; whatever still runs in it is ended."""
    made = StateDirectory(tmp_path)
    yield made
    if ready := ready_in(tmp_path / "state"):
        os.kill(ready.process_id, signal.SIGKILL)


def training(running: EmbeddedAws) -> int:
    """Is in the middle of a job; how many processes there are.

    The embedded AWS, its leash, the supervisor, its leash, the toolkit, the script, and where there is one the
    namespace.
    """
    s3 = client_of(running, "s3")
    s3.create_bucket(Bucket="bucket")
    request = {**training_request(s3, "bucket", SLEEPER), "TrainingJobName": "job"}
    started = run_training(
        client_of(running, "sagemaker"), request, until=lambda job: job["SecondaryStatus"] == "Training"
    )
    assert started["SecondaryStatus"] == "Training"
    return 6 + can_bind_mount()


def creating_an_endpoint(running: EmbeddedAws) -> int:
    """Is in the middle of CreateEndpoint: two leashes, the supervisor and the server, which imports TensorFlow."""
    sagemaker, s3 = client_of(running, "sagemaker"), client_of(running, "s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="model.tar.gz", Body=archive(SLEEPING_MODEL))
    container = {"Image": INFERENCE_IMAGE, "ModelDataUrl": "s3://bucket/model.tar.gz"}
    sagemaker.create_model(ModelName="model", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "primary", "ModelName": "model", "InstanceType": "ml.g5.xlarge"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="config", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
    assert sagemaker.describe_endpoint(EndpointName="endpoint")["EndpointStatus"] == "Creating"
    return 5


def in_a_function(running: EmbeddedAws) -> int:
    """Is in the middle of a Lambda invocation: the leash, the function's process, and one that it started."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as packed:
        packed.writestr("index.py", SLEEPING_FUNCTION)
    functions = client_of(running, "lambda")
    functions.create_function(
        FunctionName="sleeper",
        Runtime="python3.13",
        Handler="index.handler",
        Role=ROLE,
        Timeout=90,
        Code={"ZipFile": code.getvalue()},
    )
    functions.invoke(FunctionName="sleeper", InvocationType="Event", Payload=json.dumps({}))
    return 4


@pytest.mark.parametrize(
    ("moment", "is_detached"),
    [(training, True), (creating_an_endpoint, False), (in_a_function, True)],
)
def test_after_a_kill_the_next_start_does_the_same_again(
    state_directory, gone, moment: Callable[[EmbeddedAws], int], is_detached
):
    first = state_directory.start(detached=is_detached)
    started = family(first.process_id, members=moment(first))
    port = int(first.endpoint_url.rpartition(":")[2])
    os.kill(first.process_id, signal.SIGKILL)
    first.process.wait()
    assert ready_in(state_directory.folder / "state") is None
    second = state_directory.start(port=port, detached=is_detached)
    try:
        assert gone(started)
        assert second.endpoint_url == first.endpoint_url
        assert client_of(second, "s3").list_buckets()["Buckets"] == []
        assert client_of(second, "sagemaker").list_endpoints()["Endpoints"] == []
        members = moment(second)
        assert len(family(second.process_id, members)) >= members
    finally:
        os.kill(second.process_id, signal.SIGTERM)
        second.process.wait()
    assert [path.name for path in (state_directory.folder / "state").iterdir()] == ["lock"]


def test_nothing_outlives_a_kill_of_the_supervisor_too(state_directory, gone):
    running = state_directory.start(detached=True)
    started = family(running.process_id, members=in_a_function(running))
    os.kill(running.process.pid, signal.SIGKILL)
    os.kill(running.process_id, signal.SIGKILL)
    assert gone(started)


def test_a_second_start_leaves_the_first_alone(state_directory):
    with state_directory.start() as first:
        log = (state_directory.folder / "aws.log").read_text()
        with pytest.raises(EmbeddedAwsFailed, match=f"process {first.process_id} has the state directory"):
            state_directory.start()
        assert (state_directory.folder / "aws.log").read_text() == log
        assert client_of(first, "s3").list_buckets()["Buckets"] == []


def test_a_start_that_is_killed_leaves_nothing(state_directory, gone):
    first = state_directory.start(detached=True)
    supervisor = psutil.Process(first.process.pid)
    started = [supervisor, *supervisor.children(recursive=True)]
    os.kill(supervisor.pid, signal.SIGQUIT)
    assert gone(started)
    first.process.wait()
    with state_directory.start() as second:
        assert client_of(second, "s3").list_buckets()["Buckets"] == []

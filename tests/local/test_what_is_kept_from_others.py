"""Functions, jobs and model servers see nothing of the user's environment; no other account sees what they leave."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from local_aws.launcher import EmbeddedAws

from .conftest import ROLE, client_of, run_training, training_request
from .endpoint import Endpoint
from .roles import create_role

OF_THE_USER = {
    "SECRET_OF_THE_USER": "not for children",
    "AWS_PROFILE": "production",
    "HTTPS_PROXY": "http://user:password@proxy.example",
}
BUCKET = "kept"
FUNCTION = """
import os
import boto3

def handler(event, context):
    caller = boto3.client("sts").get_caller_identity()["Arn"]
    return {"variables": dict(os.environ), "caller": caller}
"""
JOB = """
import json, os, pathlib
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text(json.dumps(dict(os.environ)))
"""
SERVER = """

def output_handler(response, context):
    import os

    return json.dumps(dict(os.environ)), "application/json"
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """An embedded AWS whose starter has secrets in the environment and lets everybody read new files."""
    folder = tmp_path_factory.mktemp("started")
    mask = os.umask(0)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in OF_THE_USER.items():
                patch.setenv(name, value)
            words = {"log_file": folder / "aws.log", "stand_ins_when_asked": True}
            running = EmbeddedAws.start(folder / "state", **words)
    finally:
        os.umask(mask)
    with running:
        client_of(running, "s3").create_bucket(Bucket=BUCKET)
        create_role(client_of(running, "iam"), ROLE.rpartition("/")[2])
        yield running


@pytest.fixture(scope="module")
def function(started) -> dict[str, Any]:
    """What a function sees."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("seen.py", FUNCTION)
    functions = client_of(started, "lambda")
    functions.create_function(
        FunctionName="seen",
        Runtime="python3.12",
        Handler="seen.handler",
        Role=create_role(client_of(started, "iam"), "of-the-function"),
        Code={"ZipFile": buffer.getvalue()},
        Environment={"Variables": {"OF_THE_FUNCTION": "its own"}},
        Timeout=60,
    )
    answer = functions.invoke(FunctionName="seen")
    content = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, content
    return content


@pytest.fixture(scope="module")
def job(started) -> dict[str, str]:
    """The variables that a training job sees."""
    s3 = client_of(started, "s3")
    ended = run_training(client_of(started, "sagemaker"), training_request(s3, BUCKET, JOB))
    assert ended["TrainingJobStatus"] == "Completed", ended.get("FailureReason")
    bucket, _, key = ended["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return json.loads(tar.extractfile("seen.json").read())


@pytest.fixture(scope="module")
def server(started, artefact) -> dict[str, str]:
    """The variables that a model server sees."""
    made = Endpoint(lambda service: client_of(started, service), BUCKET)
    config = made.configure(artefact(1.0, also=SERVER))
    made.sagemaker.create_endpoint(EndpointName=made.name, EndpointConfigName=config)
    settled = made.settled()
    assert settled["EndpointStatus"] == "InService", settled.get("FailureReason")
    answer = made.runtime.invoke_endpoint(EndpointName=made.name, Body=b"x", ContentType="text/plain")
    return json.loads(answer["Body"].read())


def assert_nothing_of_the_user(variables: dict[str, str]) -> None:
    """Neither a name nor a value."""
    assert not OF_THE_USER.keys() & variables.keys()
    assert not set(OF_THE_USER.values()) & set(variables.values())


def test_a_function_sees_its_own_variables_and_none_of_the_users(function):
    assert function["variables"]["OF_THE_FUNCTION"] == "its own"
    assert_nothing_of_the_user(function["variables"])


def test_a_function_calls_under_its_role_and_never_has_the_users_keys(started, function):
    assert function["caller"].endswith(":assumed-role/of-the-function/seen")
    keys = {started.keys.access_key_id, started.keys.secret_access_key, started.keys.console_key}
    assert not keys & set(function["variables"].values())


def assert_calls_under_its_role(started, variables: dict[str, str]) -> None:
    """The role's session alone, and nothing of whoever started the embedded AWS."""
    assert not {started.keys.access_key_id, started.keys.secret_access_key} & set(variables.values())
    assert variables["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    session = {
        f"aws_{name}": variables[f"AWS_{name.upper()}"]
        for name in ("access_key_id", "secret_access_key", "session_token")
    }
    identity = boto3.client(
        "sts", endpoint_url=started.endpoint_url, region_name="us-east-1", **session
    ).get_caller_identity()
    assert f":assumed-role/{ROLE.rpartition('/')[2]}/" in identity["Arn"]


def test_a_training_job_sees_nothing_of_the_user_and_calls_under_its_role(started, job):
    assert "SM_MODEL_DIR" in job
    assert_nothing_of_the_user(job)
    assert_calls_under_its_role(started, job)


def test_a_model_server_sees_nothing_of_the_user_and_calls_under_its_role(started, server):
    assert server["MODEL_VERSION"] == "1"
    assert_nothing_of_the_user(server)
    assert_calls_under_its_role(started, server)


@pytest.mark.threat
def test_no_other_account_can_read_what_is_written(started, function, job, server):
    command = started.process.args
    state = Path(command[command.index("--state") + 1])
    written = [state, state.parent / "aws.log", *state.rglob("*")]
    assert {state / "ready.json", state / "temporary"} < set(written)
    modes = {path: stat.S_IMODE(path.lstat().st_mode) for path in written if not path.is_symlink()}
    assert [path for path, mode in modes.items() if mode & 0o077] == []

"""Training and processing jobs do on the embedded SageMaker what they do on AWS's, by the real training toolkit."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path

import pytest

from local_aws.child_processes import start_child, stop_child
from local_aws.sagemaker.containers import as_in_container, can_bind_mount, process_environment
from stacks.training.entrypoint import TRAINING_ENTRYPOINT

from .conftest import ROLE, TRAINING_IMAGE, client_of, run_training, start_with_role, training_request

SCRIPT = """
import json, os, pathlib, sys
channel = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"])
print("loss=0.5")
print("loss=0.25")
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
base = os.environ["SAGEMAKER_BASE_DIR"]
seen = {"arguments": sys.argv[1:], "data": (channel / "numbers.txt").read_text(), "hosts": os.environ["SM_HOSTS"],
        "model_is_at": str(model), "base": base}
(model / "seen.json").write_text(json.dumps(seen))
checkpoints = pathlib.Path(base) / "checkpoints"
(checkpoints / "step-1").write_text("new")
if (checkpoints / "old").exists():
    (checkpoints / "step-1").write_text("went on from " + (checkpoints / "old").read_text())
"""
FAILING = """
import os, pathlib, sys
(pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"]) / "output" / "failure").write_text("The data is of another planet.")
sys.exit(3)
"""
CONFIGURED = """
import json, os, pathlib
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
found = {file.stem: json.loads(file.read_text()) for file in (base / "input" / "config").glob("*.json")}
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text(json.dumps(found))
(base / "elsewhere" / "step-1").write_text("of this run")
"""
ISOLATED = """
import json, os, pathlib
found = [name for name in os.environ if name.startswith(("AWS_ACCESS", "AWS_SECRET", "AWS_SESSION", "AWS_ENDPOINT"))]
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text(json.dumps(found))
"""
STOPPED = """
import os, pathlib, signal, sys, time
def save(*_):
    time.sleep(1)
    pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text('"saved at the stop"')
    sys.exit(143)
signal.signal(signal.SIGTERM, save)
print("loss=1.0", flush=True)
time.sleep(300)
"""
# Two processes of which the second would hear a signal.
DEAF = """
trap '' TERM
python -c "import signal, time
signal.signal(signal.SIGTERM, lambda *_: print('heard', flush=True))
print('up', flush=True)
time.sleep(300)" &
wait
"""


def described(sagemaker, request: dict) -> dict:
    """What SageMaker says of a training job."""
    return sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])


def read_model(s3, description: dict) -> dict:
    """seen.json in the job's artefact."""
    bucket, _, key = description["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return json.loads(tar.extractfile("seen.json").read())


def test_a_job_sees_the_container_layout_and_leaves_model_metrics_and_log(client, bucket):
    request = training_request(client("s3"), bucket, SCRIPT)
    description = run_training(client("sagemaker"), request)
    assert description["TrainingJobStatus"] == "Completed", description.get("FailureReason")
    seen = read_model(client("s3"), description)
    assert seen["arguments"] == ["--depth", "3"]
    assert seen["data"] == "1 2 3"
    assert seen["hosts"] == '["algo-1"]'
    assert {m["MetricName"]: m["Value"] for m in description["FinalMetricDataList"]} == {"loss": 0.25}
    assert [t["Status"] for t in description["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    events = client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{request['TrainingJobName']}/"
    )["events"]
    assert "loss=0.25" in [event["message"] for event in events]


def test_a_job_finds_what_was_asked_for_in_its_configuration_files(client, bucket):
    request = training_request(
        client("s3"),
        bucket,
        CONFIGURED,
        CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints/two", "LocalPath": "/opt/ml/elsewhere"},
    )
    job = run_training(client("sagemaker"), request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    written = read_model(client("s3"), job)
    assert written["hyperparameters"]["depth"] == "3"
    assert written["resourceconfig"]["hosts"] == ["algo-1"]
    assert written["resourceconfig"]["current_instance_type"] == "ml.g5.xlarge"
    assert set(written["inputdataconfig"]) == {"train", "code"}
    assert written["checkpointconfig"] == request["CheckpointConfig"]
    saved = client("s3").get_object(Bucket=bucket, Key="checkpoints/two/step-1")["Body"].read()
    assert saved == b"of this run"


def test_a_job_in_network_isolation_has_no_credentials(client, bucket):
    request = training_request(client("s3"), bucket, ISOLATED, EnableNetworkIsolation=True)
    job = run_training(client("sagemaker"), request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert read_model(client("s3"), job) == []


def test_an_image_of_another_version_runs_and_says_so(client, bucket):
    sagemaker, request = client("sagemaker"), training_request(client("s3"), bucket, "print('ran')")
    algorithm = request["AlgorithmSpecification"]
    algorithm["TrainingImage"] = TRAINING_IMAGE.replace(
        "2.21-gpu-py312", "2.19.0-cpu-py312-ubuntu22.04-sagemaker"
    )
    job = run_training(sagemaker, request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    told = " ".join(transition["StatusMessage"] for transition in job["SecondaryStatusTransitions"])
    assert "runs the image tensorflow-training:2.19 on TensorFlow 2.21" in told


def test_with_user_namespaces_the_job_really_is_at_opt_ml(client, bucket):
    if not can_bind_mount():
        pytest.skip("this machine has no user namespaces")
    seen = read_model(
        client("s3"), run_training(client("sagemaker"), training_request(client("s3"), bucket, SCRIPT))
    )
    assert (seen["base"], seen["model_is_at"]) == ("/opt/ml", "/opt/ml/model")


def test_without_user_namespaces_the_same_job_runs_in_a_folder(tmp_path, monkeypatch):
    # A PATH without util-linux has no `unshare`, as on a system that is not Linux.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    with start_with_role(tmp_path) as running:
        s3 = client_of(running, "s3")
        s3.create_bucket(Bucket="bucket")
        description = run_training(client_of(running, "sagemaker"), training_request(s3, "bucket", SCRIPT))
        assert description["TrainingJobStatus"] == "Completed", description.get("FailureReason")
        assert str(tmp_path) in read_model(s3, description)["base"]


def test_a_failing_job_tells_the_scripts_own_reason(client, bucket):
    description = run_training(client("sagemaker"), training_request(client("s3"), bucket, FAILING))
    assert description["TrainingJobStatus"] == "Failed"
    assert "The data is of another planet." in description["FailureReason"]


def test_an_empty_channel_fails_the_job_by_its_place(client, bucket):
    request = training_request(client("s3"), bucket, SCRIPT)
    request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] = f"s3://{bucket}/nowhere/"
    description = run_training(client("sagemaker"), request)
    assert description["TrainingJobStatus"] == "Failed"
    assert f"no S3 objects found under 's3://{bucket}/nowhere/'" in description["FailureReason"]


def test_an_image_that_nothing_here_stands_for_fails_the_job(client, bucket):
    request = training_request(client("s3"), bucket, SCRIPT)
    request["AlgorithmSpecification"]["TrainingImage"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    description = run_training(client("sagemaker"), request)
    assert "no stand-in for the image" in description["FailureReason"]


def test_checkpoints_come_from_s3_and_go_there(client, bucket):
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="checkpoints/one/old", Body=b"step 7")
    request = training_request(
        s3, bucket, SCRIPT, CheckpointConfig={"S3Uri": f"s3://{bucket}/checkpoints/one"}
    )
    assert run_training(client("sagemaker"), request)["TrainingJobStatus"] == "Completed"
    saved = s3.get_object(Bucket=bucket, Key="checkpoints/one/step-1")["Body"].read()
    assert saved == b"went on from step 7"


def test_a_stop_reaches_the_script_through_the_entry_point_of_our_jobs(client, bucket):
    sagemaker = client("sagemaker")
    request = training_request(client("s3"), bucket, STOPPED)
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = TRAINING_ENTRYPOINT
    run_training(sagemaker, request, until=lambda job: bool(job["FinalMetricDataList"]))
    sagemaker.stop_training_job(TrainingJobName=request["TrainingJobName"])
    deadline = time.monotonic() + 240
    while (status := described(sagemaker, request)["TrainingJobStatus"]) != "Stopped":
        assert time.monotonic() < deadline, status
        time.sleep(0.2)
    assert read_model(client("s3"), described(sagemaker, request)) == "saved at the stop"
    with pytest.raises(sagemaker.exceptions.ClientError, match="cannot be stopped"):
        sagemaker.stop_training_job(TrainingJobName=request["TrainingJobName"])


def test_a_stop_does_not_reach_the_script_behind_a_process_that_passes_nothing_on(tmp_path):
    """As AWS's toolkit, which is a container's process 1 unless the job has an entry point of its own."""
    words, base = as_in_container(["sh", "-c", DEAF], tmp_path)
    started = start_child(
        words,
        environment=process_environment(base),
        directory=tmp_path,
        output=subprocess.PIPE,
        signalled="child" if can_bind_mount() else "command",
    )
    assert started.stdout.readline() == b"up\n"
    stop_child(started, grace_seconds=1)
    assert started.stdout.read() == b""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ResourceConfig": {"InstanceType": "ml.none", "InstanceCount": 1, "VolumeSizeInGB": 1}}, "ml.none"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
    ],
)
def test_a_request_that_aws_would_refuse_is_refused(client, bucket, change, reason):
    sagemaker = client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ClientError, match=reason) as refused:
        sagemaker.create_training_job(**training_request(client("s3"), bucket, SCRIPT, **change))
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_job_name_is_used_once(client, bucket):
    sagemaker = client("sagemaker")
    request = training_request(client("s3"), bucket, SCRIPT)
    run_training(sagemaker, request)
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_training_job(**request)


def test_an_operation_that_is_not_here_says_so(client):
    sagemaker = client("sagemaker")
    with pytest.raises(
        sagemaker.exceptions.ClientError, match="no SageMaker operation ListNotebookInstances"
    ):
        sagemaker.list_notebook_instances()


# The second file says where the first was to be copied.
COPY = "grep -q out /opt/ml/config/processingjobconfig.json && cp $0/in/a $0/out/b"


@pytest.mark.parametrize(("program", "status"), [(COPY, "Completed"), ("exit 4", "Failed")])
def test_a_processing_job_moves_inputs_to_outputs(client, bucket, program, status):
    s3, sagemaker = client("s3"), client("sagemaker")
    name = f"processing-{uuid.uuid4().hex[:8]}"
    s3.put_object(Bucket=bucket, Key=f"{name}/in/a", Body=b"content")

    def place(direction: str) -> dict:
        return {"S3Uri": f"s3://{bucket}/{name}/{direction}", "LocalPath": f"/opt/ml/processing/{direction}"}

    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=ROLE,
        AppSpecification={
            "ImageUri": TRAINING_IMAGE,
            "ContainerEntrypoint": ["sh", "-c", program, "/opt/ml/processing"],
        },
        ProcessingInputs=[
            {"InputName": "in", "S3Input": {**place("in"), "S3DataType": "S3Prefix", "S3InputMode": "File"}}
        ],
        ProcessingOutputConfig={
            "Outputs": [{"OutputName": "out", "S3Output": {**place("out"), "S3UploadMode": "EndOfJob"}}]
        },
        ProcessingResources={
            "ClusterConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}
        },
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        description = sagemaker.describe_processing_job(ProcessingJobName=name)
        if description["ProcessingJobStatus"] not in ("InProgress", "Stopping"):
            break
        time.sleep(0.2)
    assert description["ProcessingJobStatus"] == status
    if status == "Completed":
        assert s3.get_object(Bucket=bucket, Key=f"{name}/out/b")["Body"].read() == b"content"
    else:
        assert "exit code: 4" in description["FailureReason"]

"""Programs that know nothing of this project do on the embedded SageMaker what they do on AWS's."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator

import pytest
import yaml

from local_aws.launcher import environment
from local_aws.sagemaker.containers import can_bind_mount

from .conftest import INFERENCE_IMAGE, TRAINING_IMAGE, archive

SCRIPT = """
import argparse, boto3, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--alpha", type=float)
seen = {
    "alpha": parser.parse_args().alpha,
    "data": pathlib.Path(os.environ["SM_CHANNEL_TRAIN"], "numbers.txt").read_text(),
    "read by boto3": boto3.client("s3").get_object(Bucket="{bucket}", Key="{key}")["Body"].read().decode(),
    "caller": boto3.client("sts").get_caller_identity()["Arn"],
}
pathlib.Path(os.environ["SM_MODEL_DIR"], "seen.json").write_text(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def role(client) -> Iterator[str]:
    """The ARN of a role that may do everything; the SDK asks for its permissions before it starts anything."""
    trusted = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    made = client("iam").create_role(
        RoleName="foreign",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusted]}),
    )
    client("iam").put_role_policy(
        RoleName="foreign",
        PolicyName="all",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    yield made["Role"]["Arn"]
    client("iam").delete_role_policy(RoleName="foreign", PolicyName="all")
    client("iam").delete_role(RoleName="foreign")


@pytest.fixture
def sdk_environment(aws, monkeypatch, tmp_path) -> None:
    """The environment in which the SDK reaches the embedded AWS, and tells nobody else that it was used."""
    for name, value in environment(aws.endpoint_url, aws.keys).items():
        monkeypatch.setenv(name, value)
    defaults = tmp_path / "defaults.yaml"
    silent = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
    defaults.write_text(yaml.safe_dump(silent))
    monkeypatch.setenv("SAGEMAKER_ADMIN_CONFIG_OVERRIDE", str(defaults))


@pytest.fixture
def script(client, bucket) -> str:
    """A training script that also reads an object by boto3."""
    key = f"foreign/{uuid.uuid4().hex}"
    client("s3").put_object(Bucket=bucket, Key=key, Body=b"of the role")
    return SCRIPT.replace("{bucket}", bucket).replace("{key}", key)


def seen_by_script(client, artefact: str) -> dict:
    """What the script wrote into the artefact at an S3 URI."""
    bucket, _, key = artefact.removeprefix("s3://").partition("/")
    content = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return json.loads(tar.extractfile("seen.json").read())


SEEN = {
    "alpha": 0.5,
    "data": "1 2 3",
    "read by boto3": "of the role",
    "caller": "arn:aws:sts::000000000000:assumed-role/foreign/SageMaker",
}


@pytest.mark.skipif(not can_bind_mount(), reason="the SDK's own start script names /opt/ml")
@pytest.mark.skipif(
    " " in sys.executable, reason="the SDK's own start script divides Python's path at a space"
)
def test_the_sdks_model_trainer_trains(client, bucket, role, script, sdk_environment, tmp_path):
    from boto3 import Session as Boto3Session
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.training.configs import Compute, InputData, SourceCode
    from sagemaker.train import ModelTrainer

    for name, content in {"source/train.py": script, "data/numbers.txt": "1 2 3"}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    trainer = ModelTrainer(
        training_image=TRAINING_IMAGE,
        source_code=SourceCode(source_dir=str(tmp_path / "source"), entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        hyperparameters={"alpha": 0.5},
        role=role,
        sagemaker_session=Session(boto_session=Boto3Session(), default_bucket=bucket),
        base_job_name="foreign",
    )
    data = InputData(channel_name="train", data_source=str(tmp_path / "data"))
    trainer.train(input_data_config=[data], wait=True, logs=False)
    artefact = trainer._latest_training_job.model_artifacts.s3_model_artifacts
    assert seen_by_script(client, artefact) == SEEN


def test_a_script_whose_source_the_toolkit_downloads_trains(client, bucket, role, script):
    sagemaker, s3, name = client("sagemaker"), client("s3"), f"foreign-{uuid.uuid4().hex[:8]}"
    s3.put_object(Bucket=bucket, Key=f"{name}/sourcedir.tar.gz", Body=archive({"train.py": script}))
    s3.put_object(Bucket=bucket, Key=f"{name}/train/numbers.txt", Body=b"1 2 3")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/{name}/train/"}
    sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=role,
        AlgorithmSpecification={"TrainingImage": TRAINING_IMAGE, "TrainingInputMode": "File"},
        HyperParameters={
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": f'"s3://{bucket}/{name}/sourcedir.tar.gz"',
            "alpha": '"0.5"',
        },
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 300},
    )
    deadline = time.monotonic() + 240
    while (job := sagemaker.describe_training_job(TrainingJobName=name))["TrainingJobStatus"] == "InProgress":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    assert seen_by_script(client, job["ModelArtifacts"]["S3ModelArtifacts"]) == SEEN


def test_the_sdks_endpoint_serves_a_model_without_code(client, bucket, role, sdk_environment, tmp_path):
    import tensorflow as tf
    from sagemaker.core.resources import Endpoint, EndpointConfig, Model
    from sagemaker.core.shapes import ContainerDefinition, ProductionVariant

    class Doubled(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32)])
        def __call__(self, x):
            return {"y": tf.reduce_sum(x, axis=1) * 2}

    module, name = Doubled(), f"foreign-{uuid.uuid4().hex[:8]}"
    tf.saved_model.save(module, str(tmp_path / "1"), signatures=module.__call__)
    files = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*") if path.is_file()}
    content = archive({place: path.read_bytes() for place, path in files.items() if place.startswith("1/")})
    client("s3").put_object(Bucket=bucket, Key=f"{name}/model.tar.gz", Body=content)
    container = ContainerDefinition(
        image=INFERENCE_IMAGE, model_data_url=f"s3://{bucket}/{name}/model.tar.gz"
    )
    model = Model.create(model_name=name, primary_container=container, execution_role_arn=role)
    variant = ProductionVariant(
        variant_name="only", model_name=name, initial_instance_count=1, instance_type="ml.m5.large"
    )
    EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
    endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
    endpoint.wait_for_status("InService")

    asked = {"application/json": '{"instances": [[1, 2]]}', "text/csv": "1,2\n"}
    for content_type, body in asked.items():
        answer = endpoint.invoke(body=body, content_type=content_type)
        assert json.loads(answer.body.read()) == {"predictions": [6.0]}
    whole = endpoint.invoke(body='{"inputs": [[1, 2]]}', content_type="application/json")
    assert json.loads(whole.body.read()) == {"outputs": [6.0]}
    assert name in [model.model_name for model in Model.get_all()]
    endpoint.delete()
    model.delete()

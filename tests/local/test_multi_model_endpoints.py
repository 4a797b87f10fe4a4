"""One endpoint of the embedded AWS with several models, each asked by its path below a prefix."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from .conftest import INFERENCE_IMAGE, ROLE, archive


class Endpoint:
    """A multi-model endpoint over a prefix of the bucket."""

    def __init__(self, client, bucket: str) -> None:
        self.s3, self.bucket = client("s3"), bucket
        self.sagemaker, self.runtime = client("sagemaker"), client("sagemaker-runtime")
        self.name = f"several-{uuid.uuid4().hex[:8]}"
        self.sagemaker.create_model(
            ModelName=self.name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": INFERENCE_IMAGE,
                "Mode": "MultiModel",
                "ModelDataUrl": f"s3://{bucket}/{self.name}/",
                "MultiModelConfig": {"ModelCacheSetting": "Enabled"},
            },
        )

    def put(self, target: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=f"{self.name}/{target}", Body=content)

    def configure(self, **members: Any) -> None:
        variant = {
            "VariantName": "primary",
            "ModelName": self.name,
            "InstanceType": "ml.c5.xlarge",
            "InitialInstanceCount": 1,
        }
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=self.name, ProductionVariants=[variant], **members
        )

    def deploy(self) -> str:
        self.configure()
        self.sagemaker.create_endpoint(EndpointName=self.name, EndpointConfigName=self.name)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            response = self.sagemaker.describe_endpoint(EndpointName=self.name)
            if response["EndpointStatus"] != "Creating":
                return response["EndpointStatus"]
            time.sleep(0.1)
        raise AssertionError("The endpoint did not settle.")

    def score(self, **target: str) -> float:
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.name, Body=b"ab", ContentType="text/plain", **target
        )
        (prediction,) = json.loads(answer["Body"].read())["predictions"]
        return prediction["score"]


@pytest.fixture(scope="module")
def endpoint(client, bucket, artefact) -> Endpoint:
    """An endpoint with a model that answers and one that does not load."""
    made = Endpoint(client, bucket)
    made.put("rnn/1/model.tar.gz", artefact(1.0))
    made.put("rnn/3/model.tar.gz", archive({"1/saved_model.pb": b"damaged"}))
    assert made.deploy() == "InService"
    return made


def test_each_model_answers_by_its_path_also_one_that_came_later(endpoint, artefact):
    assert endpoint.score(TargetModel="rnn/1/model.tar.gz") == 2.0
    endpoint.put("rnn/2/model.tar.gz", artefact(10.0))
    assert endpoint.score(TargetModel="rnn/2/model.tar.gz") == 20.0
    assert endpoint.score(TargetModel="rnn/1/model.tar.gz") == 2.0


def test_a_model_that_is_not_there_is_a_validation_error_with_its_place(endpoint):
    with pytest.raises(
        endpoint.runtime.exceptions.ClientError, match="key: .*/rnn/9/model.tar.gz"
    ) as refused:
        endpoint.score(TargetModel="rnn/9/model.tar.gz")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_model_that_does_not_load_is_a_model_error_and_the_others_answer(endpoint):
    with pytest.raises(endpoint.runtime.exceptions.ModelError) as refused:
        endpoint.score(TargetModel="rnn/3/model.tar.gz")
    assert refused.value.response["OriginalStatusCode"] == 500
    assert endpoint.score(TargetModel="rnn/1/model.tar.gz") == 2.0


def test_no_target_is_refused(endpoint):
    with pytest.raises(endpoint.runtime.exceptions.ClientError, match="missing a target model header"):
        endpoint.score()


def test_an_endpoint_over_an_empty_prefix_fails_and_says_so(client, bucket):
    made = Endpoint(client, bucket)
    assert made.deploy() == "Failed"
    response = made.sagemaker.describe_endpoint(EndpointName=made.name)
    assert "Could not find model data" in response["FailureReason"]


def test_an_asynchronous_configuration_takes_no_such_model(client, bucket):
    output = {"OutputConfig": {"S3OutputPath": f"s3://{bucket}/answers"}}
    made = Endpoint(client, bucket)
    with pytest.raises(made.sagemaker.exceptions.ClientError, match="multi-model container"):
        made.configure(AsyncInferenceConfig=output)

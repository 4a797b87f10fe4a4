"""What an endpoint of the embedded AWS with several models is refused; see also `test_shared_endpoint.py`."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from .conftest import INFERENCE_IMAGE, ROLE


def configure(sagemaker: Any, bucket: str, **members: Any) -> str:
    """Makes a model over an empty prefix and a configuration of it; the name of both."""
    name = f"several-{uuid.uuid4().hex[:8]}"
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": INFERENCE_IMAGE,
            "Mode": "MultiModel",
            "ModelDataUrl": f"s3://{bucket}/{name}/",
        },
    )
    variant = {"VariantName": "primary", "ModelName": name, "InstanceType": "ml.c5.xlarge"}
    variants = [variant | {"InitialInstanceCount": 1}]
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **members)
    return name


def test_an_endpoint_over_an_empty_prefix_fails_and_says_so(client, bucket):
    sagemaker = client("sagemaker")
    name = configure(sagemaker, bucket)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    deadline = time.monotonic() + 240
    while (described := sagemaker.describe_endpoint(EndpointName=name))["EndpointStatus"] == "Creating":
        assert time.monotonic() < deadline, described
        time.sleep(0.1)
    assert described["EndpointStatus"] == "Failed"
    assert "Could not find model data" in described["FailureReason"]


def test_an_asynchronous_configuration_takes_no_such_model(client, bucket):
    sagemaker = client("sagemaker")
    output = {"OutputConfig": {"S3OutputPath": f"s3://{bucket}/answers"}}
    with pytest.raises(sagemaker.exceptions.ClientError, match="multi-model container"):
        configure(sagemaker, bucket, AsyncInferenceConfig=output)

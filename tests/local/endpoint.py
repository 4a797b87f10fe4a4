"""An endpoint of a test's own on the embedded AWS, with the versions that it serves."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from .conftest import INFERENCE_IMAGE, ROLE


class Endpoint:
    """A model package group with one endpoint."""

    def __init__(self, client, bucket: str) -> None:
        self.s3, self.bucket = client("s3"), bucket
        self.sagemaker, self.runtime = client("sagemaker"), client("sagemaker-runtime")
        self.name = f"endpoint-{uuid.uuid4().hex[:8]}"
        self.sagemaker.create_model_package_group(ModelPackageGroupName=self.name)

    def configure(self, content: bytes | None, version: str = "1", **members: Any) -> str:
        """Registers an archive (None: one that is not there) and makes a configuration of it; returns its name."""
        key = f"{self.name}/{uuid.uuid4().hex}/model.tar.gz"
        if content is not None:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        package = self.sagemaker.create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus="Approved",
            InferenceSpecification={
                "Containers": [{"Image": INFERENCE_IMAGE, "ModelDataUrl": f"s3://{self.bucket}/{key}"}],
                "SupportedContentTypes": ["text/plain"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )["ModelPackageArn"]
        name = f"{self.name}-{uuid.uuid4().hex[:6]}"
        container = {"ModelPackageName": package, "Environment": {"MODEL_VERSION": version}}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        variant = {
            "VariantName": "primary",
            "ModelName": name,
            "InstanceType": "ml.g4dn.xlarge",
            "InitialInstanceCount": 1,
        }
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[variant],
            DataCaptureConfig={
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "DestinationS3Uri": f"s3://{self.bucket}/captured",
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
            },
            **members,
        )
        return name

    def settled(self) -> dict:
        """The endpoint once it is neither creating nor updating."""
        deadline = time.monotonic() + 240
        while True:
            description = self.sagemaker.describe_endpoint(EndpointName=self.name)
            if description["EndpointStatus"] not in ("Creating", "Updating"):
                return description
            assert time.monotonic() < deadline, description
            time.sleep(0.02)

    def score(self, text: bytes) -> float:
        """What the model says of a text."""
        answer = self.runtime.invoke_endpoint(EndpointName=self.name, Body=text, ContentType="text/plain")
        (prediction,) = json.loads(answer["Body"].read())["predictions"]
        return prediction["score"]

"""The names that errors have in a state machine: those of AWS, so that retriers are tried as they are there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from ministack.services import stepfunctions

from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.integrations import execution_error, job_integration


class Refusing:
    """SageMaker that refuses every job with an error."""

    training = processing = None

    def __init__(self, code: str) -> None:
        self.code = code

    def call(self, *_: Any) -> None:
        raise ServiceError(self.code, "the reason")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"),
        ("ResourceInUse", "SageMaker.ResourceInUseException"),
        ("ThrottlingException", "SageMaker.AmazonSageMakerException"),
        ("ValidationException", "SageMaker.AmazonSageMakerException"),
    ],
)
def test_a_refused_job_has_the_name_of_the_optimised_integration(code, name):
    with pytest.raises(stepfunctions._ExecutionError) as refused:
        job_integration(Refusing(code), "Training")("arn:aws:states:::sagemaker:createTrainingJob.sync", {})
    assert (refused.value.error, refused.value.cause) == (name, "the reason")


@pytest.mark.parametrize(
    ("service", "code", "name"),
    [
        ("sagemaker", "ValidationException", "SageMaker.SageMakerException"),
        ("sagemaker", "ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"),
        ("cloudformation", "Throttling", "CloudFormation.CloudFormationException"),
        ("s3", "NoSuchKey", "S3.NoSuchKeyException"),
        ("s3", "SlowDown", "S3.S3Exception"),
        ("ssm", "ParameterNotFound", "Ssm.ParameterNotFoundException"),
    ],
)
def test_a_refused_call_of_the_sdk_has_the_name_of_the_java_class(service, code, name):
    client = SimpleNamespace(meta=boto3.client(service, region_name="us-east-1").meta)
    error = ClientError({"Error": {"Code": code, "Message": "the reason"}}, "Operation")
    assert execution_error(client, service, error).error == name

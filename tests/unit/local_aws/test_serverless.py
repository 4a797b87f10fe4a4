"""A serverless endpoint is refused what SageMaker refuses it."""

from __future__ import annotations

import pytest

from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.serverless import require_plain_serverless

SERVERLESS = {
    "VariantName": "a",
    "ModelName": "m",
    "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
}
NETWORK = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}


@pytest.mark.parametrize(
    ("request_", "model", "named"),
    [
        ({}, {"EnableNetworkIsolation": True}, "EnableNetworkIsolation"),
        ({"EnableNetworkIsolation": True}, {}, "EnableNetworkIsolation"),
        ({}, {"VpcConfig": NETWORK}, "VpcConfig"),
        ({"DataCaptureConfig": {"EnableCapture": True}}, {}, "DataCaptureConfig"),
    ],
)
def test_isolation_a_network_and_capture_are_refused_by_name(request_, model, named):
    with pytest.raises(ServiceError, match=f"A serverless endpoint takes no {named}"):
        require_plain_serverless(request_, SERVERLESS, model)


def test_what_is_off_is_taken_and_instances_take_all_of_it():
    require_plain_serverless({"DataCaptureConfig": {"EnableCapture": False}}, SERVERLESS, {})
    instances = {"VariantName": "a", "ModelName": "m", "InitialInstanceCount": 1}
    require_plain_serverless({"EnableNetworkIsolation": True}, instances, {"VpcConfig": NETWORK})

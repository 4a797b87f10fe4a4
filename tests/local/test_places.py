"""SageMaker answers in the region that a request was signed for."""

from __future__ import annotations

from typing import Any

import boto3

from local_aws.launcher import EmbeddedAws

GROUP = "of-one-place"


def sagemaker_in(aws: EmbeddedAws, region: str) -> Any:
    """A client of a region."""
    return boto3.client(
        "sagemaker",
        endpoint_url=aws.endpoint_url,
        region_name=region,
        aws_access_key_id=aws.keys.access_key_id,
        aws_secret_access_key=aws.keys.secret_access_key,
    )


def groups(sagemaker: Any) -> list[str]:
    """The ARNs of the groups that a client is told of."""
    listed = sagemaker.list_model_package_groups(NameContains=GROUP)["ModelPackageGroupSummaryList"]
    return [group["ModelPackageGroupArn"] for group in listed]


def test_what_is_made_in_another_region_is_there_and_nowhere_else(aws):
    there = sagemaker_in(aws, "eu-west-3")
    arn = there.create_model_package_group(ModelPackageGroupName=GROUP)["ModelPackageGroupArn"]
    assert arn == f"arn:aws:sagemaker:eu-west-3:000000000000:model-package-group/{GROUP}"
    assert groups(there) == [arn]
    assert groups(sagemaker_in(aws, "us-east-1")) == []

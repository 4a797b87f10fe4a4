"""A deployment whose services answer what a test says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import boto3
from botocore.stub import Stubber

PUBLISHED = {"model-bucket": "models"}


class Stubs(dict[str, Stubber]):
    """A service's stub, whose client is made when it is first asked for, as reading its model takes a second."""

    def __missing__(self, service: str) -> Stubber:
        client = boto3.client(
            service, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self[service] = Stubber(client)
        self[service].activate()
        return self[service]


class StubbedTarget:
    """An environment whose services answer what a test says, in this order."""

    environment = "dev"
    description = "a stubbed AWS"
    variables: Mapping[str, str] = {}

    def __init__(self, *, is_embedded: bool = False) -> None:
        self.is_embedded = is_embedded
        self.stubs = Stubs()

    def session(self) -> Self:
        return self

    def client(self, service: str, **_: Any) -> Any:
        return self.stubs[service].client

    def parameter(self, name: str) -> str:
        return PUBLISHED[name]

    def parameter_if_published(self, name: str) -> str | None:
        return PUBLISHED.get(name)

    def deploy_command(self) -> str:
        return "recognition up"

    def command(self, words: str) -> str:
        return f"recognition {words}"

    def has_endpoint(self, name: str) -> None:
        described = {
            "EndpointName": name,
            "EndpointArn": f"arn:aws:sagemaker:us-east-1:111122223333:endpoint/{name}",
            "EndpointStatus": "InService",
            "CreationTime": "2026-11-30",
            "LastModifiedTime": "2026-11-30",
        }
        self.stubs["sagemaker"].add_response("describe_endpoint", described, {"EndpointName": name})

"""What CloudFormation would ask SageMaker for the resources of a template."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from local_aws.sagemaker.cloudformation import typed

from .conftest import context

CREATES = {
    "AWS::SageMaker::Model": ("CreateModel", {"ModelName": "m"}),
    "AWS::SageMaker::EndpointConfig": ("CreateEndpointConfig", {"EndpointConfigName": "c"}),
    "AWS::SageMaker::Endpoint": ("CreateEndpoint", {}),
    "AWS::SageMaker::InferenceComponent": ("CreateInferenceComponent", {}),
}


def settings_with(inference: dict[str, Any], api: dict[str, Any]) -> dict[str, Any]:
    """The environments of cdk.json with other settings in dev."""
    environments = copy.deepcopy(context()["environments"])
    environments["dev"]["inference"] |= inference
    environments["dev"]["api"] = api
    return environments


def resolved(value: Any) -> Any:
    """A property as a request would have it: what only CloudFormation knows becomes a name, a condition holds."""
    if isinstance(value, list):
        return [resolved(element) for element in value]
    if not isinstance(value, dict):
        return value
    if set(value) & {"Ref", "Fn::GetAtt", "Fn::Join", "Fn::Sub"}:
        return "arn:aws:x:::thing/name"
    if "Fn::If" in value:
        return resolved(value["Fn::If"][1])
    return {key: resolved(inner) for key, inner in value.items()}


def requests_of(template: dict) -> Iterator[tuple[str, dict]]:
    """What CloudFormation would ask SageMaker for each of its resources."""
    for resource in template["Resources"].values():
        if resource["Type"] in CREATES:
            operation, named = CREATES[resource["Type"]]
            request = typed(resolved(resource["Properties"])) | named
            # UpdateEndpoint's; CloudFormation keeps it for then.
            request.pop("RetainAllVariantProperties", None)
            yield operation, request

"""What SageMaker's operations take of their callers, and what SageMaker itself does with the role that it was given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from local_aws.iam.calls import ANY, Call, arn, pass_role
from local_aws.sagemaker.names import REGION

# A member that names a thing, and the thing's kind in its ARN; in the order in which they are looked for.
KINDS = {
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "TransformJobName": "transform-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "InferenceComponentName": "inference-component",
    "EndpointName": "endpoint",
    "EndpointConfigName": "endpoint-config",
    "ModelName": "model",
    "ModelPackageName": "model-package",
    "ModelPackageArn": "model-package",
    "ModelPackageGroupName": "model-package-group",
}
IMAGE = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[\w-]+)\.amazonaws\.com/(?P<name>[^:@]+)")
# The guide, SageMaker AI roles: what jobs in a VPC take of their role.
INTERFACES = (
    "CreateNetworkInterface",
    "CreateNetworkInterfacePermission",
    "DeleteNetworkInterface",
    "DeleteNetworkInterfacePermission",
    "DescribeDhcpOptions",
    "DescribeNetworkInterfaces",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcs",
)


def calls_of(operation: str, request: dict[str, Any]) -> list[Call]:
    """An operation's own call, that of its tags, and the handing over of its role."""
    action = f"sagemaker:{operation}"
    if operation == "CreateModelPackage":
        # Its resource is the version, whose number nobody knows yet.
        resources = [f"model-package/{request.get('ModelPackageGroupName', ANY)}/1"]
    else:
        resources = [] if operation.startswith("List") else named(request)
    calls = [Call(action, arn("sagemaker", resource)) for resource in resources] or [Call(action)]
    if request.get("Tags"):
        made_by = {"sagemaker:TaggingAction": operation}
        calls += [Call("sagemaker:AddTags", call.resource, made_by) for call in calls]
    role = request.get("RoleArn") or request.get("ExecutionRoleArn")
    return [*calls, pass_role(role, "sagemaker")] if role else calls


def named(request: dict[str, Any]) -> list[str]:
    """The thing that a request is about, as the end of its ARN."""
    for member, kind in KINDS.items():
        if name := request.get(member):
            return [name.split(":", 5)[5] if name.startswith("arn:") else f"{kind}/{name}"]
    return []


def before_container(request: dict[str, Any]) -> Iterator[Call]:
    """What a job takes before its container runs: its image, its place in a network, its encrypted volume."""
    program = request.get("AlgorithmSpecification") or request.get("AppSpecification") or {}
    yield from pull(program.get("TrainingImage") or program.get("ImageUri") or "")
    yield from place_in(request.get("VpcConfig") or request.get("NetworkConfig", {}).get("VpcConfig"))
    hosts = request.get("ResourceConfig") or request.get("TransformResources")
    hosts = hosts or request.get("ProcessingResources", {}).get("ClusterConfig", {})
    yield from encrypt_volume(hosts.get("VolumeKmsKeyId"))


def pull(image: str) -> Iterator[Call]:
    """Pulling a container's image."""
    if place := IMAGE.match(image):
        yield Call("ecr:GetAuthorizationToken")
        repository = f"arn:aws:ecr:{place['region']}:{place['account']}:repository/{place['name']}"
        for verb in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"):
            yield Call(f"ecr:{verb}", repository)


def place_in(network: dict[str, Any] | None) -> Iterable[Call]:
    """Putting a job's hosts into subnets, where its request wants it."""
    return [Call(f"ec2:{name}") for name in INTERFACES] if network else []


def encrypt_volume(key_arn: str | None) -> Iterator[Call]:
    """Letting EC2 attach a volume under a key, where a request names one."""
    if key_arn:
        context = {"kms:ViaService": f"sagemaker.{REGION}.amazonaws.com"}
        yield Call("kms:DescribeKey", key_arn, context)
        yield Call("kms:CreateGrant", key_arn, {**context, "kms:GrantIsForAWSResource": "true"})


def look_at(alarm: str) -> Call:
    """Reading the state of an alarm that rolls a deployment back."""
    return Call("cloudwatch:DescribeAlarms", arn("cloudwatch", f"alarm:{alarm}"))


def publish_metrics(group: str) -> Call:
    """Publishing what a container and its host measure; `group` is that of its logs."""
    return Call("cloudwatch:PutMetricData", ANY, {"cloudwatch:namespace": group})

"""ARNs of what lies in a stack's own account and region."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from constructs import Construct

# These divide the kind of a resource from its name by a colon, all others by a slash.
DIVIDED_BY_COLONS = ("cloudwatch", "logs", "states")


def arn_of(scope: Construct, service: str, resource: str, name: str) -> str:
    """The ARN of a resource of a service by its kind and name, such as `endpoint` of `sagemaker`."""
    is_colon = service in DIVIDED_BY_COLONS
    return Stack.of(scope).format_arn(
        service=service,
        resource=resource,
        resource_name=name,
        arn_format=ArnFormat.COLON_RESOURCE_NAME if is_colon else ArnFormat.SLASH_RESOURCE_NAME,
    )


def parameter_arn(scope: Construct, name: str) -> str:
    """The ARN of a parameter of Systems Manager, whose name begins with the slash that the ARN has already."""
    return arn_of(scope, "ssm", "parameter", name.removeprefix("/"))

"""What is deployed and what serves, as data for a table or for a program."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from cli.release import VERSION_PARAMETER, endpoint_name, list_versions, serving_version, shared_endpoint
from cli.target import Target

STACKS = ("Storage", "Training", "Inference", "Release", "Api", "Bulk")


def describe(target: Target) -> dict[str, Any]:
    """The stacks' states, the endpoints with the version each serves, and the registered versions."""
    stacks = {stack: stack_status(target, stack) for stack in STACKS}
    status: dict[str, Any] = {"aws": target.description, "environment": target.environment, "stacks": stacks}
    if None in stacks.values():
        return status
    shared = shared_endpoint(target)
    status["api_url"] = target.api_url()
    status["models"] = {
        kind: {
            "endpoint": shared or endpoint_name(target, kind),
            "serves_version": serving_version(target, kind),
            "registered": [
                {"version": str(package["ModelPackageVersion"]), "approval": package["ModelApprovalStatus"]}
                for package in list_versions(target, kind)
            ],
        }
        for kind in VERSION_PARAMETER
    }
    return status


def stack_status(target: Target, stack: str) -> str | None:
    """CloudFormation's status of one of the app's stacks; None when it does not exist."""
    try:
        (found,) = target.client("cloudformation").describe_stacks(StackName=target.stack_name(stack))[
            "Stacks"
        ]
    except ClientError as error:
        if "does not exist" not in error.response["Error"]["Message"]:
            raise
        return None
    return found["StackStatus"]

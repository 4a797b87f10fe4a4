"""What is deployed and what serves, as data for a table or for a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.models.release import (
    VERSION_PARAMETER,
    endpoint_name,
    list_versions,
    serving_version,
    shared_endpoint,
)
from cli.shared.embedded import running
from cli.shared.project import settings_of
from cli.shared.target import Target
from definitions.parameters import CONSOLE_URL

if TYPE_CHECKING:
    from stacks.settings import EnvironmentSettings

ALWAYS = ("Storage", "Training", "Inference", "Release", "Api", "Bulk")


def describe(target: Target) -> dict[str, Any]:
    """The stacks' states, the addresses, the endpoints with the version each serves, and the registered versions.

    Raises:
        CommandFailed: when cdk.json knows no such environment.
    """
    stacks = stack_states(target, stacks_of(settings_of(target.environment)))
    status: dict[str, Any] = {"aws": target.description, "environment": target.environment, "stacks": stacks}
    if None in (stacks[part] for part in ALWAYS):
        return status
    shared = shared_endpoint(target)
    status |= {"api_url": target.api_url(), "console_url": console_of(target)}
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


def console_of(target: Target) -> str | None:
    """The address of the console's page, in the embedded AWS with the key that lets it in; None where there is none."""
    if not target.is_embedded:
        return target.parameter_if_published(CONSOLE_URL)
    from local_aws.launcher import console_url

    aws = running()
    return console_url(aws.endpoint_url, aws.keys) if aws else None


def stacks_of(settings: EnvironmentSettings) -> list[str]:
    """The parts that the app has a stack for with these settings, in the order of the deployment."""
    optional = {"Console": settings.console, "Watching": settings.monitoring}
    return [*ALWAYS, *(part for part, wanted in optional.items() if wanted)]


def stack_states(target: Target, parts: list[str]) -> dict[str, str | None]:
    """CloudFormation's status of every stack of the environment; None for a part that has none.

    A stack that is there and no longer among the parts, because a setting went, is told too.
    """
    prefix = target.stack_name("")
    pages = target.client("cloudformation").get_paginator("describe_stacks").paginate()
    states = {
        stack["StackName"].removeprefix(prefix): stack["StackStatus"]
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"].startswith(prefix) and stack["StackStatus"] != "DELETE_COMPLETE"
    }
    return {part: states.get(part) for part in [*parts, *sorted(states.keys() - set(parts))]}

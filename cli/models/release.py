"""Releases a registered model version through the release state machine, and says what an endpoint serves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions import names
from definitions.parameters import RELEASE_STATE_MACHINE

POLL_SECONDS = 2
APPROVED = "Approved"
VERSION_PARAMETER = {kind: names.version_parameter(kind) for kind in names.KINDS}


def endpoint_name(target: Target, kind: str) -> str:
    """The endpoint of a kind of network, which is also the name of its model package group."""
    return names.endpoint_name(target.environment, kind)


def release(target: Target, kind: str, version: str, on_detail: Callable[[str], None]) -> None:
    """Runs the release state machine on a version and waits for its end: the only way to an endpoint.

    The machine sets the inference stack's version parameter, asks the endpoint a known input, and takes back what does
    not answer.

    Raises:
        CommandFailed: when the version is empty, unknown or not approved, before anything is started; and with the
            machine's own sentence, when the version was not released.
    """
    package = require_approved_version(target, kind, version)
    states = target.client("stepfunctions")
    execution = states.start_execution(
        stateMachineArn=target.parameter(RELEASE_STATE_MACHINE),
        input=json.dumps({"model_package_arn": package["ModelPackageArn"]}),
    )["executionArn"]
    while True:
        described = states.describe_execution(executionArn=execution)
        on_detail(f"the release state machine: {described['status'].lower()}")
        if described["status"] == "SUCCEEDED":
            if said := json.loads(described.get("output") or "{}").get("said"):
                raise CommandFailed(said)
            return
        if described["status"] != "RUNNING":
            raise CommandFailed(
                described.get("cause")
                or f"The release {execution} was stopped ({described['status']}). What serves now: "
                + target.command("status")
            )
        time.sleep(POLL_SECONDS)


def what_goes_on(target: Target, kind: str) -> str:
    """What to tell whoever interrupts a release: it is an execution of the state machine, which goes on by itself."""
    return (
        "Stopped waiting. The release state machine goes on: it finishes the stack update, and takes the version back "
        f"if it does not answer. Look at it: {target.command('status')}. "
        f"Take it back: {target.command(f'rollback {kind}')}"
    )


def shared_endpoint(target: Target) -> str | None:
    """The multi-model endpoint that serves every kind; None where each has its own."""
    return target.parameter_if_published(names.SHARED_ENDPOINT)


def require_approved_version(target: Target, kind: str, version: str) -> dict[str, Any]:
    """Refuses what would take an endpoint down or serve a model that nobody approved; returns the registered version.

    Raises:
        CommandFailed: with the reason.
    """
    if not version.isdecimal():
        raise CommandFailed(
            f"A release of {kind} needs the number of a registered version, and '{version}' is none. An empty one "
            f"would delete the live endpoint, so it is refused. The versions: {target.command('status')}"
        )
    package = describe_version(target, kind, version)
    if package["ModelApprovalStatus"] != APPROVED:
        raise CommandFailed(
            f"Version {version} of {endpoint_name(target, kind)} is {package['ModelApprovalStatus']}. "
            "Approve it in the model registry first, or release it with --approve."
        )
    return package


def approve(target: Target, kind: str, version: str) -> None:
    """Marks a registered version as approved."""
    arn = describe_version(target, kind, version)["ModelPackageArn"]
    target.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=APPROVED)


def describe_version(target: Target, kind: str, version: str) -> dict[str, Any]:
    """The registry's description of one version.

    Raises:
        CommandFailed: when the registry has no such version.
    """
    packages = [
        package for package in list_versions(target, kind) if package["ModelPackageVersion"] == int(version)
    ]
    if not packages:
        known = ", ".join(str(package["ModelPackageVersion"]) for package in list_versions(target, kind))
        raise CommandFailed(
            f"The registry has no version {version} of {endpoint_name(target, kind)}; it has: {known or 'none'}."
        )
    return target.client("sagemaker").describe_model_package(ModelPackageName=packages[0]["ModelPackageArn"])


def list_versions(target: Target, kind: str) -> list[dict[str, Any]]:
    """Every registered version of a kind of network, the newest first."""
    pages = target.client("sagemaker").get_paginator("list_model_packages")
    listed = pages.paginate(ModelPackageGroupName=endpoint_name(target, kind), SortBy="CreationTime")
    packages = [package for page in listed for package in page["ModelPackageSummaryList"]]
    return sorted(packages, key=lambda package: package["ModelPackageVersion"], reverse=True)


def versions_of(target: Target, kind: str) -> list[dict[str, Any]]:
    """The kind's versions; none without its group."""
    try:
        return list_versions(target, kind)
    except ClientError as error:
        if "does not exist" not in error.response["Error"]["Message"]:
            raise
        return []


def newest_version(target: Target, kind: str) -> str:
    """The number of the newest registered version.

    Raises:
        CommandFailed: when nothing is registered.
    """
    versions = list_versions(target, kind)
    if not versions:
        raise CommandFailed(
            f"Nothing is registered in {endpoint_name(target, kind)} yet.\n{step_to_release(target, kind)}"
        )
    return str(versions[0]["ModelPackageVersion"])


def step_to_release(target: Target, kind: str) -> str:
    """What brings a version of a kind to its endpoint, a line for each way: for whoever asks where none serves."""
    release = target.command(f"release {kind}")
    if versions_of(target, kind):
        return f"Release one: {release}"
    return (
        f"Train one: {target.command(f'train {kind}')}\nThen release it: {release}\n"
        f"Or release a model that you have: {target.command('release --from FOLDER')}"
    )


def stack_parameters(cloudformation: Any, stack_name: str) -> dict[str, str]:
    """The stack's parameters and their present values.

    Raises:
        CommandFailed: when there is no such stack.
    """
    try:
        (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in error.response["Error"]["Message"]:
            raise
        raise CommandFailed(f"There is no stack {stack_name}. Deploy the app first.") from error
    return {item["ParameterKey"]: item.get("ParameterValue", "") for item in stack.get("Parameters", [])}


def serving_version(target: Target, kind: str) -> str | None:
    """The version of a kind that is answered with; None when none is. Where the endpoint is shared, by the record."""
    if not shared_endpoint(target):
        return served_version(target.client("sagemaker"), endpoint_name(target, kind))
    recorded = target.parameter_if_published(names.released_version(kind))
    return None if recorded in (None, names.NOT_RELEASED) else recorded


def served_version(sagemaker: Any, name: str) -> str | None:
    """The model package version behind the live endpoint's configuration; None when there is no such endpoint."""
    serving = served_model(sagemaker, name)
    if serving is None:
        return None
    model = sagemaker.describe_model(ModelName=serving)
    container = model.get("PrimaryContainer") or model["Containers"][0]
    return container["ModelPackageName"].rsplit("/", 1)[-1]


def served_model(sagemaker: Any, name: str) -> str | None:
    """SageMaker's name of the model behind a live endpoint; None when there is no such endpoint."""
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=name)
    except ClientError as error:
        if "Could not find" not in error.response["Error"]["Message"]:
            raise
        return None
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    return config["ProductionVariants"][0]["ModelName"]

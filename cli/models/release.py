"""Releases a registered model version to its endpoint by a stack update, and proves that it is the one that serves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from definitions import names

POLL_SECONDS = 2
APPROVED = "Approved"
VERSION_PARAMETER = {kind: names.version_parameter(kind) for kind in names.KINDS}


def endpoint_name(target: Target, kind: str) -> str:
    """The endpoint of a kind of network, which is also the name of its model package group."""
    return names.endpoint_name(target.environment, kind)


def release(target: Target, kind: str, version: str, on_detail: Callable[[str], None]) -> None:
    """Sets the inference stack's version parameter and waits until the endpoint serves that version.

    Every other parameter and the template stay what they are. CloudFormation is the only writer of the endpoint.
    Where one endpoint serves every kind, the release machine does it: it asks the version before any caller does.

    Raises:
        CommandFailed: when the version is empty, unknown or not approved, when the update fails, or when SageMaker
            went back to the old configuration without a failure of the stack.
    """
    require_approved_version(target, kind, version)
    if shared_endpoint(target):
        release_by_machine(target, describe_version(target, kind, version)["ModelPackageArn"], on_detail)
        return
    stack_name = target.stack_name("Inference")
    cloudformation = target.client("cloudformation")
    wanted = VERSION_PARAMETER[kind]
    parameters = [
        {"ParameterKey": key, "ParameterValue": version}
        if key == wanted
        else {"ParameterKey": key, "UsePreviousValue": True}
        for key in stack_parameters(cloudformation, stack_name)
    ]
    on_detail(f"updating {stack_name}")
    if start_update(cloudformation, stack_name, parameters, on_detail):
        wait_for_update(cloudformation, stack_name, on_detail)
    else:
        on_detail(f"{kind} version {version} is what {stack_name} holds already")
    require_served(target, kind, version)


def what_goes_on(target: Target, kind: str) -> str:
    """What to tell whoever interrupts a release: the update is CloudFormation's, which carries it to its end."""
    return (
        f"Stopped waiting. The update of {target.stack_name('Inference')} may go on, and its alarms take it back if "
        f"they ring. Look at it: {target.command('status')}. Take it back: {target.command(f'rollback {kind}')}"
    )


def shared_endpoint(target: Target) -> str | None:
    """The multi-model endpoint that serves every kind; None where each has its own."""
    return target.parameter_if_published(names.SHARED_ENDPOINT)


def release_by_machine(target: Target, package_arn: str, on_detail: Callable[[str], None]) -> None:
    """Runs the release machine on a version, and waits for its end.

    Raises:
        CommandFailed: with the machine's own sentence.
    """
    states = target.client("stepfunctions")
    execution = states.start_execution(
        stateMachineArn=target.parameter("release-state-machine-arn"),
        input=json.dumps({"model_package_arn": package_arn}),
    )["executionArn"]
    while True:
        described = states.describe_execution(executionArn=execution)
        on_detail(f"the release machine is {described['status'].lower()}")
        if described["status"] == "SUCCEEDED":
            return
        if described["status"] != "RUNNING":
            raise CommandFailed(described.get("cause") or f"The release {execution} was stopped.")
        time.sleep(POLL_SECONDS)


def start_update(
    cloudformation: Any, stack_name: str, parameters: list[dict[str, Any]], on_detail: Callable[[str], None]
) -> bool:
    """Starts the update after any other one of the stack, such as an approval's; False when it changes nothing."""
    while True:
        try:
            cloudformation.update_stack(
                StackName=stack_name,
                UsePreviousTemplate=True,
                Parameters=parameters,
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            )
        except ClientError as error:
            message = error.response["Error"]["Message"]
            if "No updates are to be performed" in message:
                return False
            if "IN_PROGRESS state" not in message:
                raise
            on_detail(f"waiting for another update of {stack_name}")
            time.sleep(POLL_SECONDS)
        else:
            return True


def require_approved_version(target: Target, kind: str, version: str) -> None:
    """Refuses what would take an endpoint down or serve a model that nobody approved.

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


def approve(target: Target, kind: str, version: str) -> None:
    """Marks a registered version as approved."""
    arn = describe_version(target, kind, version)["ModelPackageArn"]
    target.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=APPROVED)


def describe_version(target: Target, kind: str, version: str) -> dict[str, Any]:
    """The registry's description of one version.

    Raises:
        CommandFailed: when the registry has no such version.
    """
    found = [
        package for package in list_versions(target, kind) if package["ModelPackageVersion"] == int(version)
    ]
    if not found:
        known = ", ".join(str(package["ModelPackageVersion"]) for package in list_versions(target, kind))
        raise CommandFailed(
            f"The registry has no version {version} of {endpoint_name(target, kind)}; it has: {known or 'none'}."
        )
    return target.client("sagemaker").describe_model_package(ModelPackageName=found[0]["ModelPackageArn"])


def list_versions(target: Target, kind: str) -> list[dict[str, Any]]:
    """Every registered version of a kind of network, the newest first."""
    pages = target.client("sagemaker").get_paginator("list_model_packages")
    listed = pages.paginate(ModelPackageGroupName=endpoint_name(target, kind), SortBy="CreationTime")
    packages = [package for page in listed for package in page["ModelPackageSummaryList"]]
    return sorted(packages, key=lambda package: package["ModelPackageVersion"], reverse=True)


def newest_version(target: Target, kind: str) -> str:
    """The number of the newest registered version.

    Raises:
        CommandFailed: when nothing is registered.
    """
    versions = list_versions(target, kind)
    if not versions:
        raise CommandFailed(
            f"Nothing is registered in {endpoint_name(target, kind)} yet. "
            f"Train first: {target.command(f'train {kind}')}"
        )
    return str(versions[0]["ModelPackageVersion"])


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


def wait_for_update(cloudformation: Any, stack_name: str, on_detail: Callable[[str], None]) -> None:
    """Waits for the end of a stack update.

    Raises:
        CommandFailed: with the first resource's reason when CloudFormation rolled the update back.
    """
    while True:
        (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
        status = stack["StackStatus"]
        on_detail(f"{stack_name} {status}")
        if status.startswith("UPDATE_COMPLETE") and not status.endswith("IN_PROGRESS"):
            return
        if not status.endswith("IN_PROGRESS"):
            events = cloudformation.describe_stack_events(StackName=stack_name)["StackEvents"]
            reason = first_failure(events) or stack.get("StackStatusReason", "no reason was given")
            raise CommandFailed(
                f"The update of {stack_name} ended as {status}: {reason} The endpoint keeps the model it had."
            )
        time.sleep(POLL_SECONDS)


def first_failure(events: list[dict[str, Any]]) -> str | None:
    """The reason of the first resource that failed in the newest update; `events` come newest first."""
    failure = None
    for event in events:
        if (
            event["ResourceStatus"] == "UPDATE_IN_PROGRESS"
            and event["ResourceType"] == "AWS::CloudFormation::Stack"
        ):
            break
        if event["ResourceStatus"].endswith("_FAILED") and event.get("ResourceStatusReason"):
            failure = f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
    return failure


def require_served(target: Target, kind: str, version: str) -> None:
    """Compares what the endpoint serves with what was asked for: SageMaker can roll back and still be InService.

    Raises:
        CommandFailed: when the live endpoint's model is another version.
    """
    sagemaker = target.client("sagemaker")
    name = endpoint_name(target, kind)
    try:
        sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName=name, WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": 900}
        )
    except WaiterError as error:
        raise CommandFailed(f"The endpoint {name} did not come into service: {error}") from error
    served = served_version(sagemaker, name)
    if served != version:
        raise CommandFailed(
            f"The endpoint {name} serves version {served}, not {version}: SageMaker rolled the update back. "
            "Its alarms and the endpoint's log say why."
        )


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

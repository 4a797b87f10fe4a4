"""What a function needs to ask our own networks: whom it may ask, and where it finds out which version is released."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Stack

from definitions.names import (
    SHARED_ENDPOINT_VARIABLE,
    endpoint_name,
    endpoint_variable,
    parameter_name,
    released_version,
    released_version_variable,
    shared_endpoint_name,
)
from definitions.networks import KINDS
from stacks.settings import EnvironmentSettings
from stacks.shared.grants import Grant

INVOKE = "sagemaker:InvokeEndpoint"


def own_variables(settings: EnvironmentSettings) -> dict[str, str]:
    """The function's variables."""
    names = {endpoint_variable(kind): endpoint_name(settings.name, kind) for kind in KINDS}
    if not settings.inference.multi_model:
        return names
    return {
        **names,
        **record_variables(settings),
        SHARED_ENDPOINT_VARIABLE: shared_endpoint_name(settings.name),
    }


def own_grants(stack: Stack, settings: EnvironmentSettings, kinds: Iterable[str] = KINDS) -> list[Grant]:
    """What the function may call, for networks of some kinds."""

    def endpoint(name: str) -> str:
        return stack.format_arn(service="sagemaker", resource="endpoint", resource_name=name)

    if not settings.inference.multi_model:
        return [Grant([INVOKE], [endpoint(endpoint_name(settings.name, kind)) for kind in kinds])]
    shared = Grant([INVOKE], [endpoint(shared_endpoint_name(settings.name))])
    return [shared, record_grant(stack, settings, kinds)]


def record_variables(settings: EnvironmentSettings) -> dict[str, str]:
    """The variables that say where the records of releases are."""
    return {
        released_version_variable(kind): parameter_name(settings.name, released_version(kind))
        for kind in KINDS
    }


def record_grant(stack: Stack, settings: EnvironmentSettings, kinds: Iterable[str] = KINDS) -> Grant:
    """The right to read those records."""
    names = [parameter_name(settings.name, released_version(kind)) for kind in kinds]
    # The name of a parameter begins with the slash that its ARN has already.
    arns = [
        stack.format_arn(service="ssm", resource="parameter", resource_name=name.lstrip("/"))
        for name in names
    ]
    return Grant(["ssm:GetParameter"], arns)

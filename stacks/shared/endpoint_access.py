"""What a function needs to ask our own networks: whom it may ask, and where it finds out which version is released."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import Stack

from stacks.names import KINDS, endpoint_name, parameter_name, released_version, shared_endpoint_name
from stacks.settings import EnvironmentSettings

INVOKE = "sagemaker:InvokeEndpoint"


def own_variables(settings: EnvironmentSettings) -> dict[str, str]:
    """The function's variables."""
    names = {f"{kind.upper()}_ENDPOINT_NAME": endpoint_name(settings.name, kind) for kind in KINDS}
    if not settings.inference.multi_model:
        return names
    return {
        **names,
        **record_variables(settings),
        "SHARED_ENDPOINT_NAME": shared_endpoint_name(settings.name),
    }


def own_grants(
    stack: Stack, settings: EnvironmentSettings, kinds: Iterable[str] = KINDS
) -> dict[str, set[str]]:
    """The function's IAM actions by resource, for networks of some kinds."""

    def endpoint(name: str) -> str:
        return stack.format_arn(service="sagemaker", resource="endpoint", resource_name=name)

    if not settings.inference.multi_model:
        return {endpoint(endpoint_name(settings.name, kind)): {INVOKE} for kind in kinds}
    return {endpoint(shared_endpoint_name(settings.name)): {INVOKE}, **record_grants(stack, settings, kinds)}


def record_variables(settings: EnvironmentSettings) -> dict[str, str]:
    """The variables that say where the records of releases are."""
    return {
        f"{kind.upper()}_RELEASED_VERSION_PARAMETER": parameter_name(settings.name, released_version(kind))
        for kind in KINDS
    }


def record_grants(
    stack: Stack, settings: EnvironmentSettings, kinds: Iterable[str] = KINDS
) -> dict[str, set[str]]:
    """The right to read those records."""
    names = [parameter_name(settings.name, released_version(kind)) for kind in kinds]
    # The name of a parameter begins with the slash that its ARN has already.
    arns = [
        stack.format_arn(service="ssm", resource="parameter", resource_name=name.lstrip("/"))
        for name in names
    ]
    return {arn: {"ssm:GetParameter"} for arn in arns}

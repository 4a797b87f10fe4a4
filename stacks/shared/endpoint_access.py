"""What a function needs to ask our own networks: whom it may ask, and where it finds out which version is released."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial

from aws_cdk import Stack

from definitions.names import (
    ASYNCHRONOUS_PREFIX,
    IDLE_ENDPOINTS_VARIABLE,
    MODEL_BUCKET_VARIABLE,
    SHARED_ENDPOINT_VARIABLE,
    asynchronous_endpoint_name,
    component_endpoint_name,
    component_name,
    endpoint_name,
    endpoint_variable,
    parameter_name,
    released_version,
    released_version_variable,
    shared_endpoint_name,
)
from definitions.networks import KINDS
from definitions.parameters import KEY_ARN, MODEL_BUCKET
from lambdas.custom.idle_endpoints import ASYNCHRONOUS, TO_ZERO
from stacks.settings import EnvironmentSettings
from stacks.shared.arns import arn_of, parameter_arn
from stacks.shared.grants import OBJECTS, Grant
from stacks.shared.iam import bucket_arn, read_objects
from stacks.shared.parameters import published

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
    if not settings.inference.multi_model:
        names = [endpoint_name(settings.name, kind) for kind in kinds]
        return [Grant([INVOKE], [arn_of(stack, "sagemaker", "endpoint", name) for name in names])]
    shared = arn_of(stack, "sagemaker", "endpoint", shared_endpoint_name(settings.name))
    return [Grant([INVOKE], [shared]), record_grant(stack, settings, kinds)]


def record_variables(settings: EnvironmentSettings) -> dict[str, str]:
    """The variables that say where the records of releases are."""
    return {
        released_version_variable(kind): parameter_name(settings.name, released_version(kind))
        for kind in KINDS
    }


def record_grant(stack: Stack, settings: EnvironmentSettings, kinds: Iterable[str] = KINDS) -> Grant:
    """The right to read those records."""
    names = [parameter_name(settings.name, released_version(kind)) for kind in kinds]
    return Grant(["ssm:GetParameter"], [parameter_arn(stack, name) for name in names])


def idle_endpoints(settings: EnvironmentSettings) -> list[str]:
    """Which endpoints without instances the API asks, as the option `endpoint` names them."""
    if settings.api.own_backend == "litert":
        return []
    wanted = {ASYNCHRONOUS: settings.inference.asynchronous, TO_ZERO: settings.inference.scale_to_zero}
    return [name for name, chosen in wanted.items() if chosen]


def idle_variables(stack: Stack, settings: EnvironmentSettings) -> dict[str, str]:
    """The variables that name the endpoints without instances, as requests do, and where requests to them lie."""
    inference, environment, endpoints = settings.inference, settings.name, {}
    if inference.asynchronous:
        endpoints[ASYNCHRONOUS] = {
            kind: {"EndpointName": asynchronous_endpoint_name(environment, kind)} for kind in KINDS
        }
    if inference.scale_to_zero:
        endpoints[TO_ZERO] = {
            kind: {
                "EndpointName": component_endpoint_name(environment, kind),
                "InferenceComponentName": component_name(environment, kind),
            }
            for kind in KINDS
        }
    variables = {IDLE_ENDPOINTS_VARIABLE: json.dumps(endpoints)} if endpoints else {}
    if inference.asynchronous:
        variables[MODEL_BUCKET_VARIABLE] = published(stack, environment, MODEL_BUCKET)
    return variables


def idle_grants(stack: Stack, settings: EnvironmentSettings) -> list[Grant]:
    """What a function may call that asks the endpoints without instances."""
    environment, grants = settings.name, list[Grant]()
    arn = partial(arn_of, stack, "sagemaker")
    if settings.inference.scale_to_zero:
        endpoints = [arn("endpoint", component_endpoint_name(environment, kind)) for kind in KINDS]
        components = [arn("inference-component", component_name(environment, kind)) for kind in KINDS]
        grants.append(Grant([INVOKE], endpoints + components))
    if settings.inference.asynchronous:
        endpoints = [arn("endpoint", asynchronous_endpoint_name(environment, kind)) for kind in KINDS]
        bucket = bucket_arn(published(stack, environment, MODEL_BUCKET))
        requests = [f"{bucket}/{ASYNCHRONOUS_PREFIX}/{kind}/requests/*" for kind in KINDS]
        grants += [
            Grant(["sagemaker:InvokeEndpointAsync"], endpoints),
            *read_objects(bucket, f"{ASYNCHRONOUS_PREFIX}/"),
            Grant(["s3:PutObject"], requests, OBJECTS),
            Grant(["kms:Decrypt", "kms:GenerateDataKey"], [published(stack, environment, KEY_ARN)]),
        ]
    return grants

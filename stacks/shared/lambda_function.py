"""What every function of the app is: its code, its log of limited age, its role with the permissions of its plan."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from advisor.prices import price_table
from lambdas.catalogue import OPERATIONS
from stacks.settings.api import ApiSettings
from stacks.shared.acknowledge import acknowledge
from stacks.shared.grants import NO_RESOURCE, Grant, allow
from stacks.shared.lambda_assets import write_function_code
from stacks.shared.log_group import add_log_group

CLASSIFY = "comprehend:ClassifyDocument"

METRICS_NAMESPACE = "Recognition"


@dataclass(frozen=True)
class FunctionPlan:
    """One function: its folder in `lambdas`, its routes, and what it may call.

    Attributes:
        name: the folder.
        routes: paths below the API's root.
        grants: what it may call.
        variables: its environment.
        packages: of this project that its code imports.
        parts: other folders in `lambdas` that its code imports.
        compiled: whether it carries LiteRT.
    """

    name: str
    routes: tuple[str, ...]
    grants: tuple[Grant, ...]
    variables: dict[str, str]
    packages: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    compiled: bool = False


def add_function(
    scope: Construct, api: ApiSettings, plan: FunctionPlan, build_directory: Path, **changes
) -> lambda_.Function:
    """One function with a log of limited age and the permissions of its plan; `changes` are properties of its own."""
    title = plan.name.title()
    log_group = add_log_group(scope, f"{title}Log", retention(api))
    role = function_role(scope, f"{title}Role", log_group)
    allow(role, plan.grants)
    properties = {
        "description": f"Recognition: {len(plan.routes)} operations of {plan.name}",
        "timeout": Duration.seconds(api.function_timeout_seconds),
        "reserved_concurrent_executions": api.reserved_concurrency,
        **changes,
    }
    function = lambda_.Function(
        scope,
        title,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        handler=f"lambdas.{plan.name}.handler.handler",
        code=lambda_.Code.from_asset(
            str(
                write_function_code(
                    plan.name, build_directory, plan.packages, plan.parts, compiled=plan.compiled
                )
            )
        ),
        memory_size=api.function_memory_megabytes,
        tracing=lambda_.Tracing.ACTIVE,
        log_group=log_group,
        environment={
            "POWERTOOLS_SERVICE_NAME": plan.name,
            "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
            "POWERTOOLS_LOG_LEVEL": api.log_level,
            # Powertools would put answers and exceptions, which hold what a customer sent, into the traces.
            "POWERTOOLS_TRACER_CAPTURE_RESPONSE": "false",
            "POWERTOOLS_TRACER_CAPTURE_ERROR": "false",
            **plan.variables,
        },
        role=role,  # pyright: ignore[reportArgumentType]  # jsii
        **properties,
    )
    # CDK adds the right to deliver traces.
    acknowledge(role, NO_RESOURCE, "AwsSolutions-IAM5[Resource::*]")
    accept_function_findings(function, bounded=properties.get("reserved_concurrent_executions") is not None)
    return function


def accept_function_findings(function: lambda_.Function, *, bounded: bool) -> None:
    """What cdk-nag finds at a function and is right as it is."""
    synchronous = "It is called synchronously alone: its caller has the error, and no event is left over."
    acknowledge(function, synchronous, "NIST.800.53.R5-LambdaDLQ", "Serverless-LambdaDLQ")
    outside = (
        "It asks AWS's public endpoints, with signatures, and has nothing to reach in a network of ours."
    )
    acknowledge(function, outside, "NIST.800.53.R5-LambdaInsideVPC")
    if not bounded:
        before = (
            "What calls it is bounded: the API by its throttle, a bulk run by its workers, the page by its few users. "
            "A reservation is taken from the account's other functions, so it is a setting: api.reserved_concurrency."
        )
        acknowledge(function, before, "NIST.800.53.R5-LambdaConcurrency")


def function_role(scope: Construct, construct_id: str, log_group: logs.LogGroup) -> iam.Role:
    """A role that can write one log, in place of the managed policy that can write all."""
    role = iam.Role(scope, construct_id, assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))  # pyright: ignore[reportArgumentType]  # jsii
    allow(role, [Grant(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])])
    return role


def retention(api: ApiSettings) -> logs.RetentionDays:
    """The setting's number of days as CDK's enumeration."""
    names = {
        1: "ONE_DAY",
        3: "THREE_DAYS",
        5: "FIVE_DAYS",
        7: "ONE_WEEK",
        14: "TWO_WEEKS",
        30: "ONE_MONTH",
        60: "TWO_MONTHS",
        90: "THREE_MONTHS",
        120: "FOUR_MONTHS",
        150: "FIVE_MONTHS",
        180: "SIX_MONTHS",
        365: "ONE_YEAR",
    }
    return logs.RetentionDays[names[api.log_days]]


def list_prices(region: str) -> str:
    """The first tier's price of every operation in US dollars, as JSON; one that nobody confirmed is left out."""
    table = price_table(region)
    prices = {operation.price: table[operation.price] for operation in OPERATIONS if operation.price}
    known = {
        name: price.tiers[0].usd
        for name, price in prices.items()
        if price.known and price.tiers[0].status != "unverified"
    }
    return json.dumps(known, sort_keys=True)

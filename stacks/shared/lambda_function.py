"""What every function of the app is: its code, its log of limited age, its role with the permissions of its plan."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from advisor.prices import price_table
from lambdas.catalogue import OPERATIONS
from stacks.settings.api import ApiSettings
from stacks.shared.lambda_assets import write_function_code

CLASSIFY = "comprehend:ClassifyDocument"

METRICS_NAMESPACE = "Recognition"


@dataclass(frozen=True)
class FunctionPlan:
    """One function: its folder in `lambdas`, its routes, and what it may call.

    Attributes:
        name: the folder.
        routes: paths below the API's root.
        grants: IAM actions by resource; most of Rekognition's and Comprehend's have no resource to name.
        variables: its environment.
        packages: of this project that its code imports.
        parts: other folders in `lambdas` that its code imports.
        statements: permissions beside the grants, those that have conditions.
        compiled: whether it carries LiteRT.
    """

    name: str
    routes: tuple[str, ...]
    grants: dict[str, set[str]]
    variables: dict[str, str]
    packages: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    statements: tuple[iam.PolicyStatement, ...] = field(default=())
    compiled: bool = False


def add_function(
    scope: Construct, api: ApiSettings, plan: FunctionPlan, build_directory: Path, **changes
) -> lambda_.Function:
    """One function with a log of limited age and the permissions of its plan; `changes` are properties of its own."""
    title = plan.name.title()
    log_group = logs.LogGroup(
        scope, f"{title}Log", retention=retention(api), removal_policy=RemovalPolicy.DESTROY
    )
    properties = {
        "description": f"Recognition: {len(plan.routes)} operations of {plan.name}",
        "timeout": Duration.seconds(api.function_timeout_seconds),
        "reserved_concurrent_executions": api.reserved_concurrency,
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
        role=function_role(scope, title, log_group),  # pyright: ignore[reportArgumentType]  # jsii
        **properties | changes,
    )
    for resource, actions in plan.grants.items():
        function.add_to_role_policy(iam.PolicyStatement(actions=sorted(actions), resources=[resource]))
    for statement in plan.statements:
        function.add_to_role_policy(statement)
    return function


def function_role(scope: Construct, title: str, log_group: logs.LogGroup) -> iam.Role:
    """A role that can write one log, in place of the managed policy that can write all."""
    role = iam.Role(scope, f"{title}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))  # pyright: ignore[reportArgumentType]  # jsii
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
        )
    )
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

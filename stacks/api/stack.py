"""The recognition API stack: API Gateway before the functions that ask Rekognition, Comprehend and our endpoints."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from definitions.names import (
    ARTEFACT_PREFIXES,
    LABELS_AFTER_DAYS_VARIABLE,
    LABELS_BUCKET_VARIABLE,
    LABELS_PREFIX,
    endpoint_name,
    endpoint_variable,
)
from definitions.networks import KINDS, kind_of_feature
from definitions.parameters import API_URL, DATA_BUCKET, IDLE_ENDPOINTS, KEY_ARN, MODEL_BUCKET
from lambdas.catalogue import FUNCTIONS
from stacks.api.access import add_callers, method_options, reachability, refuse_in_our_words, require_tls
from stacks.api.firewall import Firewall
from stacks.api.response_table import AnswerTable
from stacks.settings import EnvironmentSettings
from stacks.settings.api import ApiSettings
from stacks.shared.acknowledge import acknowledge
from stacks.shared.arns import arn_of
from stacks.shared.counter_table import add_counters
from stacks.shared.endpoint_access import (
    idle_endpoints,
    idle_grants,
    idle_variables,
    own_grants,
    own_variables,
    record_grant,
    record_variables,
)
from stacks.shared.grants import NO_RESOURCE, OBJECTS, VERSIONS, Grant
from stacks.shared.iam import bucket_arn
from stacks.shared.lambda_function import CLASSIFY, FunctionPlan, add_function, list_prices, retention
from stacks.shared.log_group import add_log_group
from stacks.shared.origin_key import add_origin_key
from stacks.shared.parameters import publish, published

# Every body reaches the functions byte for byte; API Gateway would replace what is no UTF-8 in the others.
BINARY_TYPES = ["*/*"]
COMPRESS_FROM_BYTES = 1024
# Which of our networks a policy may ask in a managed service's place.
KIND_OF = {"vision": kind_of_feature("image"), "language": kind_of_feature("text")}
# The functions whose answers cost something.
KEEPING = ("vision", "language", "custom", "litert")


def paths_of(function: str) -> tuple[str, ...]:
    """The paths of a function's operations."""
    return tuple(operation.path for operation in FUNCTIONS[function])


def actions_of(function: str) -> set[str]:
    """The IAM actions of a function's operations."""
    return {operation.action for operation in FUNCTIONS[function] if operation.service}


class ApiStack(Stack):
    """One API with one answer format, whose every path wants authorization."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        build_directory: Path,
        **options,
    ) -> None:
        super().__init__(scope, construct_id, **options)
        api = self.rest_api(settings)
        # API Gateway refuses a request without a content type before a function runs.
        validator = api.add_request_validator(
            "Validator", validate_request_body=True, validate_request_parameters=True
        )
        answers = AnswerTable(self, settings) if settings.api.keeps_answers else None
        for plan in self.plans(settings, add_counters(self, "Budgets")):
            if answers and plan.name in KEEPING:
                plan = answers.open_to(plan)
            function = add_function(self, settings.api, plan, build_directory)
            integration = apigateway.LambdaIntegration(function, timeout=Duration.seconds(29))  # pyright: ignore[reportArgumentType]  # jsii
            for route in plan.routes:
                api.root.resource_for_path(route).add_method(
                    "POST",
                    integration,
                    request_validator=validator,
                    request_parameters={"method.request.header.Content-Type": True},
                )
        add_callers(api, settings.api)
        if settings.api.firewall:
            Firewall(
                self,
                "Firewall",
                environment=settings.name,
                stage=api.deployment_stage,
                settings=settings.api.firewall,
                origin_key=add_origin_key(self, settings.name) if settings.console else None,
            )
        publish(self, settings.name, API_URL, api.url)
        publish(self, settings.name, IDLE_ENDPOINTS, json.dumps(idle_endpoints(settings)))

    def plans(self, settings: EnvironmentSettings, budgets: dynamodb.Table) -> list[FunctionPlan]:
        """The functions, with the routes and actions of their operations and what their budgets and policies need."""
        of_own = own_variables(settings)
        classifier = settings.api.document_classifier_endpoint_arn

        def managed(function: str) -> FunctionPlan:
            """A function of a managed service."""
            mine = {
                operation.name: settings.api.policies[operation.name]
                for operation in FUNCTIONS[function]
                if operation.name in settings.api.policies
            }
            grants = [
                Grant(actions_of(function) - {CLASSIFY}, ["*"], NO_RESOURCE),
                Grant(["dynamodb:UpdateItem"], [budgets.table_arn]),
            ]
            variables = {
                "PRICES_USD": list_prices(settings.region),
                "BUDGET_TABLE": budgets.table_name,
                "SPENDING": spending_of(settings),
            }
            if function == "language" and classifier:
                grants.append(Grant([CLASSIFY], [classifier]))
                variables["DOCUMENT_CLASSIFIER_ENDPOINT_ARN"] = classifier
            if mine:
                policies = {name: policy.model_dump() for name, policy in mine.items()}
                variables |= {"POLICIES": json.dumps(policies, sort_keys=True), **of_own}
            if any(policy.asks_own for policy in mine.values()):
                grants += own_grants(self, settings, [KIND_OF[function]])
            return FunctionPlan(function, paths_of(function), tuple(grants), variables, parts=("custom",))

        own = (
            litert_plan(self, settings, paths_of("custom"))
            if settings.api.own_backend == "litert"
            else FunctionPlan(
                "custom",
                paths_of("custom"),
                (
                    *own_grants(self, settings),
                    *idle_grants(self, settings),
                    *labels_grants(self, settings),
                ),
                {**of_own, **idle_variables(self, settings), **labels_variables(self, settings)},
            )
        )
        return [
            managed("vision"),
            managed("language"),
            own,
            FunctionPlan("advise", paths_of("advise"), (), {}, packages=("advisor",)),
        ]

    def rest_api(self, settings: EnvironmentSettings) -> apigateway.RestApi:
        """The API with its stage, access log and throttle."""
        access_log = add_log_group(self, "AccessLog", retention(settings.api))
        api = apigateway.RestApi(
            self,
            "Api",
            description=f"Recognition in {settings.name}: managed services and our own models behind one contract",
            binary_media_types=BINARY_TYPES,
            min_compression_size=Size.bytes(COMPRESS_FROM_BYTES),
            **reachability(self, settings.api),
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=RemovalPolicy.RETAIN,
            default_method_options=method_options(self, settings.api),
            deploy_options=apigateway.StageOptions(
                stage_name=settings.name,
                tracing_enabled=True,
                metrics_enabled=True,
                # Errors only, and never a request's body: what customers send does not belong into a log.
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                throttling_rate_limit=settings.api.requests_per_second,
                throttling_burst_limit=settings.api.burst_requests,
                access_log_destination=apigateway.LogGroupLogDestination(access_log),
                access_log_format=apigateway.AccessLogFormat.json_with_standard_fields(
                    caller=False,
                    http_method=True,
                    ip=False,
                    protocol=True,
                    request_time=True,
                    resource_path=True,
                    response_length=True,
                    status=True,
                    user=False,
                ),
            ),
        )
        refuse_in_our_words(api)
        accept_findings(api, settings.api)
        if not settings.api.vpc_endpoint_ids:
            require_tls(api)
        return api


def spending_of(settings: EnvironmentSettings) -> str:
    """What a caller and the deployment may spend, as the functions read it."""
    spending = settings.api.spending
    return json.dumps(
        {
            "environment": settings.name,
            "unconfirmed_unit_usd": spending.unconfirmed_unit_usd,
            "caller": {"hour": spending.caller_usd_per_hour, "month": spending.caller_usd_per_month},
            "deployment": {"hour": spending.usd_per_hour, "month": spending.usd_per_month},
        },
        sort_keys=True,
    )


def labels_variables(stack: Stack, settings: EnvironmentSettings) -> dict[str, str]:
    """The variables of a function that takes labels, where a daily job joins them with answers."""
    drift = settings.monitoring.drift if settings.monitoring else None
    if drift is None or drift.labels is None:
        return {}
    return {
        LABELS_BUCKET_VARIABLE: published(stack, settings.name, DATA_BUCKET),
        LABELS_AFTER_DAYS_VARIABLE: str(drift.labels.after_days),
    }


def labels_grants(stack: Stack, settings: EnvironmentSettings) -> list[Grant]:
    """What such a function may call: it adds labels, and reads none."""
    if not (variables := labels_variables(stack, settings)):
        return []
    bucket = bucket_arn(variables[LABELS_BUCKET_VARIABLE])
    places = [f"{bucket}/{LABELS_PREFIX}/{endpoint_name(settings.name, kind)}/*" for kind in KINDS]
    return [
        Grant(["s3:PutObject"], places, OBJECTS),
        Grant(["kms:GenerateDataKey"], [published(stack, settings.name, KEY_ARN)]),
    ]


def litert_plan(stack: Stack, settings: EnvironmentSettings, routes: tuple[str, ...]) -> FunctionPlan:
    """The function that answers for our own networks itself, with what it needs to fetch the released versions."""
    groups = {endpoint_variable(kind): endpoint_name(settings.name, kind) for kind in KINDS}
    bucket = bucket_arn(published(stack, settings.name, MODEL_BUCKET))
    packages = arn_of(stack, "sagemaker", "model-package", "")
    grants = (
        record_grant(stack, settings),
        Grant(
            ["sagemaker:DescribeModelPackage"], [f"{packages}{name}/*" for name in groups.values()], VERSIONS
        ),
        Grant(["s3:GetObject"], [f"{bucket}/{prefix}*" for prefix in ARTEFACT_PREFIXES], OBJECTS),
        Grant(["kms:Decrypt"], [published(stack, settings.name, KEY_ARN)]),
    )
    variables = {
        **groups,
        **record_variables(settings),
        "MODEL_PACKAGE_ARN_PREFIX": packages,
    }
    return FunctionPlan(
        "litert",
        routes,
        grants,
        variables,
        packages=("serving", "model_code"),
        parts=("custom",),
        compiled=True,
    )


def accept_findings(api: apigateway.RestApi, settings: ApiSettings) -> None:
    """What cdk-nag finds at the API and is right as it is."""
    push = "AWS's own policy for the one role of an account with which API Gateway writes its logs."
    policy = "arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    acknowledge(api, push, f"AwsSolutions-IAM4[Policy::{policy}]")
    if settings.user_pools is None:
        signed = "Callers sign with IAM credentials (AWS_IAM on every method), so there is no user pool."
        acknowledge(api, signed, "AwsSolutions-COG4")
    if settings.firewall is None:
        firewall = (
            "Nobody without the account's credentials gets past the signature; throttles bound the rest."
        )
        acknowledge(api, firewall, "AwsSolutions-APIG3", "NIST.800.53.R5-APIGWAssociatedWithWAF")
    cache = (
        "Its key is a request's line and headers, but here the question is the body; a table keeps answers."
    )
    acknowledge(api, cache, "NIST.800.53.R5-APIGWCacheEnabledAndEncrypted")
    client = "Only Lambda functions lie behind it, and they take no certificate of a client."
    acknowledge(api, client, "NIST.800.53.R5-APIGWSSLEnabled")

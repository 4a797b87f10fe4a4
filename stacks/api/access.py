"""Access to the API: authorization (signature or token), from where, how often, and how refusals are worded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.settings.api import ApiSettings

RETRY_AFTER_SECONDS = 1
TLS_POLICY = "SecurityPolicy_TLS13_1_2_2021_06"
TYPES = apigateway.ResponseType


@dataclass(frozen=True)
class Refusal:
    """What API Gateway itself says in the API's own form, before or after any function.

    Attributes:
        kind: API Gateway's name of the case.
        code: the error's name, for programs.
        message: a sentence.
        status: None leaves API Gateway's own.
        field: the part of the request at fault.
        again: whether the same request may succeed later.
    """

    kind: apigateway.ResponseType
    code: str
    message: str
    status: int | None = None
    field: str | None = None
    again: bool = False

    @property
    def body(self) -> str:
        """The answer."""
        return json.dumps({"error": {"code": self.code, "message": self.message, "field": self.field}})


REFUSALS = (
    Refusal(TYPES.DEFAULT_4_XX, "Refused", "The request was refused before it was looked at."),
    Refusal(TYPES.DEFAULT_5_XX, "GatewayFailed", "The request could not be answered. Try again.", again=True),
    Refusal(TYPES.BAD_REQUEST_PARAMETERS, "MissingHeader", "Content-Type is missing.", field="Content-Type"),
    Refusal(TYPES.REQUEST_TOO_LARGE, "TooLarge", "The body is larger than what can be taken.", field="body"),
    Refusal(TYPES.THROTTLED, "TooManyRequests", "More requests than the throttle lets through.", again=True),
    Refusal(TYPES.QUOTA_EXCEEDED, "QuotaSpent", "This month's requests of your API key are used up."),
    Refusal(TYPES.INVALID_API_KEY, "InvalidApiKey", "The header x-api-key needs one of this API's keys."),
    Refusal(TYPES.ACCESS_DENIED, "AccessDenied", "These credentials may not call this path."),
    Refusal(TYPES.UNAUTHORIZED, "Unauthorized", "The token is missing or not one that this API takes."),
    Refusal(TYPES.EXPIRED_TOKEN, "ExpiredToken", "The credentials or the token have expired."),
    Refusal(
        TYPES.INVALID_SIGNATURE, "InvalidSignature", "The signature does not fit, or its clock is wrong."
    ),
    Refusal(
        TYPES.MISSING_AUTHENTICATION_TOKEN,
        "NotSigned",
        "The request is not signed, or the path is none of ours.",
    ),
    Refusal(TYPES.WAF_FILTERED, "Filtered", "The firewall turned this request away."),
    Refusal(TYPES.INTEGRATION_TIMEOUT, "TooSlow", "No answer within 29 seconds. Try again.", again=True),
)


def method_options(scope: Construct, settings: ApiSettings) -> apigateway.MethodOptions:
    """What every method asks of its caller: a signature, or a token of one of the settings' user pools."""
    wanted: dict = {"authorization_type": apigateway.AuthorizationType.IAM}
    if pools := settings.user_pools:
        authorizer = apigateway.CognitoUserPoolsAuthorizer(
            scope,
            "Authorizer",
            cognito_user_pools=[
                cognito.UserPool.from_user_pool_arn(scope, f"UserPool{number}", arn)
                for number, arn in enumerate(pools.arns, start=1)
            ],
        )
        wanted = {
            "authorization_type": apigateway.AuthorizationType.COGNITO,
            "authorizer": authorizer,
            "authorization_scopes": pools.scopes or None,
        }
    return apigateway.MethodOptions(**wanted, api_key_required=True if settings.callers else None)


def reachability(stack: Stack, settings: ApiSettings) -> dict:
    """The API's properties that say from where it can be reached.

    A private API needs a policy. With signed requests that policy must not allow anybody by itself: in one account an
    allowance there is as good as one in IAM. To name the account hands the decision to IAM; the deny holds for all.
    """
    if not settings.vpc_endpoint_ids:
        return {"endpoint_types": [apigateway.EndpointType.REGIONAL]}
    signed = settings.user_pools is None
    principal = iam.AccountRootPrincipal() if signed else iam.AnyPrincipal()
    everything: dict[str, Any] = {"actions": ["execute-api:Invoke"], "resources": ["execute-api:/*"]}
    elsewhere = {"StringNotEquals": {"aws:SourceVpce": settings.vpc_endpoint_ids}}
    policy = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(principals=[principal], **everything),  # pyright: ignore[reportArgumentType]  # jsii
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],  # pyright: ignore[reportArgumentType]  # jsii
                conditions=elsewhere,
                **everything,
            ),
        ]
    )
    return {
        "endpoint_configuration": apigateway.EndpointConfiguration(
            types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=endpoints_of(stack, settings)
        ),
        "policy": policy,
    }


def require_tls(api: apigateway.RestApi) -> None:
    """Refuses anything older than TLS 1.2 at the API's own address, which takes 1.0 unless told."""
    resource = api.node.default_child
    if isinstance(resource, apigateway.CfnRestApi):
        # The policies by these names want an access mode (API Gateway, security policies).
        resource.security_policy, resource.endpoint_access_mode = TLS_POLICY, "BASIC"


def endpoints_of(stack: Stack, settings: ApiSettings) -> list:
    """The settings' VPC endpoints as constructs."""
    from aws_cdk import aws_ec2 as ec2

    return [
        ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
            stack, f"Way{number}", port=443, vpc_endpoint_id=endpoint_id
        )
        for number, endpoint_id in enumerate(settings.vpc_endpoint_ids, start=1)
    ]


def refuse_in_our_words(api: apigateway.RestApi) -> None:
    """Gives API Gateway's own refusals the API's form, so that a caller reads one kind of error."""
    for refusal in REFUSALS:
        headers = {"Retry-After": f"'{RETRY_AFTER_SECONDS}'"} if refusal.again else {}
        api.add_gateway_response(
            refusal.code,
            type=refusal.kind,
            status_code=str(refusal.status) if refusal.status else None,
            response_headers=headers or None,
            templates={"application/json": refusal.body},
        )


def add_callers(api: apigateway.RestApi, settings: ApiSettings) -> None:
    """A usage plan and an API key for each caller; the key's value is API Gateway's and in no template."""
    for name, caller in settings.callers.items():
        title = "".join(part.title() for part in name.split("-"))
        quota = caller.requests_per_month
        plan = api.add_usage_plan(
            f"{title}Plan",
            description=f"What {name} may ask of the recognition API",
            throttle=apigateway.ThrottleSettings(
                rate_limit=caller.requests_per_second, burst_limit=caller.burst_requests
            ),
            quota=apigateway.QuotaSettings(limit=quota, period=apigateway.Period.MONTH) if quota else None,
        )
        plan.add_api_stage(stage=api.deployment_stage)
        plan.add_api_key(api.add_api_key(f"{title}Key", description=f"Of {name}"))

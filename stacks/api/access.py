"""Access to the API: authorization (signature or token), from where, how often, and how refusals are worded."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.settings.api import ApiSettings
from stacks.shared.refusals import TOO_LARGE, Refusal

TLS_POLICY = "SecurityPolicy_TLS13_1_2_2021_06"
TYPES = apigateway.ResponseType
REFUSALS = (
    (
        TYPES.DEFAULT_4_XX,
        Refusal(None, "Refused", "The request was refused before it was looked at: its key is unknown, say."),
    ),
    (
        TYPES.DEFAULT_5_XX,
        Refusal(
            None, "GatewayFailed", "The request could not be answered. Try again.", retry_after_seconds=1
        ),
    ),
    (
        TYPES.BAD_REQUEST_PARAMETERS,
        Refusal(400, "MissingHeader", "Content-Type is missing.", field="Content-Type"),
    ),
    (
        TYPES.UNSUPPORTED_MEDIA_TYPE,
        Refusal(
            415,
            "UnsupportedEncoding",
            "A compressed body is taken in gzip or deflate, and whole.",
            field="Content-Encoding",
        ),
    ),
    (TYPES.REQUEST_TOO_LARGE, TOO_LARGE),
    (
        TYPES.THROTTLED,
        Refusal(
            429,
            "TooManyRequests",
            "More requests than the throttle lets through. Try again.",
            retry_after_seconds=1,
        ),
    ),
    (
        TYPES.QUOTA_EXCEEDED,
        Refusal(429, "QuotaSpent", "This month's requests of your API key are used up."),
    ),
    (
        TYPES.INVALID_API_KEY,
        Refusal(403, "InvalidApiKey", "The header x-api-key needs one of this API's keys."),
    ),
    (TYPES.ACCESS_DENIED, Refusal(403, "AccessDenied", "These credentials may not call this path.")),
    (
        TYPES.UNAUTHORIZED,
        Refusal(401, "Unauthorized", "The token is missing or not one that this API takes."),
    ),
    (TYPES.EXPIRED_TOKEN, Refusal(403, "ExpiredToken", "The credentials or the token have expired.")),
    (
        TYPES.INVALID_SIGNATURE,
        Refusal(
            403,
            "InvalidSignature",
            "The signature does not fit: its key, clock, region or service is another.",
        ),
    ),
    # API Gateway tells none of these from another.
    (
        TYPES.MISSING_AUTHENTICATION_TOKEN,
        Refusal(
            403,
            "NoSuchOperationOrNotSigned",
            "Either no operation has this path and method (all have POST), or the request is not signed.",
        ),
    ),
    (TYPES.WAF_FILTERED, Refusal(403, "Filtered", "The firewall turned this request away.")),
    (
        TYPES.INTEGRATION_TIMEOUT,
        Refusal(504, "TooSlow", "No answer within 29 seconds. Try again.", retry_after_seconds=1),
    ),
)
"""What API Gateway itself says, by its name of the case; without a status of its own it keeps API Gateway's."""


IN_TEMPLATES = {"NoSuchOperationOrNotSigned": "NotSigned"}
"""Names that stay: under another one CloudFormation would write the response anew and then delete it as the old one."""


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
    for kind, refusal in REFUSALS:
        seconds = refusal.retry_after_seconds
        api.add_gateway_response(
            IN_TEMPLATES.get(refusal.code, refusal.code),
            type=kind,
            status_code=str(refusal.status) if refusal.status else None,
            response_headers={"Retry-After": f"'{seconds}'"} if seconds else None,
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

"""Who signs in to the page, with Cognito, and which role this gives."""

from __future__ import annotations

from aws_cdk import ArnFormat, Duration, Fn, RemovalPolicy, Stack
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam

from console import PATHS
from stacks.settings import EnvironmentSettings
from stacks.settings.console import ConsoleSettings
from stacks.shared.acknowledge import acknowledge
from stacks.shared.grants import Grant, allow

STARTS = "An execution has its name from whoever starts it."


def add_users(stack: Stack, settings: EnvironmentSettings, domain_prefix: str) -> cognito.UserPool:
    """Who may sign in: whom an administrator adds, with a password and a code from an authenticator."""
    users = cognito.UserPool(
        stack,
        "Users",
        self_sign_up_enabled=False,
        sign_in_aliases=cognito.SignInAliases(email=True),
        sign_in_case_sensitive=False,
        account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
        mfa=cognito.Mfa.REQUIRED,
        mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
        password_policy=cognito.PasswordPolicy(
            min_length=14,
            require_lowercase=True,
            require_uppercase=True,
            require_digits=True,
            require_symbols=True,
        ),
        deletion_protection=settings.termination_protection,
        removal_policy=RemovalPolicy.DESTROY,
    )
    users.add_domain("SignIn", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=domain_prefix))
    cost = "Threat protection costs by the user; nobody can sign up, and everyone has a second factor."
    acknowledge(users, cost, "AwsSolutions-COG8")
    return users


def add_client(users: cognito.UserPool, address: str, settings: ConsoleSettings) -> cognito.UserPoolClient:
    """The page as Cognito knows it: no secret, the code flow, and one address to come back to."""
    return users.add_client(
        "Page",
        generate_secret=False,
        auth_flows=cognito.AuthFlow(user=False),
        prevent_user_existence_errors=True,
        id_token_validity=Duration.minutes(settings.token_minutes),
        access_token_validity=Duration.minutes(settings.token_minutes),
        refresh_token_validity=Duration.hours(settings.session_hours),
        supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
        o_auth=cognito.OAuthSettings(
            flows=cognito.OAuthFlows(authorization_code_grant=True),
            scopes=[cognito.OAuthScope.OPENID],
            callback_urls=[address],
        ),
    )


def add_identities(
    stack: Stack, users: cognito.UserPool, client: cognito.UserPoolClient
) -> cognito.CfnIdentityPool:
    """Turns a signed-in person's token into credentials; nobody else gets any."""
    provider = cognito.CfnIdentityPool.CognitoIdentityProviderProperty(
        client_id=client.user_pool_client_id,
        provider_name=users.user_pool_provider_name,
        server_side_token_check=True,
    )
    return cognito.CfnIdentityPool(
        stack,
        "Identities",
        allow_unauthenticated_identities=False,
        cognito_identity_providers=[provider],
    )


def add_user_role(stack: Stack, identities: cognito.CfnIdentityPool, api_id: str, stage: str) -> iam.Role:
    """What everyone who has signed in may do: ask the paths that the page asks; see also `allow_machine`."""
    role = iam.Role(
        stack,
        "PersonRole",
        assumed_by=iam.WebIdentityPrincipal(  # pyright: ignore[reportArgumentType]  # jsii
            "cognito-identity.amazonaws.com",
            conditions={
                "StringEquals": {"cognito-identity.amazonaws.com:aud": identities.ref},
                "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
            },
        ),
    )
    asked = [
        stack.format_arn(service="execute-api", resource=api_id, resource_name=f"{stage}/POST/{path}")
        for path in PATHS
    ]
    allow(role, [Grant(["execute-api:Invoke"], asked)])
    cognito.CfnIdentityPoolRoleAttachment(
        stack, "Lending", identity_pool_id=identities.ref, roles={"authenticated": role.role_arn}
    )
    return role


def allow_machine(stack: Stack, role: iam.Role, machine: str) -> None:
    """Lets a role start one state machine, which checks what it is given itself, and see what becomes of that."""
    # arn:aws:states:{region}:{account}:stateMachine:{name}
    its_runs = stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{Fn.select(6, Fn.split(':', machine))}:*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    start = Grant(["states:StartExecution"], [machine])
    allow(role, [start, Grant(["states:DescribeExecution"], [its_runs], STARTS)])

"""The settings of the API's doors: who may come in, through what, how often."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from stacks.settings.base import Settings

ManagedRules = Literal[
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
]
UserPoolArn = Annotated[
    str, Field(pattern=r"^arn:aws[\w-]*:cognito-idp:[a-z0-9-]+:\d{12}:userpool/[\w-]+_[0-9a-zA-Z]+$")
]


class UserPoolSettings(Settings):
    """Cognito user pools, yours, whose tokens open the API."""

    # A REST API's authorizer takes up to a thousand; more than a few is a mistake.
    arns: list[UserPoolArn] = Field(min_length=1, max_length=10)
    scopes: list[str] = Field(
        default=[],
        description="An access token needs one of these OAuth scopes; empty: an identity token opens.",
    )


class FirewallSettings(Settings):
    """A WAF web ACL before the stage; what it costs each month, used or not, says `recognition cost`."""

    # WAF counts the requests of one address over the last five minutes, at least 10 (its RateBasedStatement).
    requests_in_five_minutes: int = Field(
        3_000, ge=10, le=2_000_000_000, description="An address that sends more is turned away meanwhile."
    )
    managed_rules: list[ManagedRules] = Field(
        default=[
            "AWSManagedRulesAmazonIpReputationList",
            "AWSManagedRulesCommonRuleSet",
            "AWSManagedRulesKnownBadInputsRuleSet",
        ],
        description="AWS's own groups of rules.",
    )


class CallerSettings(Settings):
    """What one caller may ask: a usage plan with an API key of its own."""

    requests_per_second: float = Field(gt=0, le=10_000)
    burst_requests: int = Field(ge=1, le=5_000)
    requests_per_month: int | None = Field(None, ge=1, description="Empty: no quota.")

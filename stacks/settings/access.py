"""The settings of access to the API: who may ask, through what, how often, at what price."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stacks.settings.base import SettingsModel, without_repeats

ManagedRules = Literal[
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
]


def consistent_pool(arn: str) -> str:
    """Refuses a user pool whose id is of another region than its ARN; Cognito has no such."""
    region, pool = arn.split(":")[3], arn.rpartition("/")[2]
    if pool.rpartition("_")[0] != region:
        raise ValueError(
            f"'{arn}' says {region}, and a user pool's id begins with its region: copy the whole ARN"
        )
    return arn


UserPoolArn = Annotated[
    str,
    Field(pattern=r"^arn:aws:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/[a-z0-9-]+_[0-9a-zA-Z]+$"),
    AfterValidator(consistent_pool),
]
# ScopeType of Cognito's.
Scope = Annotated[str, Field(max_length=256, pattern=r"^[\x21\x23-\x5B\x5D-\x7E]+$")]


class UserPoolSettings(SettingsModel):
    """Cognito user pools, yours, whose tokens open the API."""

    # A REST API's authorizer takes up to a thousand; more than a few is a mistake.
    arns: Annotated[list[UserPoolArn], AfterValidator(without_repeats)] = Field(
        min_length=1, max_length=10, description="Of the user pools."
    )
    scopes: Annotated[list[Scope], AfterValidator(without_repeats)] = Field(
        default=[],
        max_length=50,
        description="An access token needs one of these OAuth scopes; empty: an identity token opens.",
    )


class FirewallSettings(SettingsModel):
    """A WAF web ACL before the stage; what it costs each month, used or not, says `recognition cost`."""

    # WAF counts the requests of one address over the last five minutes, at least 10 (its RateBasedStatement).
    requests_in_five_minutes: int = Field(
        3_000, ge=10, le=2_000_000_000, description="An address that sends more is turned away meanwhile."
    )
    managed_rules: Annotated[list[ManagedRules], AfterValidator(without_repeats)] = Field(
        default=[
            "AWSManagedRulesAmazonIpReputationList",
            "AWSManagedRulesCommonRuleSet",
            "AWSManagedRulesKnownBadInputsRuleSet",
        ],
        description="AWS's own groups of rules.",
    )


class SpendingSettings(SettingsModel):
    """What asking the managed services may cost at the list price; a request that would exceed it is not asked."""

    caller_usd_per_hour: float = Field(
        10.0, gt=0, le=1_000_000, description="Of one caller: a role, an API key, a person of the console."
    )
    caller_usd_per_month: float = Field(
        200.0, gt=0, le=1_000_000, description="The same for a calendar month (UTC)."
    )
    usd_per_hour: float = Field(50.0, gt=0, le=1_000_000, description="Of all callers together.")
    usd_per_month: float = Field(
        1_000.0, gt=0, le=10_000_000, description="The same for a calendar month (UTC)."
    )
    unconfirmed_unit_usd: float = Field(
        0.002, gt=0, le=10, description="What a unit counts as whose price nobody confirmed."
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses a caller who may spend more than all callers together."""
        for period in ("hour", "month"):
            one, together = f"caller_usd_per_{period}", f"usd_per_{period}"
            if getattr(self, one) > getattr(self, together):
                raise ValueError(f"{one} may be at most {together}, which all callers share")
        return self


class CallerSettings(SettingsModel):
    """What one caller may ask: a usage plan with an API key of its own."""

    requests_per_second: float = Field(
        gt=0, le=10_000, description="Of this caller; more are refused with 429."
    )
    burst_requests: int = Field(ge=1, le=5_000, description="How many may come at once above that.")
    requests_per_month: int | None = Field(None, ge=1, le=2_147_483_647, description="Empty: no quota.")


def distinct_callers(callers: dict[str, CallerSettings]) -> dict[str, CallerSettings]:
    """Refuses two names that one plan and one key would have in the template."""
    known: dict[str, str] = {}
    for name in callers:
        if (other := known.setdefault(name.replace("-", ""), name)) != name:
            raise ValueError(f"'{other}' and '{name}' differ in hyphens only: rename one")
    return callers

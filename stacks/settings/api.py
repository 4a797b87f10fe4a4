"""The settings of the recognition API: its functions, who answers, how long answers are kept."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stacks.settings.access import (
    CallerSettings,
    FirewallSettings,
    SpendingSettings,
    UserPoolSettings,
    distinct_callers,
)
from stacks.settings.base import SettingsModel, without_repeats

SECONDS_A_DAY = 86_400


class PolicySettings(SettingsModel):
    """Who answers an operation that both the managed service and our own network can answer."""

    backend: Literal["managed", "own", "cascade"] = Field(
        "managed", description="Who answers; a cascade asks a second where the first is unsure."
    )
    first: Literal["managed", "own"] = Field(
        "own", description="Of a cascade; the other gives second opinions."
    )
    threshold: float = Field(0.0, ge=0, le=1, description="A cascade's first answer below it is not enough.")
    monthly_budget_usd: float | None = Field(
        None, gt=0, le=1_000_000, description="What the managed service may cost in a month; empty: no limit."
    )
    fallback: bool = Field(False, description="The other backend answers when the chosen one cannot.")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses a cascade that would never ask the second, and a budget that nothing is charged to."""
        if self.backend == "cascade" and self.threshold == 0:
            raise ValueError("threshold has to be above 0 for a cascade, or the second is never asked")
        if self.monthly_budget_usd is not None and self.backend == "own" and not self.fallback:
            raise ValueError("monthly_budget_usd is of the managed service, which this policy never asks")
        return self

    @property
    def asks_own(self) -> bool:
        """Whether our own network may be asked."""
        return self.backend != "managed" or self.fallback


class ApiSettings(SettingsModel):
    """The recognition API and its functions."""

    authorization: Literal["AWS_IAM", "COGNITO_USER_POOLS"] = Field(
        "AWS_IAM", description="Requests signed with IAM, or tokens of Cognito's."
    )
    user_pools: UserPoolSettings | None = Field(
        None, description="With COGNITO_USER_POOLS: whose tokens count."
    )
    firewall: FirewallSettings | None = Field(None, description="Empty: no web ACL.")
    # Each is three resources of the stack, which may have 500 in all.
    callers: Annotated[
        dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")], CallerSettings],
        AfterValidator(distinct_callers),
    ] = Field(
        default={},
        max_length=50,
        description="Each gets an API key and a throttle of its own; empty: no key is asked for.",
    )
    spending: SpendingSettings = SpendingSettings.model_validate({})
    vpc_endpoint_ids: Annotated[
        list[Annotated[str, Field(pattern=r"^vpce-([0-9a-f]{8}|[0-9a-f]{17})$")]],
        AfterValidator(without_repeats),
    ] = Field(
        default=[], max_length=20, description="Only through these is the API reached; empty: from anywhere."
    )
    retention_days: int = Field(
        30, ge=1, le=3_650, description="The longest that answers to what customers sent are kept anywhere."
    )
    idempotency_seconds: int = Field(
        86_400,
        ge=0,
        description="How long a request's Idempotency-Key is remembered with its answer; 0: off.",
    )
    cache_seconds: int = Field(
        0, ge=0, description="How long a managed service's answer serves whoever sends the same; 0: off."
    )
    requests_per_second: int = Field(
        50, ge=1, le=10_000, description="Of all callers together; API Gateway refuses more with 429."
    )
    burst_requests: int = Field(100, ge=1, le=5_000, description="How many may come at once above that.")
    function_memory_megabytes: int = Field(
        512, ge=128, le=10_240, description="Of each function; processors come with it."
    )
    # API Gateway gives up after 29 s, so a function that runs longer works for nobody.
    function_timeout_seconds: int = Field(28, ge=1, le=28, description="After which a function ends.")
    reserved_concurrency: int | None = Field(
        None,
        ge=1,
        le=1_000,
        description="How many requests each function answers at once, set aside for it; empty: as many as the account "
        "has left. A new account has 10 in all, of which none can be set aside.",
    )
    log_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365] = Field(
        30, description="How long the functions' logs are kept."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="From which level on the functions write."
    )
    own_backend: Literal["endpoint", "litert"] = Field(
        "endpoint",
        description="Who answers the paths of our own networks: their endpoints, or the function itself with the "
        "released versions' LiteRT files.",
    )
    policies: dict[Literal["image-labels", "text-sentiment"], PolicySettings] = Field(
        default={}, description="Where nothing is said, the managed service answers."
    )
    document_classifier_endpoint_arn: str | None = Field(
        None,
        pattern=r"^arn:aws:comprehend:[a-z0-9-]+:[0-9]{12}:document-classifier-endpoint/"
        r"([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]{0,38}[a-zA-Z0-9])$",
        description="Comprehend's endpoint behind /texts/classification; without one it answers 501.",
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses tokens without a user pool, and answers that would be kept longer than anything may be."""
        if (self.authorization == "COGNITO_USER_POOLS") != (self.user_pools is not None):
            raise ValueError("user_pools and the authorization COGNITO_USER_POOLS go together")
        for name in ("idempotency_seconds", "cache_seconds"):
            if getattr(self, name) > self.retention_days * SECONDS_A_DAY:
                raise ValueError(
                    f"{name} may be at most {self.retention_days} days, which retention_days says"
                )
        return self

    @property
    def keeps_answers(self) -> bool:
        """Whether any answer outlives its request."""
        return bool(self.idempotency_seconds or self.cache_seconds)

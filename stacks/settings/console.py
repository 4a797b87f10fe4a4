"""The settings of the console's stack."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from stacks.settings.base import SettingsModel


class ConsoleSettings(SettingsModel):
    """The console: a page on the internet that only people whom an administrator added can sign in to."""

    # Limits of UserPoolClient's token validities (Amazon Cognito API reference).
    token_minutes: int = Field(
        60, ge=5, le=1_440, description="After which the page asks for new tokens by itself."
    )
    session_hours: int = Field(8, ge=1, le=24, description="After so long a person signs in again.")
    lessons: bool = Field(
        False,
        description="Serve the documentation site too, which `make docs` builds: the page's link Learn.",
    )
    may_release: bool = Field(
        False, description="Whoever signs in may release an approved version from the page Watch."
    )
    may_train: bool = Field(
        False,
        description="Whoever signs in may start training runs from the page Watch, on any data set of the data bucket "
        "and with any gate; each run is paid for.",
    )
    shows_evaluations: bool = Field(
        False,
        description="Whoever signs in sees what a run's evaluation found: figures, the names of classes, and its "
        "surest wrong answers with small pictures, beginnings of texts or courses of channels, which are samples of "
        "the test data.",
    )

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses tokens that would outlive what renews them, as Cognito does."""
        if self.token_minutes > self.session_hours * 60:
            raise ValueError(
                f"token_minutes is {self.token_minutes}, and session_hours ends a session after "
                f"{self.session_hours * 60}: a token may live as long as its session at most"
            )
        return self

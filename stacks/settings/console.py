"""The settings of the console's stack."""

from __future__ import annotations

from pydantic import Field

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

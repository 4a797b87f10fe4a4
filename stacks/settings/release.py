"""The settings of when a version comes to its endpoint, and of scheduled shutdown."""

from __future__ import annotations

from typing import Self
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from stacks.settings.base import SettingsModel
from stacks.settings.schedules import Weekdays


class ReleaseSettings(SettingsModel):
    """How versions come to their endpoints."""

    on_approval: bool = Field(
        True, description="An approval in the registry starts the release; off: only by hand."
    )


# Two names for no place: that of a clock which nobody has set, and of whatever this machine has.
NO_PLACES = {"Factory", "localtime"}


class OfficeHours(SettingsModel):
    """When the endpoints serve; at other times they are away and cost nothing."""

    days: Weekdays = Field(
        "MON-FRI", pattern=r"^[A-Z0-9,-]+$", max_length=100, description="As cron has them."
    )
    start_hour: int = Field(8, ge=0, le=23, description="When the endpoints come back.")
    end_hour: int = Field(18, ge=0, le=23, description="When they go.")
    time_zone: str = Field("UTC", description="By its name in the IANA database, such as Europe/Berlin.")

    @model_validator(mode="after")
    def fits_together(self) -> Self:
        """Refuses hours that never end and zones that nobody knows."""
        if self.start_hour >= self.end_hour:
            raise ValueError("start_hour has to be before end_hour")
        if self.time_zone not in available_timezones() - NO_PLACES:
            raise ValueError(
                f"time_zone '{self.time_zone}' is none of the IANA database, such as Europe/Berlin"
            )
        return self


class ScheduledShutdownSettings(SettingsModel):
    """When an endpoint is taken away until it is released or started again; for environments that can do without."""

    idle_hours: int | None = Field(
        None, ge=1, le=168, description="After so many hours without a request; empty: never."
    )
    office_hours: OfficeHours | None = Field(None, description="Empty: the clock decides nothing.")

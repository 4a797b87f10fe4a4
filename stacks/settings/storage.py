"""The settings of buckets and key."""

from __future__ import annotations

from pydantic import Field

from stacks.settings.base import SettingsModel


class StorageSettings(SettingsModel):
    """Buckets and key."""

    keep_data_when_destroyed: bool = Field(
        True, description="Retain buckets and key when the stack is deleted."
    )
    noncurrent_versions_days: int = Field(
        30, ge=1, le=3650, description="How long overwritten objects are kept."
    )
    logs_days: int = Field(365, ge=1, le=3650, description="How long access logs are kept.")

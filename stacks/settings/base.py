"""What every part of the settings is: unchangeable once read, strict in its types, and nothing unknown in it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

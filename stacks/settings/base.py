"""What every part of the settings is: unchangeable once read, strict in its types, and nothing unknown in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from definitions.networks import KINDS


def known_kind(kind: str) -> str:
    """A kind of the table of networks."""
    if kind not in KINDS:
        raise ValueError(f"there is no network '{kind}'; there are {', '.join(KINDS)}")
    return kind


Kind = Annotated[str, AfterValidator(known_kind)]


class SettingsModel(BaseModel):
    """A part of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

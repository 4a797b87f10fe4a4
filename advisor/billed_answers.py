"""Which answers of a problem a candidate's bill depends on, by its kind of billing."""

from __future__ import annotations

from typing import NamedTuple

from advisor.prices import HOME_REGION

SERVICE_FIELDS = ("region", "free_tier", "operations_per_item")
OWN_FIELDS = ("region", "free_tier", "modality", "image_side_pixels", "burstiness", "upkeep_usd_per_month")
FIELDS_OF_KIND = {
    "item": SERVICE_FIELDS,
    "text": (*SERVICE_FIELDS, "characters_per_item"),
    "character": (*SERVICE_FIELDS, "characters_per_item"),
    "minute": (*SERVICE_FIELDS, "minutes_per_item"),
    "tokens": ("region", "free_tier", "modality", "characters_per_item", "minutes_per_item"),
    "hosted_hours": ("region", "free_tier", "burstiness"),
    "hosted_units": ("region", "free_tier", "burstiness", "characters_per_item"),
    "own": OWN_FIELDS,
    "cascade": (*OWN_FIELDS, "operations_per_item", "characters_per_item", "minutes_per_item"),
}
OWN_KINDS = ("own", "cascade")


class Answers(NamedTuple):
    """The answers of a problem that a bill can depend on; quicker to make than a problem."""

    region: str = HOME_REGION
    free_tier: bool | None = None
    burstiness: str | None = None
    modality: str | None = None
    image_side_pixels: int | None = None
    operations_per_item: int | None = None
    characters_per_item: int | None = None
    minutes_per_item: float | None = None
    upkeep_usd_per_month: float | None = None

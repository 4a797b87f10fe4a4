"""What a managed service or a hosted custom model is billed for: by the item, text unit, minute, token or hour."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from advisor import tables
from advisor.billed_answers import Answers
from advisor.capacity import SECONDS_PER_HOUR, hosted
from advisor.charges import Linear, Units, constant
from advisor.problem import Problem

TEXT_UNIT_CHARACTERS = 100
TEXT_UNITS_LEAST = 3
SECONDS_PER_MINUTE = 60


def service_lines(billing: Mapping[str, Any], problem: Problem | Answers) -> Iterator[tuple[str, Units]]:
    """A service's bill: price id and units of each line."""
    item = tables.assumptions()["item"]
    operations = problem.operations_per_item or item["operations_per_item"]
    characters = problem.characters_per_item or item["characters_per_item"]
    match billing["kind"]:
        case "item":
            yield billing["price"], Linear(operations)
        case "text":
            units = max(TEXT_UNITS_LEAST, math.ceil(characters / TEXT_UNIT_CHARACTERS))
            yield billing["price"], Linear(operations * units)
        case "character":
            yield billing["price"], Linear(operations * characters)
        case "minute":
            minutes = max(
                problem.minutes_per_item or item["minutes_per_item"], billing.get("minimum_minutes", 0)
            )
            yield billing["price"], Linear(operations * minutes)
        case "tokens":
            read = item["prompt_tokens"] + tokens_of(problem, characters)
            yield billing["input_price"], Linear(read / 1000)
            yield billing["output_price"], Linear(item["output_tokens"] / 1000)
        case "hosted_hours":
            yield billing["price"], hosted(problem, 1 / billing["items_per_second"], 1.0)
            yield billing["training_price"], constant(tables.assumptions()["training"]["managed_hours"])
        case "hosted_units":
            load = characters / billing["characters_per_second"]
            yield billing["price"], hosted(problem, load, SECONDS_PER_HOUR)
            yield billing["training_price"], constant(tables.assumptions()["training"]["managed_hours"])
            yield billing["month_price"], constant(1.0)
        case kind:
            raise ValueError(f"candidates.toml: no service is billed by '{kind}'.")


def tokens_of(problem: Problem | Answers, characters: float) -> float:
    """The tokens that a foundation model makes of one item: an image's, of each second of a video, of a text."""
    item = tables.assumptions()["item"]
    if problem.modality == "image":
        return item["image_tokens"]
    if problem.modality == "video":
        seconds = (problem.minutes_per_item or item["minutes_per_item"]) * SECONDS_PER_MINUTE
        return min(seconds, item["video_frames_most"]) * item["video_frame_tokens"]
    return characters * item["tokens_per_character"]

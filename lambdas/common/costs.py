"""What a call is charged, in the services' own units, at prices that the deployment passes in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from lambdas.common.answers import CallCost
from lambdas.common.operations import Operation
from lambdas.common.options import Choices

# Comprehend charges every document in units of 100 characters, at least 3 (Amazon Comprehend pricing).
UNIT_CHARACTERS = 100
UNITS_LEAST = 3


def text_units(text: str) -> int:
    """Comprehend's units of one document."""
    return max(UNITS_LEAST, -(-len(text) // UNIT_CHARACTERS))


def price_of(operation: Operation, options: Mapping[str, Any]) -> str | None:
    """The id of the price of a call with these options; None where it has none, or none that is known."""
    for option in operation.options:
        if isinstance(option, Choices) and set(option.unpriced) & set(options.get(option.name, ())):
            return None
    return operation.price


def cost_of(price: str | None, unit: str | None, units: int) -> CallCost:
    """The cost of so many units by a price's id in PRICES_USD; unknown where the id is not there."""
    prices = json.loads(os.environ.get("PRICES_USD", "{}"))
    usd = prices.get(price) if price else None
    return CallCost(units, unit, None if usd is None else round(usd * units, 9))

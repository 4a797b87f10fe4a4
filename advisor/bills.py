"""A candidate's bill at any volume: the cheapest of the ways of having the predictions made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from advisor.charges import Lines, Straight


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """A month's bill in US dollars; ``monthly_usd`` is None where a price is unknown, and ``unknown`` names it.

    Attributes:
        serving: how an own model is served; empty for a service.
        instance_family: of that way; empty where AWS chooses.
    """

    monthly_usd: float | None
    unknown: str = ""
    serving: str = ""
    instance_family: str = ""

    def per_thousand(self, volume: float) -> float | None:
        """US dollars for 1,000 predictions."""
        return None if self.monthly_usd is None or not volume else self.monthly_usd / volume * 1000


@dataclass(frozen=True, slots=True)
class Way:
    """One way of having the predictions made: the lines of its bill, and how many milliseconds one has to wait."""

    lines: Lines
    serving: str = ""
    instance_family: str = ""
    patience_milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Bill:
    """What one candidate costs at any volume: the cheapest of its ways, what comes with each, and a fixed sum."""

    ways: tuple[Way, ...]
    always: Lines = Lines(Straight(0.0), ())
    fixed_usd: float = 0.0

    def at(self, volume: float) -> MonthlyCost:
        """A month's cost with so many items."""
        usd, way = self.cheapest(volume)
        if usd is None:
            return MonthlyCost(None, self.unknown(volume))
        return MonthlyCost(usd, "", way.serving, way.instance_family)

    def usd_at(self, volume: float) -> float | None:
        """The dollars of `at` alone."""
        return self.cheapest(volume)[0]

    def cheapest(self, volume: float) -> tuple[float | None, Way]:
        """US dollars of the cheapest way with what comes with it; None where a price is unknown, for any way: the one
        without a price might be the cheapest."""
        best, chosen = math.inf, self.ways[0]
        for way in self.ways:
            usd = way.lines.usd(volume)
            if usd is None:
                return None, way
            if usd < best:
                best, chosen = usd, way
        extra = self.always.usd(volume)
        return (None if extra is None else best + extra + self.fixed_usd), chosen

    def unknown(self, volume: float) -> str:
        """The id of the first price that is unknown; empty where all are known."""
        unknowns = (lines.unknown(volume) for lines in (*(way.lines for way in self.ways), self.always))
        return next((price_id for price_id in unknowns if price_id), "")

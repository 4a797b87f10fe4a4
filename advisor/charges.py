"""What lines of a bill charge for a volume: straight ones are added up, those with tiers or whole hours are walked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from advisor.prices import Price, PriceTable

Units = Callable[[float], float]
"""From items a month to billed units a month."""


@dataclass(frozen=True, slots=True)
class Linear:
    """So many units for each item, and so many a month whatever the volume."""

    units_per_item: float
    fixed_units: float = 0.0

    def __call__(self, volume: float) -> float:
        return self.fixed_units + volume * self.units_per_item


def constant(units: float) -> Units:
    """So many units a month, whatever the volume."""
    return Linear(0.0, units)


@dataclass(frozen=True, slots=True)
class Straight:
    """A fixed sum of US dollars and so much for each item."""

    usd_per_item: float
    fixed_usd: float = 0.0

    def __call__(self, volume: float) -> float:
        return self.fixed_usd + self.usd_per_item * volume


Charge = Straight | Callable[[float], float | None]
"""From items a month to US dollars; None where the price is not in the table or was never confirmed."""


def share_of(charge: Charge, share: float) -> Charge:
    """What a charge comes to for a share of the items."""
    if isinstance(charge, Straight):
        return Straight(charge.usd_per_item * share, charge.fixed_usd)
    return lambda volume: charge(volume * share)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill: the price's id in the table, and what it charges."""

    price_id: str
    usd: Charge


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a bill that are paid together: the straight ones as one, since a curve asks for them hundreds of times.

    Attributes:
        straight: the sum of all straight lines.
        curved: the others, with tiers or whole hours.
    """

    straight: Straight
    curved: tuple[Line, ...]

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Lines:
        """The lines, added up as far as they are straight."""
        per_item, fixed = 0.0, 0.0
        curved: list[Line] = []
        for line in lines:
            if isinstance(line.usd, Straight):
                per_item, fixed = per_item + line.usd.usd_per_item, fixed + line.usd.fixed_usd
            else:
                curved.append(line)
        return cls(Straight(per_item, fixed), tuple(curved))

    def usd(self, volume: float) -> float | None:
        """US dollars; None where one of the prices is unknown."""
        usd = self.straight.fixed_usd + self.straight.usd_per_item * volume
        for line in self.curved:
            charge = line.usd(volume)
            if charge is None:
                return None
            usd += charge
        return usd

    def unknown(self, volume: float) -> str:
        """The id of the first price that is unknown; empty where all are known."""
        return next((line.price_id for line in self.curved if line.usd(volume) is None), "")

    def and_share(self, lines: Iterable[Line], share: float) -> Lines:
        """These, and others for a share of the items."""
        added = Lines.of(Line(line.price_id, share_of(line.usd, share)) for line in lines)
        straight = Straight(
            self.straight.usd_per_item + added.straight.usd_per_item,
            self.straight.fixed_usd + added.straight.fixed_usd,
        )
        return Lines(straight, (*self.curved, *added.curved))


def priced(lines: Iterable[tuple[str, Units]], prices: PriceTable, free_tier: bool) -> tuple[Line, ...]:
    """Lines with their prices from the table."""
    return tuple([Line(name, charged(prices[name], units, free_tier)) for name, units in lines])


def charged(price: Price, units_of: Units, free_tier: bool) -> Charge:
    """From items a month to US dollars by one price."""
    free_units = price.free_units if free_tier else 0.0
    if len(price.tiers) == 1 and not free_units and price.is_sure_at(0.0):
        # By far the most lines: one multiplication instead of a walk over tiers.
        usd = price.tiers[0].usd
        if isinstance(units_of, Linear):
            return Straight(usd * units_of.units_per_item, usd * units_of.fixed_units)
        return lambda volume: usd * units_of(volume)

    def charge(volume: float) -> float | None:
        units = units_of(volume)
        return price.charge(units, free_tier) if price.is_sure_at(units) else None

    return charge

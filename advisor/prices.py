"""Prices as a table: region, unit, tiers, date, source and how sure each is; an unknown price says unknown."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from advisor import tables

# The public file with the same prices that the Price List API answers with.
OFFER_FILE = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/{service}/current/index.json"
HOME_REGION = "us-east-1"
"""The one whose prices are committed whole; of others only some are known."""
STATUSES = ("quoted", "secondary", "unverified")


@dataclass(frozen=True, slots=True)
class Tier:
    """US dollars a unit for the units up to ``up_to`` (None: for all above)."""

    usd: float
    status: str
    up_to: float | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """One price; ``tiers`` is empty where the price is unknown."""

    id: str
    region: str
    unit: str
    date: date
    source: str
    tiers: tuple[Tier, ...] = ()
    free_units: float = 0.0
    note: str = ""
    price_list: Mapping[str, str] | None = field(default=None, hash=False)

    @property
    def known(self) -> bool:
        return bool(self.tiers)

    def charge(self, units: float, free_tier: bool = False) -> float:
        """US dollars for so many units in one month; nondecreasing in ``units``.

        Raises ValueError where the price is unknown: the caller has to leave it out, not to guess.
        """
        if not self.tiers:
            raise ValueError(f"The price {self.id} is unknown, so nothing can be charged by it.")
        if len(self.tiers) == 1:
            return max(0.0, units - self.free_units if free_tier else units) * self.tiers[0].usd
        left = max(0.0, units - self.free_units) if free_tier else units
        total = below = 0.0
        for tier in self.tiers:
            above = left if tier.up_to is None else min(left, tier.up_to)
            total += max(0.0, above - below) * tier.usd
            if tier.up_to is None or left <= tier.up_to:
                break
            below = tier.up_to
        return total

    def is_sure_at(self, units: float) -> bool:
        """Whether so many units touch no tier that is unknown or was never confirmed."""
        if len(self.tiers) == 1:
            return self.tiers[0].status != "unverified"
        return self.status_at(units) not in ("unknown", "unverified")

    def status_at(self, units: float) -> str:
        """The least sure status among the tiers that so many units touch ("unknown" without tiers)."""
        touched: list[str] = []
        below = 0.0
        for tier in self.tiers:
            if units > below or not touched:
                touched.append(tier.status)
            below = tier.up_to or below
        return max(touched, key=STATUSES.index) if touched else "unknown"


class PriceTable:
    """All prices of one region, by id."""

    def __init__(self, prices: Iterable[Price], region: str) -> None:
        self.region = region
        self._prices = {price.id: price for price in prices if price.region == region}

    def __getitem__(self, price_id: str) -> Price:
        """The price; one that this region's table lacks comes back as an unknown price, not as an error."""
        price = self._prices.get(price_id)
        if price is None:
            return Price(price_id, self.region, "unit", date.min, "not in the table for this region")
        return price

    def __iter__(self):
        return iter(self._prices.values())


def parse_price(entry: Mapping[str, Any]) -> Price:
    """A price from its table; raises ValueError for tiers that are out of order or of an unknown status."""
    tiers = tuple(Tier(**tier) for tier in entry.get("tiers", ()))
    bounds = [tier.up_to for tier in tiers]
    if any(bound is None for bound in bounds[:-1]) or (bounds and bounds[-1] is not None):
        raise ValueError(f"{entry['id']}: only the last tier, and it alone, is open above.")
    closed = [bound for bound in bounds if bound is not None]
    if closed != sorted(closed):
        raise ValueError(f"{entry['id']}: tiers must rise, got bounds {bounds}.")
    for tier in tiers:
        if tier.status not in STATUSES or tier.usd < 0:
            raise ValueError(f"{entry['id']}: a tier needs a price of 0 or more and a status of {STATUSES}.")
    values: dict[str, Any] = {**entry, "tiers": tiers}
    return Price(**values)


@cache
def all_prices() -> tuple[Price, ...]:
    """Every committed price."""
    files = ("prices_managed.toml", "prices_compute.toml")
    return tuple(parse_price(entry) for name in files for entry in tables.read(name)["price"])


@cache
def price_table(region: str) -> PriceTable:
    """The committed prices of a region; a region without prices gives a table in which all are unknown."""
    return PriceTable(all_prices(), region)


def apply_price_list(price: Price, product: Mapping[str, Any], region: str, today: date) -> Price:
    """The price of a region with the tiers of one product of the AWS Price List API (the parsed ``PriceList`` entry).

    Raises ValueError when the product holds no on-demand dollar price.
    """
    terms = product.get("terms", {}).get("OnDemand", {})
    dimensions = [d for term in terms.values() for d in term["priceDimensions"].values()]
    priced = sorted(
        (d for d in dimensions if "USD" in d["pricePerUnit"]), key=lambda d: float(d["beginRange"])
    )
    if not priced:
        raise ValueError(f"{price.id}: the Price List's product has no on-demand price in US dollars.")
    tiers = tuple(
        Tier(
            float(d["pricePerUnit"]["USD"]),
            "quoted",
            None if d["endRange"] == "Inf" else float(d["endRange"]),
        )
        for d in priced
    )
    source = OFFER_FILE.format(service=product["serviceCode"])
    return dataclasses.replace(price, tiers=tiers, region=region, date=today, source=source)

"""Population stability: how far the distribution of what an endpoint gets has moved from what it was measured on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

BINS = 10
# Added to every bin's count (Jeffreys' prior), since the logarithm of an empty bin's share is not defined.
PRIOR_COUNT = 0.5


def reference_of(values: Sequence[float] | Sequence[str]) -> dict[str, Any]:
    """What later values are held against: the bins, and how many of `values` each has.

    Returns:
        `categories` with their `counts` for texts, and for numbers of at most BINS different values, behind them the
        count of everything else, which is 0; else `edges` (the deciles, ascending) and `counts`, one more than edges.
    """
    different = sorted(set(values))
    if isinstance(different[0], str) or len(different) <= BINS:
        reference = {"categories": different}
    else:
        deciles = np.quantile(np.asarray(values, float), np.arange(1, BINS) / BINS)
        reference = {"edges": [float(edge) for edge in np.unique(deciles)]}
    return {**reference, "counts": counts_of(values, reference)}


def counts_of(values: Sequence[float] | Sequence[str], reference: dict[str, Any]) -> list[int]:
    """How many values fall into each of the reference's bins."""
    if "categories" in reference:
        place = {category: i for i, category in enumerate(reference["categories"])}
        places = [place.get(value, len(place)) for value in values]
        bins = len(place) + 1
    else:
        places = np.searchsorted(reference["edges"], np.asarray(values, float), side="left").tolist()
        bins = len(reference["edges"]) + 1
    return np.bincount(np.asarray(places, int), minlength=bins).tolist()


def population_stability_index(expected: Sequence[int], observed: Sequence[int]) -> float:
    """The sum over bins of (o - e) ln(o / e), with the shares e of `expected` and o of `observed` counts.

    0 for the same shares, symmetric, never below 0 (Siddiqi, Credit Risk Scorecards, 2006, chapter 9, who calls 0.1 to
    0.25 a change to look into and more a shift). Without any drift it is about (bins - 1) (1 / n + 1 / m) for n and m
    values (Yurdakul, Statistical Properties of Population Stability Index, 2018), so a few dozen values say nothing.
    """
    shares = []
    for counts in (expected, observed):
        smoothed = np.asarray(counts, float) + PRIOR_COUNT
        shares.append(smoothed / smoothed.sum())
    e, o = shares
    return float(((o - e) * np.log(o / e)).sum())

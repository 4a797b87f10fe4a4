"""The instance hours that a load needs over the day, hosted by a service or on endpoints of one's own."""

from __future__ import annotations

import math

from advisor import tables
from advisor.billed_answers import Answers
from advisor.charges import Units
from advisor.problem import Problem

SECONDS_PER_HOUR = 3600
# Of bills, which count data in powers of ten here.
KILOBYTES_PER_GIGABYTE = 1_000_000


def traffic(problem: Problem | Answers) -> dict[str, float]:
    """The shape of the load over the day."""
    return tables.assumptions()["traffic"][problem.burstiness or "business_hours"]


def hosted(problem: Problem | Answers, units_per_item_a_second: float, billed_per_hour: float) -> Units:
    """A hosted model's units: as many as its peak needs, one at least, for the hours in which there is load."""
    shape = traffic(problem)
    seconds = tables.assumptions()["capacity"]["hours_per_month"] * SECONDS_PER_HOUR
    peak, hours = units_per_item_a_second * shape["peak_over_mean"] / seconds, shape["awake_hours"]
    return lambda volume: max(1, math.ceil(volume * peak)) * hours * billed_per_hour


def endpoint_hours(problem: Problem | Answers, items_per_second: float) -> Units:
    """Instance hours a month of a real-time endpoint that scales between its peak and the rest of the day."""
    capacity, shape = tables.assumptions()["capacity"], traffic(problem)
    hours, least = capacity["hours_per_month"], capacity["minimum_instances"]
    items_per_instance = items_per_second * capacity["target_utilisation"] * hours * SECONDS_PER_HOUR
    share = shape["peak_share"]
    # Loads as multiples of the mean: in the peak, and in the rest of the time.
    peak = shape["peak_over_mean"]
    rest = max(0.0, 1.0 - peak * share) / (1 - share)
    peak_of_one, rest_of_one = peak / items_per_instance, rest / items_per_instance

    def units(volume: float) -> float:
        busy, calm = math.ceil(volume * peak_of_one), math.ceil(volume * rest_of_one)
        # Comparisons, because a curve asks for this hundreds of times and `max` costs three of them.
        busy, calm = busy if busy > least else least, calm if calm > least else least
        return hours * (busy * share + calm * (1 - share))

    return units

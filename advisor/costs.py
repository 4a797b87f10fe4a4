"""What a candidate costs a month at a volume; a price that nobody could confirm leaves the candidate without a figure.

The model: managed operations by the item, text unit, character, minute or token; hosted custom models by the hour;
own models by the cheapest way of serving that is quick enough, plus one training a month. Its assumptions are in
``data/assumptions.toml``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from advisor import tables
from advisor.prices import PriceTable, price_table
from advisor.problem import Problem
from advisor.tables import Candidate

TEXT_UNIT_CHARACTERS = 100
TEXT_UNITS_LEAST = 3
SECONDS_PER_HOUR = 3600
SMALL_IMAGE_PIXELS = 64
# From here on an answer may come from a queue, or from a nightly job.
ASYNCHRONOUS_MILLISECONDS = 60_000
BATCH_MILLISECONDS = 3_600_000
# A large network needs about this long on a processor, and any server without provisioned capacity to start.
PROCESSOR_MILLISECONDS = 500
COLD_START_MILLISECONDS = 3_000
BREAK_EVEN_STEPS = 24
VOLUMES = tuple(10 ** (exponent / 2) for exponent in range(4, 19))
"""Items a month, 100 to a billion, at which curves are drawn and break-evens looked for."""


# The answers that a cost depends on. One piece of advice asks for the same cost again and again.
COST_FIELDS = (
    *("modality", "region", "operations_per_item", "characters_per_item", "minutes_per_item", "burstiness"),
    *("image_side_pixels", "max_latency_ms", "upkeep_usd_per_month", "free_tier"),
)
KNOWN_COSTS_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Cost:
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


class Unknown(Exception):
    """A price is unknown; the argument is its id."""


def monthly_cost(candidate: Candidate, problem: Problem, volume: float) -> Cost:
    """What `volume` items a month cost with this candidate."""
    return known_cost(candidate, tuple(getattr(problem, name) for name in COST_FIELDS), volume)


@lru_cache(maxsize=KNOWN_COSTS_MOST)
def known_cost(candidate: Candidate, answers: tuple, volume: float) -> Cost:
    """`monthly_cost`, remembered for the answers that it depends on."""
    return reckon(candidate, Problem(**dict(zip(COST_FIELDS, answers, strict=True))), volume)


def reckon(candidate: Candidate, problem: Problem, volume: float) -> Cost:
    """`monthly_cost` without its memory."""
    prices = price_table(problem.region)
    try:
        if candidate.billing["kind"] == "own":
            return own_cost(candidate, problem, volume, prices)
        if candidate.billing["kind"] == "cascade":
            return cascade_cost(candidate, problem, volume, prices)
        return Cost(
            sum(charge(prices, name, units, problem) for name, units in bill(candidate, problem, volume))
        )
    except Unknown as error:
        return Cost(None, unknown=str(error))


def charge(prices: PriceTable, price_id: str, units: float, problem: Problem) -> float:
    """US dollars for so many units.

    Raises:
        Unknown: when the price is not in the table, or what is there was never confirmed.
    """
    price = prices[price_id]
    if price.status_at(units) in ("unknown", "unverified"):
        raise Unknown(price_id)
    return price.charge(units, bool(problem.free_tier))


def bill(candidate: Candidate, problem: Problem, volume: float) -> Iterator[tuple[str, float]]:
    """A service's bill: price id and units of each line."""
    billing, item = candidate.billing, tables.assumptions()["item"]
    operations = problem.operations_per_item or item["operations_per_item"]
    characters = problem.characters_per_item or item["characters_per_item"]
    match billing["kind"]:
        case "item":
            yield billing["price"], volume * operations
        case "text":
            units = max(TEXT_UNITS_LEAST, math.ceil(characters / TEXT_UNIT_CHARACTERS))
            yield billing["price"], volume * operations * units
        case "character":
            yield billing["price"], volume * characters
        case "minute":
            minutes = max(
                problem.minutes_per_item or item["minutes_per_item"], billing.get("minimum_minutes", 0)
            )
            yield billing["price"], volume * operations * minutes
        case "tokens":
            seen = item["image_tokens"] if problem.modality in ("image", "video") else 0
            read = item["prompt_tokens"] + (seen or characters * item["tokens_per_character"])
            yield billing["input_price"], volume * read / 1000
            yield billing["output_price"], volume * item["output_tokens"] / 1000
        case "hosted_hours":
            units = max(1, math.ceil(peak_per_second(problem, volume) / billing["items_per_second"]))
            yield billing["price"], units * awake_hours(problem)
            yield billing["training_price"], tables.assumptions()["training"]["managed_hours"]
        case "hosted_units":
            characters_per_second = peak_per_second(problem, volume) * characters
            units = max(1, math.ceil(characters_per_second / billing["characters_per_second"]))
            yield billing["price"], units * awake_hours(problem) * SECONDS_PER_HOUR
            yield billing["training_price"], tables.assumptions()["training"]["managed_hours"]


def traffic(problem: Problem) -> dict[str, float]:
    """The shape of the load over the day."""
    return tables.assumptions()["traffic"][problem.burstiness or "business_hours"]


def awake_hours(problem: Problem) -> float:
    """Hours a month in which there is load at all; a service by the hour is switched off in the others."""
    return traffic(problem)["awake_hours"]


def peak_per_second(problem: Problem, volume: float) -> float:
    """Items a second at the peak."""
    hours = tables.assumptions()["capacity"]["hours_per_month"]
    return volume / (hours * SECONDS_PER_HOUR) * traffic(problem)["peak_over_mean"]


def is_small(candidate: Candidate, problem: Problem) -> bool:
    """Whether the model fits a function: features with boosting, texts, series and small images do."""
    if candidate.family == "traditional":
        return True
    pixels = problem.image_side_pixels
    return problem.modality not in ("image", "video") or (pixels is not None and pixels <= SMALL_IMAGE_PIXELS)


def own_cost(candidate: Candidate, problem: Problem, volume: float, prices: PriceTable) -> Cost:
    """The cheapest way of serving that is quick enough, with training and upkeep.

    Raises:
        Unknown: when the price of every way, or of training, is unknown.
    """
    found, missing = [], []
    for way, family, lines in ways_of_serving(candidate, problem, volume):
        try:
            found.append((sum(charge(prices, name, units, problem) for name, units in lines), way, family))
        except Unknown as error:
            missing.append(str(error))
    if not found:
        raise Unknown(missing[0])
    usd, way, family = min(found)
    size = (
        "traditional"
        if candidate.family == "traditional"
        else "small"
        if is_small(candidate, problem)
        else "large"
    )
    training = tables.assumptions()["training"][size]
    usd += charge(prices, training["price"], training["hours"], problem) + upkeep(problem)
    return Cost(usd, serving=way, instance_family=family)


def upkeep(problem: Problem) -> float:
    """What looking after an own model costs in people, US dollars a month."""
    said = problem.upkeep_usd_per_month
    return tables.assumptions()["upkeep"]["usd_per_month"] if said is None else said


def ways_of_serving(
    candidate: Candidate, problem: Problem, volume: float
) -> Iterator[tuple[str, str, list[tuple[str, float]]]]:
    """Each way that is quick enough: name, instance family, bill. An unknown latency wants an answer at once."""
    limit = problem.max_latency_ms if problem.max_latency_ms is not None else 1_000.0
    small = is_small(candidate, problem)
    size = "small" if small else "large"
    rates = tables.assumptions()["throughput"]
    if small:
        compute = rates["lambda"]["seconds"] * rates["lambda"]["memory_gb"]
        lines = [("lambda.request", volume), ("lambda.arm64.gb_second", volume * compute)]
        yield "a LiteRT model in a Lambda function", "", lines
    if limit >= COLD_START_MILLISECONDS:
        compute = rates["serverless"][f"{size}_seconds"] * rates["serverless"][f"{size}_memory_gb"]
        yield "a serverless endpoint", "", [("sagemaker.serverless.gb_second", volume * compute)]
    for way, name, family in (
        ("an endpoint on processors", "cpu_endpoint", "c5"),
        ("an endpoint on GPUs", "gpu_endpoint", "g4dn"),
    ):
        if name == "gpu_endpoint" or small or limit >= PROCESSOR_MILLISECONDS:
            hours = endpoint_hours(problem, volume, rates[name][size])
            yield way, family, [(rates[name]["price"], hours)]
    if limit >= ASYNCHRONOUS_MILLISECONDS:
        hours = volume / (rates["asynchronous"][size] * SECONDS_PER_HOUR)
        awake = max(hours, awake_hours(problem))
        yield (
            "an asynchronous endpoint that scales to zero",
            "g4dn",
            [(rates["asynchronous"]["price"], awake)],
        )
    if limit >= BATCH_MILLISECONDS:
        rate, batch = rates[f"batch_{size}"], tables.assumptions()["batch"]
        hours = (
            volume / (rate[size] * SECONDS_PER_HOUR) + batch["jobs_per_month"] * batch["start_hours_per_job"]
        )
        yield "batch transform", "m5" if small else "g4dn", [(rate["price"], hours)]


def endpoint_hours(problem: Problem, volume: float, items_per_second: float) -> float:
    """Instance hours a month of a real-time endpoint that scales between its peak and the rest of the day."""
    capacity, shape = tables.assumptions()["capacity"], traffic(problem)
    hours = capacity["hours_per_month"]
    mean = volume / (hours * SECONDS_PER_HOUR)
    one = items_per_second * capacity["target_utilisation"]
    in_peak, share = shape["peak_over_mean"] * mean, shape["peak_share"]
    outside = max(0.0, mean - in_peak * share) / (1 - share)
    least = capacity["minimum_instances"]
    instances = [max(least, math.ceil(rate / one)) for rate in (in_peak, outside)]
    return hours * (instances[0] * share + instances[1] * (1 - share))


def cascade_cost(candidate: Candidate, problem: Problem, volume: float, prices: PriceTable) -> Cost:
    """An own model for every item and the managed operation for the share that it is unsure of."""
    own = own_cost(candidate, problem, volume, prices)
    share = tables.assumptions()["item"]["cascade_share"]
    modality = "text" if problem.modality == "text" else "video" if problem.modality == "video" else "image"
    kind = {"text": "text", "video": "minute", "image": "item"}[modality]
    managed = Candidate(
        id="", family="managed", service="", operation="", tasks=frozenset(),
        billing={"kind": kind, "price": candidate.billing[f"{modality}_price"]},
    )  # fmt: skip
    asked = sum(
        charge(prices, name, units, problem) for name, units in bill(managed, problem, volume * share)
    )
    return Cost(own.monthly_usd + asked, serving=own.serving, instance_family=own.instance_family)


def break_even(first: Candidate, second: Candidate, problem: Problem) -> float | None:
    """The lowest volume, items a month, from which on `second` is cheaper than `first`; None where there is none.

    The first volume of VOLUMES with another sign is refined by bisection, to within a part in a million.
    """

    def difference(volume: float) -> float | None:
        costs = monthly_cost(first, problem, volume), monthly_cost(second, problem, volume)
        if any(cost.monthly_usd is None for cost in costs):
            return None
        return costs[0].monthly_usd - costs[1].monthly_usd

    before = None
    for volume in VOLUMES:
        here = difference(volume)
        if here is None:
            return None
        if here > 0 and before is not None:
            low, high = before, volume
            for _ in range(BREAK_EVEN_STEPS):
                middle = math.sqrt(low * high)
                low, high = (low, middle) if (difference(middle) or 0.0) > 0 else (middle, high)
            return high
        if here > 0:
            return None
        before = volume
    return None

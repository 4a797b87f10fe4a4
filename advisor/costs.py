"""What a candidate costs a month at a volume; a price that nobody could confirm leaves the candidate without a figure.

The model: managed operations by the item, text unit, character, minute or token; hosted custom models by the hour;
own models by the cheapest way of serving that is quick enough, plus one training a month. Its assumptions are in
``data/assumptions.toml``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

from advisor import tables
from advisor.prices import HOME_REGION, Price, PriceTable, price_table
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
PROMPT_MILLISECONDS = 1_000
BREAK_EVEN_STEPS = 40
BREAK_EVEN_TOLERANCE = 2e-5
VOLUMES = tuple(10 ** (exponent / 2) for exponent in range(4, 19))
"""Items a month, 100 to a billion, at which curves are drawn and break-evens looked for."""


KNOWN_BILLS_MOST = 10_000
# The answers that a bill depends on, by its kind. One piece of advice asks for the same bill again and again.
SERVICE_FIELDS = ("region", "free_tier", "operations_per_item")
OWN_FIELDS = ("region", "free_tier", "modality", "image_side_pixels", "burstiness", "upkeep_usd_per_month")
FIELDS_OF_KIND = {
    "item": SERVICE_FIELDS,
    "text": (*SERVICE_FIELDS, "characters_per_item"),
    "character": ("region", "free_tier", "characters_per_item"),
    "minute": (*SERVICE_FIELDS, "minutes_per_item"),
    "tokens": ("region", "free_tier", "modality", "characters_per_item"),
    "hosted_hours": ("region", "free_tier", "burstiness"),
    "hosted_units": ("region", "free_tier", "burstiness", "characters_per_item"),
    "own": OWN_FIELDS,
    "cascade": (*OWN_FIELDS, "operations_per_item", "characters_per_item", "minutes_per_item"),
}
OWN_KINDS = ("own", "cascade")
COST_FIELDS = frozenset(name for fields in FIELDS_OF_KIND.values() for name in fields) | {"max_latency_ms"}
"""Every answer that some candidate's bill depends on, besides the volume."""


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


Units = Callable[[float], float]
"""From items a month to billed units a month."""


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


@dataclass(frozen=True, slots=True)
class Straight:
    """A fixed sum of US dollars and so much for each item."""

    usd_per_item: float
    fixed_usd: float = 0.0

    def __call__(self, volume: float) -> float:
        return self.fixed_usd + self.usd_per_item * volume


Charge = Straight | Callable[[float], float | None]
"""From items a month to US dollars; None where the price is not in the table or was never confirmed."""


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
        per_item, fixed, curved = 0.0, 0.0, []
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


def share_of(charge: Charge, share: float) -> Charge:
    """What a charge comes to for a share of the items."""
    if isinstance(charge, Straight):
        return Straight(charge.usd_per_item * share, charge.fixed_usd)
    return lambda volume: charge(volume * share)


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

    def at(self, volume: float) -> Cost:
        """A month's cost with so many items."""
        usd, way = self.cheapest(volume)
        if usd is None:
            return Cost(None, self.unknown(volume))
        return Cost(usd, "", way.serving, way.instance_family)

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
        found = (lines.unknown(volume) for lines in (*(way.lines for way in self.ways), self.always))
        return next((price_id for price_id in found if price_id), "")


def monthly_cost(candidate: Candidate, problem: Problem, volume: float) -> Cost:
    """What `volume` items a month cost with this candidate."""
    return bill_of(candidate, problem).at(volume)


def bill_of(candidate: Candidate, problem: Problem) -> Bill:
    """The candidate's bill for this problem, without the ways that are not quick enough."""
    kind = candidate.billing["kind"]
    bill = known_bill(candidate.id, tuple([getattr(problem, name) for name in FIELDS_OF_KIND[kind]]))
    return quick_enough(bill, problem) if kind in OWN_KINDS else bill


def quick_enough(bill: Bill, problem: Problem) -> Bill:
    """The bill without the ways that take longer than an answer may; an unknown latency wants one at once."""
    limit = problem.max_latency_ms if problem.max_latency_ms is not None else PROMPT_MILLISECONDS
    ways = tuple([way for way in bill.ways if way.patience_milliseconds <= limit])
    return Bill(ways, bill.always, bill.fixed_usd)


def depends_on(candidate: Candidate, name: str) -> bool:
    """Whether the candidate's cost at the problem's volume can change with this answer."""
    kind = candidate.billing["kind"]
    is_own = kind in ("own", "cascade")
    return (
        name == "predictions_per_month"
        or name in FIELDS_OF_KIND[kind]
        or (name == "max_latency_ms" and is_own)
    )


@lru_cache(maxsize=KNOWN_BILLS_MOST)
def known_bill(candidate_id: str, answers: tuple) -> Bill:
    """The bill with all its ways, remembered for nothing but the answers that it depends on."""
    candidate = tables.candidates()[candidate_id]
    names = FIELDS_OF_KIND[candidate.billing["kind"]]
    return reckon(candidate, Answers(**dict(zip(names, answers, strict=True))))


def reckon(candidate: Candidate, problem: Problem | Answers) -> Bill:
    """`known_bill` without its memory."""
    prices = price_table(problem.region)
    if candidate.billing["kind"] == "own":
        return own_bill(candidate, problem)
    if candidate.billing["kind"] == "cascade":
        return cascade_bill(candidate, problem, prices)
    lines = priced(service_lines(candidate.billing, problem), problem, prices)
    return Bill((Way(Lines.of(lines)),))


def priced(
    lines: Iterable[tuple[str, Units]], problem: Problem | Answers, prices: PriceTable
) -> tuple[Line, ...]:
    """Lines with their prices from the table."""
    free_tier = bool(problem.free_tier)
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
            yield billing["price"], Linear(characters)
        case "minute":
            minutes = max(
                problem.minutes_per_item or item["minutes_per_item"], billing.get("minimum_minutes", 0)
            )
            yield billing["price"], Linear(operations * minutes)
        case "tokens":
            seen = item["image_tokens"] if problem.modality in ("image", "video") else 0
            read = item["prompt_tokens"] + (seen or characters * item["tokens_per_character"])
            yield billing["input_price"], Linear(read / 1000)
            yield billing["output_price"], Linear(item["output_tokens"] / 1000)
        case "hosted_hours":
            yield billing["price"], hosted(problem, 1 / billing["items_per_second"], 1.0)
            yield billing["training_price"], constant(tables.assumptions()["training"]["managed_hours"])
        case "hosted_units":
            load = characters / billing["characters_per_second"]
            yield billing["price"], hosted(problem, load, SECONDS_PER_HOUR)
            yield billing["training_price"], constant(tables.assumptions()["training"]["managed_hours"])


def hosted(problem: Problem | Answers, units_per_item_a_second: float, billed_per_hour: float) -> Units:
    """A hosted model's units: as many as its peak needs, one at least, for the hours in which there is load."""
    shape = traffic(problem)
    seconds = tables.assumptions()["capacity"]["hours_per_month"] * SECONDS_PER_HOUR
    peak, hours = units_per_item_a_second * shape["peak_over_mean"] / seconds, shape["awake_hours"]
    return lambda volume: max(1, math.ceil(volume * peak)) * hours * billed_per_hour


def traffic(problem: Problem | Answers) -> dict[str, float]:
    """The shape of the load over the day."""
    return tables.assumptions()["traffic"][problem.burstiness or "business_hours"]


def is_small(candidate: Candidate, problem: Problem | Answers) -> bool:
    """Whether the model fits a function: features with boosting, texts, series and small images do."""
    if candidate.family == "traditional":
        return True
    pixels = problem.image_side_pixels
    return problem.modality not in ("image", "video") or (pixels is not None and pixels <= SMALL_IMAGE_PIXELS)


def own_bill(candidate: Candidate, problem: Problem | Answers) -> Bill:
    """The ways of serving, with one training and the upkeep of a month."""
    traditional = candidate.family == "traditional"
    shape = (problem.region, bool(problem.free_tier), problem.burstiness)
    ways, training = serving_and_training(traditional, is_small(candidate, problem), *shape)
    return Bill(ways, training, upkeep(problem))


@cache
def serving_and_training(
    traditional: bool, small: bool, region: str, free_tier: bool, burstiness: str | None
) -> tuple[tuple[Way, ...], Lines]:
    """The ways of serving an own model and a month's training: a few dozen for each region, compiled once."""
    problem = Answers(region, free_tier, burstiness)
    # A way that has no sure price at home takes no part anywhere; one that has, and has none here, is not left out:
    # the bill would be that of a dearer way.
    prices = price_table(region)
    ways = tuple(
        Way(Lines.of(priced(lines, problem, prices)), *how)
        for lines, *how in ways_of_serving(traditional, small, problem)
        if all(is_sure_at_home(name) for name, _ in lines)
    )
    training = tables.assumptions()["training"][
        "traditional" if traditional else "small" if small else "large"
    ]
    return ways, Lines.of(priced([(training["price"], constant(training["hours"]))], problem, prices))


def upkeep(problem: Problem | Answers) -> float:
    """What looking after an own model costs in people, US dollars a month."""
    said = problem.upkeep_usd_per_month
    return tables.assumptions()["upkeep"]["usd_per_month"] if said is None else said


@cache
def is_sure_at_home(price_id: str) -> bool:
    """Whether somebody confirmed the price in the region whose prices are committed whole."""
    return price_table(HOME_REGION)[price_id].is_sure_at(0.0)


def ways_of_serving(
    traditional: bool, small: bool, problem: Answers
) -> Iterator[tuple[list[tuple[str, Units]], str, str, float]]:
    """Each way: bill, name, instance family, and the milliseconds that one has to be ready to wait."""
    size = "small" if small else "large"
    rates = tables.assumptions()["throughput"]
    if small:
        compute = rates["lambda"]["seconds"] * rates["lambda"]["memory_gb"]
        way = "a Lambda function" if traditional else "a LiteRT model in a Lambda function"
        yield [("lambda.request", Linear(1.0)), ("lambda.arm64.gb_second", Linear(compute))], way, "", 0.0
    compute = rates["serverless"][f"{size}_seconds"] * rates["serverless"][f"{size}_memory_gb"]
    lines = [("sagemaker.serverless.gb_second", Linear(compute))]
    yield lines, "a serverless endpoint", "", COLD_START_MILLISECONDS
    for way, name, family, wait in (
        ("an endpoint on processors", "cpu_endpoint", "c5", 0.0 if small else PROCESSOR_MILLISECONDS),
        ("an endpoint on GPUs", "gpu_endpoint", "g4dn", 0.0),
    ):
        yield [(rates[name]["price"], endpoint_hours(problem, rates[name][size]))], way, family, wait
    rate, awake = rates["asynchronous"], traffic(problem)["awake_hours"]
    an_hour = rate[size] * SECONDS_PER_HOUR
    lines = [(rate["price"], lambda volume: max(volume / an_hour, awake))]
    yield lines, "an asynchronous endpoint that scales to zero", "g4dn", ASYNCHRONOUS_MILLISECONDS
    rate, batch = rates[f"batch_{size}"], tables.assumptions()["batch"]
    started, in_batch = batch["jobs_per_month"] * batch["start_hours_per_job"], rate[size] * SECONDS_PER_HOUR
    lines = [(rate["price"], Linear(1 / in_batch, started))]
    yield lines, "batch transform", "m5" if small else "g4dn", BATCH_MILLISECONDS


def endpoint_hours(problem: Problem | Answers, items_per_second: float) -> Units:
    """Instance hours a month of a real-time endpoint that scales between its peak and the rest of the day."""
    capacity, shape = tables.assumptions()["capacity"], traffic(problem)
    hours, least = capacity["hours_per_month"], capacity["minimum_instances"]
    one = items_per_second * capacity["target_utilisation"] * hours * SECONDS_PER_HOUR
    share = shape["peak_share"]
    # Loads as multiples of the mean: in the peak, and in the rest of the time.
    peak = shape["peak_over_mean"]
    rest = max(0.0, 1.0 - peak * share) / (1 - share)

    def units(volume: float) -> float:
        busy, calm = max(least, math.ceil(volume * peak / one)), max(least, math.ceil(volume * rest / one))
        return hours * (busy * share + calm * (1 - share))

    return units


def cascade_bill(candidate: Candidate, problem: Problem | Answers, prices: PriceTable) -> Bill:
    """An own model for every item and the managed operation for the share that it is unsure of."""
    own = own_bill(candidate, problem)
    share = tables.assumptions()["item"]["cascade_share"]
    modality = "text" if problem.modality == "text" else "video" if problem.modality == "video" else "image"
    kind = {"text": "text", "video": "minute", "image": "item"}[modality]
    managed = {"kind": kind, "price": candidate.billing[f"{modality}_price"]}
    asked = priced(service_lines(managed, problem), problem, prices)
    return dataclasses.replace(own, always=own.always.and_share(asked, share))


def costs_at_volumes(candidate: Candidate, problem: Problem) -> list[float | None]:
    """US dollars a month at each of VOLUMES."""
    usd_at = bill_of(candidate, problem).usd_at
    return [usd_at(volume) for volume in VOLUMES]


def break_even(first: Candidate, second: Candidate, problem: Problem) -> float | None:
    """The lowest volume, items a month, from which on `second` is cheaper than `first`; None where there is none."""
    curves = [costs_at_volumes(one, problem) for one in (first, second)]
    return crossing(bill_of(first, problem), bill_of(second, problem), *curves)


def crossing(
    first: Bill, second: Bill, first_costs: list[float | None], second_costs: list[float | None]
) -> float | None:
    """`break_even` of two bills whose costs at VOLUMES are known already.

    The bracket around the first of VOLUMES at which the second is cheaper is narrowed by the Illinois method (Dowell
    and Jarratt 1971, BIT 11), to within BREAK_EVEN_TOLERANCE: bills are straight between their steps.
    """
    for position, (one, other) in enumerate(zip(first_costs, second_costs, strict=True)):
        if one is None or other is None:
            return None
        if one > other:
            if position == 0:
                return None
            below = first_costs[position - 1] - second_costs[position - 1]
            return narrowed(first, second, VOLUMES[position - 1], VOLUMES[position], below, one - other)
    return None


def narrowed(first: Bill, second: Bill, low: float, high: float, below: float, above: float) -> float:
    """The volume between `low` and `high` at which the second becomes cheaper.

    Args:
        first: dearer at `high`.
        second: dearer or equal at `low`.
        low: items a month.
        high: items a month.
        below: first minus second at `low`, 0 or less.
        above: first minus second at `high`, more than 0.
    """
    side = 0
    for _ in range(BREAK_EVEN_STEPS):
        if high - low <= BREAK_EVEN_TOLERANCE * high:
            break
        share = min(max(below / (below - above), 1e-5), 1 - 1e-5)
        middle = low + (high - low) * share
        difference = first.usd_at(middle) - second.usd_at(middle)
        if difference > 0:
            high, above, below = middle, difference, below / 2 if side > 0 else below
            side = 1
        else:
            low, below, above = middle, difference, above / 2 if side < 0 else above
            side = -1
    return high

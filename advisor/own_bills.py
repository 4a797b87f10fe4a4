"""What a model of one's own costs: each way of serving it, a training a month and its upkeep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from advisor import tables
from advisor.billed_answers import Answers
from advisor.bills import Bill, Way
from advisor.capacity import KILOBYTES_PER_GIGABYTE, SECONDS_PER_HOUR, endpoint_hours, traffic
from advisor.charges import Linear, Lines, Units, constant, priced
from advisor.prices import HOME_REGION, price_table
from advisor.problem import Problem
from advisor.tables import Candidate

SMALL_IMAGE_PIXELS = 64
# From here on an answer may come from a queue, or from a nightly job.
ASYNCHRONOUS_MILLISECONDS = 60_000
BATCH_MILLISECONDS = 3_600_000
# A large network needs about this long on a processor, and any server without provisioned capacity to start.
PROCESSOR_MILLISECONDS = 500
COLD_START_MILLISECONDS = 3_000


def own_bill(candidate: Candidate, problem: Problem | Answers) -> Bill:
    """The ways of serving, with one training and the upkeep of a month."""
    traditional = candidate.family == "traditional"
    shape = (problem.region, bool(problem.free_tier), problem.burstiness, problem.modality)
    ways, training = serving_and_training(traditional, is_small(candidate, problem), *shape)
    if only := candidate.billing.get("ways"):
        ways = tuple(way for way in ways if way.serving in only)
    return Bill(ways, training, upkeep(problem))


@cache
def serving_and_training(
    traditional: bool, small: bool, region: str, free_tier: bool, burstiness: str | None, modality: str | None
) -> tuple[tuple[Way, ...], Lines]:
    """The ways of serving an own model and a month's training: a few dozen for each region, compiled once."""
    problem = Answers(region, free_tier, burstiness, modality)
    # A way that has no sure price at home takes no part anywhere; one that has, and has none here, is not left out:
    # the bill would be that of a dearer way.
    prices = price_table(region)
    ways = tuple(
        Way(Lines.of(priced(lines, prices, free_tier)), serving, family, wait)
        for lines, serving, family, wait in ways_of_serving(traditional, small, problem)
        if all(is_sure_at_home(name) for name, _ in lines)
    )
    training = tables.assumptions()["training"][
        "traditional" if traditional else "small" if small else "large"
    ]
    return ways, Lines.of(priced([(training["price"], constant(training["hours"]))], prices, free_tier))


def is_small(candidate: Candidate, problem: Problem | Answers) -> bool:
    """Whether the model fits a function: features with boosting, texts, series and small images do."""
    if candidate.family == "traditional":
        return True
    pixels = problem.image_side_pixels
    return problem.modality not in ("image", "video") or (pixels is not None and pixels <= SMALL_IMAGE_PIXELS)


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
    data = ("sagemaker.endpoint.data_gb", Linear(gigabytes_of(problem)))
    lines: list[tuple[str, Units]] = [("sagemaker.serverless.gb_second", Linear(compute)), data]
    yield lines, "a serverless endpoint", "", COLD_START_MILLISECONDS
    for way, name, family, wait in (
        ("an endpoint on processors", "cpu_endpoint", "c5", 0.0 if small else PROCESSOR_MILLISECONDS),
        ("an endpoint on GPUs", "gpu_endpoint", "g4dn", 0.0),
    ):
        hours = endpoint_hours(problem, rates[name][size])
        yield [(rates[name]["price"], hours), data, *volume(rates[name], hours)], way, family, wait
    # What a queue hands over lies in S3: no data is charged for.
    rate, awake = rates["asynchronous"], traffic(problem)["awake_hours"]
    an_hour = rate[size] * SECONDS_PER_HOUR
    lines = [(rate["price"], lambda volume: max(volume / an_hour, awake))]
    yield lines, "an asynchronous endpoint that scales to zero", "g4dn", ASYNCHRONOUS_MILLISECONDS
    rate, batch = rates[f"batch_{size}"], tables.assumptions()["batch"]
    started, in_batch = batch["jobs_per_month"] * batch["start_hours_per_job"], rate[size] * SECONDS_PER_HOUR
    lines = [(rate["price"], Linear(1 / in_batch, started))]
    yield lines, "batch transform", "m5" if small else "g4dn", BATCH_MILLISECONDS


def gigabytes_of(problem: Answers) -> float:
    """What an endpoint is charged for an item as data: what it is sent, and its answer."""
    sent = tables.assumptions()["sent"]
    return (
        sent["item_kilobytes"][problem.modality or "image"] + sent["answer_kilobytes"]
    ) / KILOBYTES_PER_GIGABYTE


def volume(rate: Mapping[str, Any], hours: Units) -> Iterator[tuple[str, Units]]:
    """The disk of each instance that has none of its own, for the hours that the instance is there."""
    if gigabytes := rate.get("volume_gigabytes"):
        month = tables.assumptions()["capacity"]["hours_per_month"]
        yield "sagemaker.endpoint.volume_gb_month", lambda items: hours(items) * gigabytes / month

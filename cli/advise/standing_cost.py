"""What the synthesised app costs while it stands and nobody uses it, resource by resource."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.prices import PriceTable

HOURS_PER_MONTH = 730
# Types that are paid for as long as they exist; everything else in the app is paid for when it is used.
BY_THE_MONTH = {
    "AWS::KMS::Key": "kms.key",
    "AWS::CloudWatch::Alarm": "cloudwatch.alarm",
    "AWS::SecretsManager::Secret": "secretsmanager.secret",
    "AWS::WAFv2::WebACL": "waf.web_acl",
}


@dataclass(frozen=True)
class Line:
    """One kind of resource that costs money while it stands.

    Attributes:
        what: in words.
        count: of them.
        usd_per_hour: of all; None where the price is unknown.
        price: the price's id.
        when: from when on it is there.
    """

    what: str
    count: int
    usd_per_hour: float | None
    price: str
    when: str


def lines_of(templates: list[dict[str, Any]], prices: PriceTable) -> list[Line]:
    """The standing costs of templates, dearest first, unknown ones before them."""
    counts: dict[tuple[str, str, str, float], int] = {}
    for what, price, when, hours, count in standing(templates):
        key = (what, price, when, hours)
        counts[key] = counts.get(key, 0) + count
    lines = [
        Line(what, count, cost(prices, price, count, hours), price, when)
        for (what, price, when, hours), count in counts.items()
    ]
    return sorted(
        lines, key=lambda line: (line.usd_per_hour is not None, -(line.usd_per_hour or 0), line.what)
    )


def standing(templates: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, float, int]]:
    """What, price, since when, hours that one unit of the price covers, and how many."""
    for template in templates:
        for resource in template["Resources"].values():
            when = "once released" if "Condition" in resource else "deployed"
            if price := BY_THE_MONTH.get(resource["Type"]):
                yield resource["Type"].split("::", 1)[1], price, when, HOURS_PER_MONTH, 1
            if resource["Type"] == "AWS::WAFv2::WebACL":
                yield "WAFv2 rule", "waf.rule", when, HOURS_PER_MONTH, len(resource["Properties"]["Rules"])
            if resource["Type"] == "AWS::SageMaker::EndpointConfig":
                for what, price, count in idle_capacity(resource["Properties"]):
                    yield what, price, when, 1, count


def idle_capacity(configuration: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    """What an endpoint keeps while nobody asks it: what, price and how many of it."""
    # The scaling of an asynchronous endpoint takes its last instance away.
    if "AsyncInferenceConfig" in configuration:
        return
    for variant in configuration["ProductionVariants"]:
        # Serverless variants have no instances, and cost nothing but for what is kept ready.
        if ready := variant.get("ServerlessConfig", {}).get("ProvisionedConcurrency"):
            yield "serverless endpoint's provisioned concurrency", "sagemaker.serverless.provisioned", ready
        scaling = variant.get("ManagedInstanceScaling", {})
        if count := scaling.get("MinInstanceCount", variant.get("InitialInstanceCount")):
            instance = variant["InstanceType"]
            yield f"endpoint instance {instance}", f"sagemaker.{instance}.hosting", count


def cost(prices: PriceTable, price: str, count: int, hours: float) -> float | None:
    """US dollars an hour of so many; None where the price is unknown or was never confirmed."""
    if not prices[price].is_sure_at(count):
        return None
    return prices[price].charge(1) * count / hours


def templates_in(assembly: Path) -> list[dict[str, Any]]:
    """Every template of a synthesised cloud assembly."""
    return [json.loads(file.read_bytes()) for file in sorted(assembly.glob("*.template.json"))]


def facts(lines: list[Line]) -> dict[str, Any]:
    """The bill for a program: its lines, the sum of what is known, and what is not."""
    known = sum(line.usd_per_hour for line in lines if line.usd_per_hour is not None)
    return {
        "lines": [vars(line) for line in lines],
        "usd_per_hour": round(known, 4),
        "usd_per_month": round(known * HOURS_PER_MONTH, 2),
        "unknown_prices": [line.price for line in lines if line.usd_per_hour is None],
    }


def sum_in_words(bill: dict[str, Any]) -> str:
    """The sum of `facts` as sentences; with an unknown price it is no more than the least that it may be."""
    unknown = bill["unknown_prices"]
    left_out = f" That leaves out what has no known price: {', '.join(unknown)}." if unknown else ""
    return (
        f"Together {'at least ' if unknown else ''}{bill['usd_per_hour']:.4f} US dollars an hour, "
        f"{bill['usd_per_month']:,.2f} a month, before tax.{left_out} "
        "Requests, storage, training and logs come on top by use."
    )

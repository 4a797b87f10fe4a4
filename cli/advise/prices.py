"""`recognition prices refresh`: asks the AWS Price List API and writes what it answers into the advisor's tables."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from advisor.prices import Price, apply_price_list, parse_price
from cli.shared.errors import CommandFailed

FILES = ("prices_managed.toml", "prices_compute.toml")
BLOCK = re.compile(r"^\[\[price\]\]\n", re.MULTILINE)
# Not an attribute of a product: the end that its usage type has in every region, behind the region's own letters.
USAGE_TYPE_END = "usagetype_ends"


@dataclass(frozen=True)
class Refreshed:
    """What became of one price.

    Attributes:
        before: US dollars of the first tier, None where the price was unknown or not in the table for the region.
        after: the same from the Price List; None where it could not be refreshed, and `reason` says why.
    """

    id: str
    before: float | None
    after: float | None
    reason: str = ""


def refresh(
    client: Any, region: str, directory: Path, today: date, on_detail: Callable[[str], None]
) -> list[Refreshed]:
    """Asks for every price that the Price List can tell and writes the tables in `directory`.

    Args:
        client: boto3's of the service `pricing`.
        region: whose prices; one that the tables lack is added.
        directory: holds FILES.
        today: the date of the new prices.
        on_detail: is told which price is asked for.

    Raises:
        CommandFailed: when there are no credentials, or they may not ask; nothing is written then.
    """
    changes, texts = [], {}
    for name in FILES:
        text = (directory / name).read_text(encoding="utf-8")
        for price in askable(text, region):
            on_detail(price.id)
            answer, result = ask(client, price, region, today)
            changes.append(result)
            if answer is not None:
                text = with_price(text, answer)
        texts[name] = text
    for name, text in texts.items():
        for entry in tomllib.loads(text)["price"]:
            parse_price(entry)
        (directory / name).write_text(text, encoding="utf-8")
    return changes


def askable(text: str, region: str) -> Iterator[Price]:
    """The prices of a table that name a query, once each, those of `region` where it has them."""
    prices = [parse_price(entry) for entry in tomllib.loads(text)["price"]]
    of_region = {price.id: price for price in prices if price.region == region}
    for price in {price.id: price for price in prices if price.price_list}.values():
        yield of_region.get(price.id, price)


def ask(client: Any, price: Price, region: str, today: date) -> tuple[Price | None, Refreshed]:
    """The price as the Price List has it, or None; and what is told of it."""
    before = price.tiers[0].usd if price.tiers and price.region == region else None
    products = matching(client, price, region)
    answers = {}
    for product in products:
        try:
            answer = apply_price_list(price, product, region, today)
        except ValueError:
            # A product without an on-demand price is no offer to compare.
            continue
        answers[answer.tiers] = answer
    if len(answers) != 1:
        what = "several products with different prices" if answers else "no product with an on-demand price"
        reason = f"The Price List has {what} for {query_of(price)} in {region}."
        return None, Refreshed(price.id, before, None, reason)
    (answer,) = answers.values()
    return answer, Refreshed(price.id, before, answer.tiers[0].usd)


def query_of(price: Price) -> dict[str, str]:
    """The Price List's query of a price that has one."""
    if price.price_list is None:
        raise ValueError(f"The price {price.id} has no query of the Price List.")
    return dict(price.price_list)


def matching(client: Any, price: Price, region: str) -> list[dict[str, Any]]:
    """The parsed products that fit the price's query, from every page; see `refresh` for what is raised."""
    from botocore.exceptions import ClientError, NoCredentialsError

    wanted = query_of(price)
    service, end = wanted.pop("service"), wanted.pop(USAGE_TYPE_END, "")
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in {"regionCode": region, **wanted}.items()
    ]
    try:
        pages = client.get_paginator("get_products").paginate(ServiceCode=service, Filters=filters)
        products = [json.loads(product) for page in pages for product in page["PriceList"]]
    except NoCredentialsError as error:
        raise CommandFailed(
            "There are no AWS credentials, and the Price List API answers nobody without. Configure some that may call "
            "pricing:GetProducts (aws configure, or AWS_PROFILE), then run it again; the tables are as they were."
        ) from error
    except ClientError as error:
        raise CommandFailed(
            f"The Price List API refused the question for {price.id}: {error.response['Error']['Message']} The "
            "credentials need pricing:GetProducts; the tables are as they were."
        ) from error
    return [
        product for product in products if product["product"]["attributes"].get("usagetype", "").endswith(end)
    ]


def with_price(text: str, price: Price) -> str:
    """The table with the price's block replaced, or added at its end; everything else stays as it is."""
    starts = [match.start() for match in BLOCK.finditer(text)]
    for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
        (entry,) = tomllib.loads(text[start:stop])["price"]
        if (entry["id"], entry["region"]) == (price.id, price.region):
            between = "\n" if stop < len(text) else ""
            return text[:start] + block_of(price) + between + text[stop:]
    return text.rstrip("\n") + "\n\n" + block_of(price)


def block_of(price: Price) -> str:
    """One price as TOML."""
    tiers = [
        f"{{ {f'up_to = {number(tier.up_to)}, ' if tier.up_to is not None else ''}"
        f'usd = {number(tier.usd)}, status = "{tier.status}" }}'
        for tier in price.tiers
    ]
    listed = f"[{tiers[0]}]" if len(tiers) == 1 else "[\n" + "".join(f"  {tier},\n" for tier in tiers) + "]"
    query = ", ".join(f"{field} = {json.dumps(value)}" for field, value in query_of(price).items())
    lines = [
        "[[price]]",
        f"id = {json.dumps(price.id)}",
        f"region = {json.dumps(price.region)}",
        f"unit = {json.dumps(price.unit)}",
        f"date = {price.date.isoformat()}",
        f"source = {json.dumps(price.source)}",
        f"tiers = {listed}",
    ]
    if price.free_units:
        lines.append(f"free_units = {number(price.free_units)}")
    if price.note:
        lines.append(f"note = {json.dumps(price.note, ensure_ascii=False)}")
    return "\n".join([*lines, f"price_list = {{ {query} }}"]) + "\n"


def number(value: float) -> str:
    """A number without an exponent and without a needless point."""
    return f"{value:.12f}".rstrip("0").rstrip(".")

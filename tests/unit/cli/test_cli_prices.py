"""`recognition prices refresh`: what the Price List answers becomes the tables, and nothing else changes."""

from __future__ import annotations

import datetime
import json
import shutil
import tomllib

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import ANY, Stubber

from advisor import tables
from advisor.prices import parse_price
from cli.advise import prices
from cli.shared.errors import CommandFailed

TODAY = datetime.date(2026, 12, 1)
TABLE = """# A comment that stays.

[[price]]
id = "other"
region = "us-east-1"
unit = "hour"
date = 2026-05-05
source = "https://example.com/"
tiers = [{ usd = 4.0, status = "secondary" }]

[[price]]
id = "sagemaker.ml.c5.xlarge.hosting"
region = "us-east-1"
unit = "hour"
date = 2026-05-05
source = "https://aws.amazon.com/sagemaker/ai/pricing/"
tiers = [{ usd = 0.204, status = "quoted" }]
price_list = { service = "AmazonSageMaker", instanceName = "ml.c5.xlarge", component = "Hosting" }
"""


def product(*tiers: tuple[str, str, str], **attributes: str) -> str:
    """One entry of PriceList: tiers of (from, to, US dollars), in no order."""
    dimensions = {
        f"sku.code.{i}": {
            "unit": "Hrs",
            "beginRange": begin,
            "endRange": end,
            "pricePerUnit": {"USD": usd},
            "appliesTo": [],
        }
        for i, (begin, end, usd) in enumerate(reversed(tiers))
    }
    terms = {"OnDemand": {"sku.code": {"priceDimensions": dimensions}}} if tiers else {}
    return json.dumps(
        {
            "serviceCode": "AmazonSageMaker",
            "product": {"sku": "sku", "attributes": attributes},
            "terms": terms,
        }
    )


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setattr(prices, "FILES", ("a.toml",))
    (tmp_path / "a.toml").write_text(TABLE)
    return tmp_path


def refreshed(
    directory, answers: list[dict], region: str = "us-east-1", expected=ANY
) -> list[prices.Refreshed]:
    client = boto3.client(
        "pricing", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stub:
        for answer in answers:
            stub.add_response("get_products", answer, expected if isinstance(expected, dict) else None)
        return prices.refresh(client, region, directory, TODAY, lambda _: None)


def entries(directory) -> dict[tuple[str, str], dict]:
    return {
        (entry["id"], entry["region"]): entry
        for entry in tomllib.loads((directory / "a.toml").read_text())["price"]
    }


def test_a_new_price_replaces_the_old_one_and_leaves_the_rest(directory):
    wanted = {"regionCode": "us-east-1", "instanceName": "ml.c5.xlarge", "component": "Hosting"}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    (change,) = refreshed(
        directory,
        [{"PriceList": [product(("0", "Inf", "0.2100000000"))]}],
        expected={"ServiceCode": "AmazonSageMaker", "Filters": filters},
    )
    assert (change.before, change.after) == (0.204, 0.21)
    entry = entries(directory)["sagemaker.ml.c5.xlarge.hosting", "us-east-1"]
    assert entry["tiers"] == [{"usd": 0.21, "status": "quoted"}]
    assert (entry["date"], entry["source"][:8]) == (TODAY, "https://")
    text = (directory / "a.toml").read_text()
    assert (
        text[: text.index('[[price]]\nid = "sagemaker')] == TABLE[: TABLE.index('[[price]]\nid = "sagemaker')]
    )


def test_tiers_come_in_their_order_and_small_prices_keep_their_digits(directory):
    tiers = [("0", "1000", "0.0000133334"), ("1000", "2500", "0.0000120001"), ("2500", "Inf", "0.0000106667")]
    refreshed(directory, [{"PriceList": [product(*tiers)]}])
    entry = entries(directory)["sagemaker.ml.c5.xlarge.hosting", "us-east-1"]
    assert entry["tiers"] == [
        {"up_to": 1000, "usd": 0.0000133334, "status": "quoted"},
        {"up_to": 2500, "usd": 0.0000120001, "status": "quoted"},
        {"usd": 0.0000106667, "status": "quoted"},
    ]
    assert parse_price(entry).charge(2_000) == pytest.approx(1_000 * 0.0000133334 + 1_000 * 0.0000120001)


def test_another_region_is_added_beside_the_first(directory):
    refreshed(directory, [{"PriceList": [product(("0", "Inf", "0.25"))]}], region="eu-central-1")
    change = entries(directory)
    assert change["sagemaker.ml.c5.xlarge.hosting", "us-east-1"]["tiers"][0]["usd"] == 0.204
    assert change["sagemaker.ml.c5.xlarge.hosting", "eu-central-1"]["tiers"][0]["usd"] == 0.25


def test_every_page_is_read_and_a_product_without_an_offer_is_none(directory):
    pages = [{"PriceList": [product()], "NextToken": "more"}, {"PriceList": [product(("0", "Inf", "0.3"))]}]
    (change,) = refreshed(directory, pages)
    assert change.after == 0.3


def test_the_end_of_a_usage_type_chooses_among_the_products(directory):
    text = TABLE.replace(
        'instanceName = "ml.c5.xlarge", component = "Hosting"', 'usagetype_ends = "Lite-input"'
    )
    (directory / "a.toml").write_text(text)
    offers = [
        product(("0", "Inf", "1.0"), usagetype="USE1-Pro-input"),
        product(("0", "Inf", "2.0"), usagetype="USE1-Lite-input"),
    ]
    (change,) = refreshed(directory, [{"PriceList": offers}])
    assert change.after == 2.0


@pytest.mark.parametrize(
    ("offers", "sentence"),
    [
        ([], "no product with an on-demand price"),
        (
            [product(("0", "Inf", "1.0")), product(("0", "Inf", "2.0"))],
            "several products with different prices",
        ),
    ],
)
def test_an_answer_that_is_not_one_price_changes_nothing_and_says_why(directory, offers, sentence):
    (change,) = refreshed(directory, [{"PriceList": offers}])
    assert change.after is None and sentence in change.reason
    assert (directory / "a.toml").read_text() == TABLE


def test_without_credentials_there_is_a_sentence_and_nothing_is_written(directory):
    class Nobody:
        def get_paginator(self, name):
            raise NoCredentialsError

    with pytest.raises(CommandFailed, match="There are no AWS credentials"):
        prices.refresh(Nobody(), "us-east-1", directory, TODAY, lambda _: None)
    assert (directory / "a.toml").read_text() == TABLE


def test_credentials_that_may_not_ask_are_told_what_they_need(directory):
    client = boto3.client(
        "pricing", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stub, pytest.raises(CommandFailed, match="need pricing:GetProducts"):
        stub.add_client_error("get_products", "AccessDeniedException", "You may not.")
        prices.refresh(client, "us-east-1", directory, TODAY, lambda _: None)


def test_every_query_of_the_committed_tables_can_be_written_back(tmp_path):
    for name in prices.FILES:
        shutil.copy(tables.DATA / name, tmp_path / name)
        text = (tmp_path / name).read_text()
        before = {(entry["id"], entry["region"]): entry for entry in tomllib.loads(text)["price"]}
        for price in prices.askable(text, "us-east-1"):
            text = prices.with_price(text, price)
        assert {(entry["id"], entry["region"]): entry for entry in tomllib.loads(text)["price"]} == before

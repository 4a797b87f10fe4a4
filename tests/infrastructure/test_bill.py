"""The standing costs that `recognition cost` reads from the templates, against figures worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.prices import price_table
from cli.advise import standing_cost

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "costs.md").read_text(encoding="utf-8")


def bill_of(templates: dict[str, dict], region: str = "us-east-1") -> dict[str, standing_cost.Line]:
    return {line.what: line for line in standing_cost.lines_of(list(templates.values()), price_table(region))}


def test_dev_has_one_instance_for_each_network_once_released(dev):
    line = bill_of(dev)["endpoint instance ml.g4dn.xlarge"]
    assert (line.count, line.when) == (2, "once released")
    assert line.usd_per_hour == pytest.approx(2 * 0.7364)


def test_prod_has_two(prod):
    assert bill_of(prod)["endpoint instance ml.g4dn.xlarge"].usd_per_hour == pytest.approx(4 * 0.7364)


def test_before_the_first_release_the_key_alone_costs_money(dev):
    deployed = [line for line in bill_of(dev).values() if line.when == "deployed"]
    assert [(line.what, line.count) for line in deployed] == [("KMS::Key", 1)]
    assert deployed[0].usd_per_hour * 730 == pytest.approx(1)


def test_prods_firewall_costs_what_the_page_says(prod):
    lines = bill_of(prod)
    acl, rules = lines["WAFv2::WebACL"], lines["WAFv2 rule"]
    monthly = (acl.usd_per_hour + rules.usd_per_hour) * 730
    assert f"a web ACL with {rules.count} rules | deployed | {monthly:.0f} a month" in PAGE


def test_the_pages_monthly_figures_are_these(dev):
    hourly = bill_of(dev)["endpoint instance ml.g4dn.xlarge"].usd_per_hour / 2
    assert f"{hourly:.4f} an hour, about {hourly * 730:,.0f} a month" in PAGE
    assert f"{hourly * 2:.4f} an hour, about {hourly * 2 * 730:,.0f} a month" in PAGE


def test_an_unknown_price_is_named_and_left_out_of_the_sum(dev):
    facts = standing_cost.facts(standing_cost.lines_of(list(dev.values()), price_table("eu-central-1")))
    assert facts["usd_per_hour"] == 0
    assert "sagemaker.ml.g4dn.xlarge.hosting" in facts["unknown_prices"]

"""Bills, against figures worked out by hand; what is unknown stays unknown."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from advisor import Problem, costs, tables
from advisor.bills import MonthlyCost
from advisor.break_even import break_even
from advisor.capacity import endpoint_hours
from advisor.costs import monthly_cost
from advisor.prices import all_prices, parse_price, price_table
from advisor.problem import CHOICES
from advisor.ranges import CostRange, cost_range
from advisor.service_bills import service_lines


def cost(candidate: str, volume: float, **answers) -> MonthlyCost:
    problem = Problem(**{"modality": "image", "task": "classification", **answers})
    return monthly_cost(tables.candidates()[candidate], problem, volume)


def test_images_are_billed_by_tier_and_operation():
    # 1,000,000 at 0.001 and 500,000 at 0.0008
    assert cost("rekognition.detect_labels", 1_500_000).monthly_usd == pytest.approx(1_400)
    # two operations on each of 500,000 images
    assert cost("rekognition.detect_labels", 500_000, operations_per_item=2).monthly_usd == pytest.approx(
        1_000
    )


def test_two_and_a_half_million_images_cost_what_awss_own_example_says():
    """Rekognition's pricing page, read on 2026-10-07: a million at 0.0010 and the next 1.5 million at 0.0008."""
    assert cost("rekognition.detect_labels", 2_500_000).monthly_usd == pytest.approx(2_200)


def test_a_custom_classifier_is_billed_for_its_endpoint_its_training_and_its_keep():
    """Comprehend's pricing page, read on 2026-09-20: 0.0005 a unit and second, 3 an hour of training, 0.50 a month."""
    text = {"modality": "text", "task": "classification", "characters_per_item": 100, "burstiness": "steady"}
    hours = tables.assumptions()["training"]["managed_hours"]
    # One unit, all month long: an endpoint is billed while it is there.
    expected = 730 * 3600 * 0.0005 + 3 * hours + 0.5
    assert cost("comprehend.classify_document", 1_000, **text).monthly_usd == pytest.approx(expected)


def test_a_service_of_an_unknown_kind_of_billing_is_refused():
    # Not a bill of nothing, which would put it first.
    with pytest.raises(ValueError, match="no service is billed by 'wish'"):
        list(service_lines({"kind": "wish"}, Problem()))


@pytest.mark.parametrize(("characters", "units"), [(1, 3), (300, 3), (301, 4), (1_000, 10)])
def test_texts_are_billed_by_hundred_characters_and_at_least_three_units(characters, units):
    text = {"modality": "text", "task": "sentiment", "characters_per_item": characters}
    assert cost("comprehend.detect_sentiment", 10_000, **text).monthly_usd == pytest.approx(units)


def test_the_free_tier_is_taken_off_when_the_account_has_it():
    assert cost("rekognition.detect_labels", 1_000, free_tier=True).monthly_usd == 0
    assert cost("rekognition.detect_labels", 1_001, free_tier=True).monthly_usd == pytest.approx(0.001)


def test_an_idle_endpoint_still_costs_its_instance():
    large = {"image_side_pixels": 512, "upkeep_usd_per_month": 0.0}
    # 730 h of ml.c5.xlarge at 0.204 with a volume of 20 GB at 0.14, and 4 h of training on ml.g4dn.xlarge at 0.7364
    expected = 730 * 0.204 + 20 * 0.14 + 4 * 0.7364
    assert cost("cnn", 100, **large).monthly_usd == pytest.approx(expected, abs=0.001)


def test_an_endpoint_is_charged_for_the_data_that_it_is_sent_and_answers():
    at_once = {"image_side_pixels": 512, "max_latency_ms": 50.0, "burstiness": "steady"}
    few, many = (cost("cnn", volume, **at_once).monthly_usd for volume in (100_000, 1_100_000))
    # 200 KB of an image and 1 KB of its answer at 0.016 a GB; one instance answers either.
    assert many - few == pytest.approx(1_000_000 * 201 / 1e6 * 0.016)


def test_an_endpoint_grows_with_its_peak():
    problem = Problem(modality="image", task="classification", burstiness="steady")
    # A mean of 30 a second: 60 in the peak, a fifth of the time, 22.5 in the rest; one instance takes 28.
    hours = endpoint_hours(problem, 40.0)(30 * 730 * 3600)
    assert hours == pytest.approx(730 * (3 * 0.2 + 1 * 0.8))


@pytest.mark.parametrize(
    ("milliseconds", "pixels", "way"),
    [
        (50, 32, "a LiteRT model in a Lambda function"),
        (50, 512, "an endpoint on GPUs"),
        (1_000, 512, "an endpoint on processors"),
        (3_000, 512, "a serverless endpoint"),
        (4e6, 512, "batch transform"),
    ],
)
def test_a_model_is_served_in_the_cheapest_way_that_is_quick_enough(milliseconds, pixels, way):
    monthly = cost("cnn", 100_000, max_latency_ms=float(milliseconds), image_side_pixels=pixels)
    assert monthly.serving == way


def test_a_price_that_nobody_confirmed_leaves_the_candidate_without_a_figure():
    monthly = cost("textract.analyze_id", 1_000, task="identity_document")
    assert (monthly.monthly_usd, monthly.unknown) == (None, "textract.analyze_id.page")
    # The first tiers are quoted, the last one is not.
    assert cost("rekognition.detect_labels", 10**8).monthly_usd is None


def test_another_region_has_no_prices_until_somebody_adds_them():
    assert cost("rekognition.detect_labels", 1_000, region="sa-east-1").unknown == "rekognition.image.group2"


def test_another_regions_own_prices_are_used():
    assert cost("rekognition.detect_labels", 1_000, region="eu-central-1").monthly_usd == pytest.approx(1.2)
    # Above the first million nobody confirmed a price there.
    assert cost("rekognition.detect_labels", 2e6, region="eu-central-1").monthly_usd is None


def test_a_way_of_serving_without_a_price_is_not_replaced_by_a_dearer_one():
    at_once = {"max_latency_ms": 50.0, "image_side_pixels": 512}
    assert cost("cnn", 1_000, **at_once, region="eu-west-1").monthly_usd is not None
    small = cost("cnn", 1_000, image_side_pixels=32, region="eu-west-1")
    assert (small.monthly_usd, small.unknown) == (None, "lambda.request")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(tables.candidates())), st.integers(1, 10**8), st.floats(1, 5))
def test_more_items_never_cost_less(candidate, volume, factor):
    modality, task = sorted(tables.candidates()[candidate].tasks)[0].split(":")
    problem = Problem(modality=modality, task=task)
    few, many = (
        monthly_cost(tables.candidates()[candidate], problem, n).monthly_usd
        for n in (volume, volume * factor)
    )
    assume(few is not None and many is not None)
    assert many >= few * (1 - 1e-9)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(tables.candidates())),
    st.fixed_dictionaries(
        {},
        optional={
            "labelled_examples": st.integers(0, 10**6),
            "burstiness": st.sampled_from(CHOICES["burstiness"]),
            "max_latency_ms": st.floats(1, 10**7),
            "operations_per_item": st.integers(1, 5),
            "upkeep_usd_per_month": st.floats(0, 1e4),
            "free_tier": st.booleans(),
            "team": st.sampled_from(CHOICES["team"]),
        },
    ),
)
def test_a_remembered_cost_is_the_one_that_would_be_reckoned(candidate, answers):
    modality, task = sorted(tables.candidates()[candidate].tasks)[0].split(":")
    problem = Problem(modality=modality, task=task, **answers)
    entry = tables.candidates()[candidate]
    reckoned = costs.quick_enough(costs.reckon(entry, problem), problem)
    assert monthly_cost(entry, problem, 50_000) == reckoned.at(50_000)


def test_at_the_break_even_both_cost_the_same():
    problem = Problem(modality="image", task="classification", image_side_pixels=32)
    service, own = tables.candidates()["rekognition.detect_labels"], tables.candidates()["cnn"]
    volume = break_even(service, own, problem)
    bills = [monthly_cost(entry, problem, volume).monthly_usd for entry in (service, own)]
    assert bills[0] == pytest.approx(bills[1], rel=1e-4)
    assert break_even(own, service, problem) is None


def test_every_price_has_a_unit_a_date_and_a_source():
    for price in all_prices():
        assert price.unit and price.source.startswith("https://") and price.date.year >= 2026


def test_every_price_that_a_candidate_or_an_assumption_names_is_in_the_table():
    known = {price.id for price in price_table("us-east-1")}
    named = {
        value
        for candidate in tables.candidates().values()
        for key, value in candidate.billing.items()
        if "price" in key
    }
    named |= {rate["price"] for rate in tables.assumptions()["throughput"].values() if "price" in rate}
    assert named <= known


@pytest.mark.parametrize(
    "tiers",
    [
        [{"usd": 1.0, "status": "quoted", "up_to": 10}],
        [{"usd": 1.0, "status": "quoted"}, {"usd": 2.0, "status": "quoted"}],
        [{"usd": 1.0, "status": "rumoured"}],
        [{"usd": -1.0, "status": "quoted"}],
    ],
)
def test_a_price_with_impossible_tiers_is_refused(tiers):
    with pytest.raises(ValueError, match="x:"):
        parse_price(
            {"id": "x", "region": "us-east-1", "unit": "u", "date": None, "source": "s", "tiers": tiers}
        )


def range_of(candidate: str, volume: float, **answers) -> CostRange | None:
    problem = Problem(**{"modality": "image", "task": "classification", **answers})
    return cost_range(tables.candidates()[candidate], problem, volume)


def test_what_nobody_said_makes_a_bill_a_range_that_names_it():
    """One unit of Custom Labels is there all month, or while there is load: 4 an hour, and its training for two."""
    found = range_of("rekognition.detect_custom_labels", 10_000)
    assert found == CostRange(60 * 4.0 + 2, 730 * 4.0 + 2, ("burstiness",))
    steady = range_of("rekognition.detect_custom_labels", 10_000, burstiness="steady")
    assert steady == CostRange(730 * 4.0 + 2, 730 * 4.0 + 2, ())


def test_the_unknown_that_changes_a_bill_most_is_named_first():
    found = range_of("comprehend.detect_sentiment", 10_000, modality="text", task="sentiment")
    # 3 units for up to 300 characters, 20 for 2,000; one operation, or three.
    assert (found.low_usd, found.high_usd) == pytest.approx((3.0, 60.0))
    assert found.depends_on == ("characters_per_item", "operations_per_item")


def test_a_range_without_a_known_upper_end_says_so():
    found = range_of("rekognition.detect_labels", 2e7)
    # Three operations on each reach the tier that nobody confirmed.
    assert (found.high_usd, found.depends_on) == (None, ("operations_per_item",))
    assert range_of("lookoutvision.detect_anomalies", 1_000) is None


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(tables.candidates())), st.integers(1, 10**7))
def test_a_bill_lies_within_its_range(candidate, volume):
    modality, task = sorted(tables.candidates()[candidate].tasks)[0].split(":")
    found = range_of(candidate, volume, modality=modality, task=task)
    stated = cost(candidate, volume, modality=modality, task=task).monthly_usd
    assert (found is None) == (stated is None)
    if found and found.high_usd is not None:
        assert found.low_usd <= stated <= found.high_usd

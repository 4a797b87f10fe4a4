"""A month's budget in DynamoDB cannot be exceeded, and what was not spent comes back."""

from __future__ import annotations

from datetime import UTC, datetime

from lambdas.common.budget import Budget

NOVEMBER, DECEMBER = datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


def test_reservations_stop_at_the_last_one_that_fits(dynamodb, empty_table):
    budget = Budget(dynamodb, empty_table, "text-sentiment", 0.001, now=lambda: NOVEMBER)
    made = [budget.reserve(0.0003) is not None for _ in range(5)]
    assert made == [True, True, True, False, False]
    # What is left of the month still holds something smaller.
    assert budget.reserve(0.0001) is not None
    assert budget.reserve(0.000000001) is None


def test_an_amount_above_the_whole_budget_is_never_reserved(dynamodb, empty_table):
    assert Budget(dynamodb, empty_table, "text-sentiment", 0.001).reserve(0.002) is None


def test_what_was_not_spent_comes_back_to_the_month_in_which_it_was_reserved(dynamodb, empty_table):
    clock = iter([NOVEMBER, DECEMBER, NOVEMBER])
    budget = Budget(dynamodb, empty_table, "text-sentiment", 0.001, now=lambda: next(clock))
    november, december = budget.reserve(0.001), budget.reserve(0.001)
    assert november is not None and december is not None
    november.settle(0.0004)
    assert budget.reserve(0.0006) is not None
    items = dynamodb.scan(TableName=empty_table)["Items"]
    assert {item["id"]["S"]: int(item["reserved"]["N"]) for item in items} == {
        "text-sentiment#2026-11": 1_000_000,
        "text-sentiment#2026-12": 1_000_000,
    }
    assert all(int(item["expires_at"]["N"]) > DECEMBER.timestamp() for item in items)


def test_two_operations_have_budgets_of_their_own(dynamodb, empty_table):
    for name in ("text-sentiment", "image-labels"):
        assert Budget(dynamodb, empty_table, name, 0.001).reserve(0.001) is not None


def test_an_hours_budget_begins_anew_with_the_hour_and_is_forgotten_soon(dynamodb, empty_table):
    clock = iter([NOVEMBER, NOVEMBER, DECEMBER])
    budget = Budget(dynamodb, empty_table, "deployment", 0.001, now=lambda: next(clock), period="hour")
    assert [budget.reserve(0.001) is not None for _ in range(3)] == [True, False, True]
    items = {
        item["id"]["S"]: int(item["expires_at"]["N"])
        for item in dynamodb.scan(TableName=empty_table)["Items"]
    }
    assert items.keys() == {"deployment#2026-11-30T23", "deployment#2026-12-01T00"}
    assert max(items.values()) == DECEMBER.timestamp() + 2 * 24 * 3600

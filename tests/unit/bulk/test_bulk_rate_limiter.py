"""The token bucket: no more calls than the rate lets through, whoever takes them and whatever their clocks say."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.bulk.rate_limiter import QueueTooLong, RateLimiter

from ..conftest import TABLE


def bucket(dynamodb, name: str, now, rate: float = 10.0, longest: float = 60.0) -> RateLimiter:
    return RateLimiter(dynamodb, TABLE, name, rate, longest, now)


def test_a_bucket_that_nobody_used_gives_at_once_and_then_lets_wait(dynamodb, clock):
    rate_limiter = bucket(dynamodb, "first", clock.now)
    assert [rate_limiter.book(10), rate_limiter.book(10), rate_limiter.book(1)] == [0.0, 1.0, 2.0]
    clock.sleep(2.05)
    assert rate_limiter.book(1) == pytest.approx(0.05)
    clock.sleep(100)
    assert rate_limiter.book(1) == 0.0


def test_too_long_a_queue_is_refused_and_books_nothing(dynamodb, clock):
    rate_limiter = bucket(dynamodb, "long", clock.now, longest=1.0)
    rate_limiter.book(20)
    for _ in range(2):
        with pytest.raises(QueueTooLong):
            rate_limiter.book(1)
    clock.sleep(1)
    assert rate_limiter.book(1) == 1.0


def test_buckets_of_two_operations_are_two(dynamodb, clock):
    bucket(dynamodb, "labels", clock.now).book(100)
    assert bucket(dynamodb, "faces", clock.now).book(1) == 0.0


def test_a_throttle_pushes_everybody_back(dynamodb, clock):
    rate_limiter = bucket(dynamodb, "pushed", clock.now)
    rate_limiter.push_back(3.0)
    assert bucket(dynamodb, "pushed", clock.now).book(1) == 3.0


def test_a_throttle_pushes_back_from_now_though_calls_were_slower_than_the_rate(dynamodb, clock):
    rate_limiter = bucket(dynamodb, "slow", clock.now)
    rate_limiter.book(10)
    clock.sleep(30)
    rate_limiter.push_back(3.0)
    assert rate_limiter.book(1) == pytest.approx(3.0)


def test_pauses_add_up_behind_what_is_booked(dynamodb, clock):
    rate_limiter = bucket(dynamodb, "booked", clock.now)
    rate_limiter.book(20)
    rate_limiter.push_back(1.0)
    rate_limiter.push_back(1.0)
    assert rate_limiter.book(1) == 4.0


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0, 3), st.floats(-2, 2)), min_size=2, max_size=12))
def test_workers_whose_clocks_differ_get_no_more_together_than_the_rate(dynamodb, worker, takes):
    """Each take is of some calls, some time after the one before, by a worker whose clock is wrong by some seconds."""
    true_time, begins = 1_000_000.0, []
    for calls, later, wrong in takes:
        true_time += later
        here = true_time + wrong
        wait = bucket(dynamodb, "skewed", lambda here=here: here).book(calls)
        begins.append((here + wait, calls))
    for (begin, calls), (following, _) in zip(begins, begins[1:], strict=False):
        assert following >= begin + calls / 10 - 1e-5
    worker.dynamodb.delete_item(TableName=TABLE, Key={"id": {"S": "pace#skewed"}})

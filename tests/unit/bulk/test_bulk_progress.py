"""A worker that dies, wherever it was, loses one call's answers at most; two with one batch do not both ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from definitions.service_limits import SERVICE_LIMITS
from lambdas.bulk.batch import Worker
from lambdas.bulk.outcomes import count
from lambdas.bulk.progress import CLOCKS_APART_SECONDS
from lambdas.bulk.rate_limiter import QueueTooLong
from lambdas.bulk.work import give_up, work
from lambdas.language import operations as language

from .conftest import BUCKET

# Texts of a call, where the services take 25.
TOGETHER = 2
TEXTS = {f"{number}.txt": f"Text number {number}." for number in range(5)}
TIME_SECONDS = 300.0


def plenty() -> float:
    return TIME_SECONDS


class Killed(BaseException):
    """The process is gone: nothing after it runs to any effect."""


class Life:
    """Of a worker: so many requests to all services together, then it is dead and each further one fails."""

    def __init__(self, requests: int, after: bool) -> None:
        self.left = requests
        self.after = after

    def of(self, client: Any) -> Any:
        return Mortal(self, client)

    def spend(self, request: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.after):
            raise Killed
        answer = request(**arguments)
        if self.left == 0:
            raise Killed
        return answer


class Mortal:
    """A client of a worker that dies with its last request: before the service hears it, or after it answered."""

    def __init__(self, life: Life, client: Any) -> None:
        self.life = life
        self.client = client

    def __getattr__(self, name: str) -> Any:
        request = getattr(self.client, name)
        if name == "exceptions":
            return request
        return lambda **arguments: self.life.spend(request, arguments)


@pytest.fixture(autouse=True)
def short_calls(monkeypatch):
    smaller = replace(SERVICE_LIMITS["BatchDetectSentiment"], most_documents=TOGETHER)
    monkeypatch.setitem(SERVICE_LIMITS, "BatchDetectSentiment", smaller)


@pytest.fixture
def dying(worker, comprehend, monkeypatch):
    """Lets a worker die with its request of this number; returns whether it did before it came to its end."""

    def work_until(batch: Any, requests: int, after: bool) -> bool:
        life = Life(requests, after)
        mortal = replace(
            worker, s3=life.of(worker.s3), sqs=life.of(worker.sqs), dynamodb=life.of(worker.dynamodb)
        )
        with monkeypatch.context() as patched:
            patched.setattr(language, "client", lambda _: life.of(comprehend))
            try:
                work(mortal, batch, plenty)
            except Killed:
                return True
        return False

    return work_until


def lines_of(worker: Worker, keys: Any, number: int) -> list[dict]:
    body = worker.s3.get_object(Bucket=BUCKET, Key=keys.outcome(number))["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


@pytest.mark.parametrize("after", [False, True], ids=["before it is heard", "after it is answered"])
def test_wherever_a_worker_dies_nothing_is_lost_and_at_most_one_call_repeated(
    worker, batch, comprehend, keys, clock, dying, after
):
    died, number = True, 0
    while died:
        number += 1
        comprehend.charged.clear()
        died = dying(batch(TEXTS, number=number), number, after)
        clock.seconds += TIME_SECONDS + 2 * CLOCKS_APART_SECONDS
        assert work(worker, batch(TEXTS, number=number), plenty) == {"done": 5, "failed": 0}
        assert set(comprehend.charged) == set(TEXTS.values())
        assert sum(comprehend.charged.values()) <= len(TEXTS) + TOGETHER
        assert [line["outcome"] for line in lines_of(worker, keys, number)] == ["done"] * 5
        assert count(worker, keys, 5 * number)["missing"] == 0
    # A life is some dozens of requests: it was cut at each of them, the last time at none.
    assert number > 20


def test_the_next_worker_asks_only_about_what_has_no_answer_yet(worker, batch, comprehend, clock):
    calls = []

    class Dying:
        def __getattr__(self, name):
            if len(calls) == 1:
                raise Killed
            calls.append(name)
            return getattr(comprehend, name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(language, "client", lambda _: Dying())
        with pytest.raises(Killed):
            work(worker, batch(TEXTS), plenty)
    clock.seconds += TIME_SECONDS + 2 * CLOCKS_APART_SECONDS
    assert work(worker, batch(TEXTS), plenty) == {"done": 5, "failed": 0}
    assert set(comprehend.charged.values()) == {1}
    assert [size for _, size in comprehend.calls] == [2, 2, 1]


def test_an_answer_names_the_objects_version_that_was_read_though_it_changed(
    worker, batch, comprehend, keys, clock, dying
):
    made = batch({"a.txt": "The old text."})
    requests = next(number for number in range(1, 30) if answered(worker, comprehend, dying, batch, number))
    assert requests
    worker.s3.put_object(Bucket=BUCKET, Key=made.objects[0]["key"], Body=b"The new text.")
    clock.seconds += TIME_SECONDS + 2 * CLOCKS_APART_SECONDS
    again = batch({}, number=requests)
    again.objects.extend(made.objects)
    assert work(worker, again, plenty) == {"done": 1, "failed": 0}
    (line,) = lines_of(worker, keys, requests)
    assert line["etag"] == made.objects[0]["etag"]
    assert "The new text." not in comprehend.charged


def answered(worker: Worker, comprehend: Any, dying: Any, batch: Any, number: int) -> bool:
    """Whether a worker that dies with the request of this number has kept an answer before."""
    dying(batch({"a.txt": "The old text."}, number=number), number, after=True)
    return any(f"/answers/{number:08d}/" in key for key in worker.s3.objects)


def test_a_second_worker_leaves_a_batch_alone_as_long_as_the_first_may_live(worker, batch, comprehend, clock):
    class Second(Exception):
        pass

    def while_asked(**_: Any) -> None:
        with pytest.raises(QueueTooLong, match="Another worker has this batch"):
            work(worker, batch(TEXTS), plenty)
        raise Second

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(comprehend, "batch_detect_sentiment", while_asked)
        with pytest.raises(Second):
            work(worker, batch(TEXTS), plenty)
    assert comprehend.charged == {}
    # The first failed and was not killed, so it gave the batch back.
    assert work(worker, batch(TEXTS), plenty) == {"done": 5, "failed": 0}


def test_a_batch_of_a_dead_worker_waits_until_lambda_would_have_ended_it(
    worker, batch, comprehend, clock, dying
):
    assert dying(batch(TEXTS), 3, after=False)
    clock.seconds += TIME_SECONDS
    with pytest.raises(QueueTooLong):
        work(worker, batch(TEXTS), plenty)
    clock.seconds += CLOCKS_APART_SECONDS + 1
    assert work(worker, batch(TEXTS), plenty) == {"done": 5, "failed": 0}
    assert set(comprehend.charged.values()) == {1}


def test_a_batch_that_is_given_up_keeps_what_was_answered(worker, batch, comprehend, keys, clock):
    class Dying:
        def __getattr__(self, name):
            if comprehend.calls:
                raise Killed
            return getattr(comprehend, name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(language, "client", lambda _: Dying())
        with pytest.raises(Killed):
            work(worker, batch(TEXTS), plenty)
    assert give_up(worker, batch(TEXTS)) == {"done": 2, "failed": 3}
    lines = lines_of(worker, keys, 1)
    assert [line.get("error", {}).get("code") for line in lines] == [None, None, *["WorkerFailed"] * 3]


def test_answers_that_could_not_be_kept_still_end_in_the_outcome(worker, batch, comprehend, keys):
    class Full:
        """S3 that takes the outcome and no answer."""

        def __getattr__(self, name):
            return getattr(worker.s3, name)

        def put_object(self, **wanted):
            if "/answers/" in wanted["Key"]:
                raise ConnectionClosedError(endpoint_url="https://s3")
            return worker.s3.put_object(**wanted)

    assert work(replace(worker, s3=Full()), batch(TEXTS), plenty) == {"done": 5, "failed": 0}
    assert set(comprehend.charged.values()) == {1}

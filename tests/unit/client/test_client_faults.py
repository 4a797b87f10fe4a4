"""The client, the handler and botocore together: what is answered was charged once, whatever happens on the way."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lambdas.common import clients, idempotency, repeats
from recognition_client import RecognitionClient, RecognitionRefused, Reply, Unreachable, recognition

from ..bulk.conftest import Comprehend
from ..lambdas.conftest import call, environment  # noqa: F401 - fixtures
from ..wire import Handler, Service, hangs_up, refuses, says, wait_for_nothing

TEXTS = [f"Text number {number}." for number in range(12)]
# The API asks for five seconds before each.
TWO_RETRIES_SECONDS = 12
ONE = json.dumps(Comprehend.sentiment()).encode()


class Charging:
    """A Comprehend that has a fault in this share of its calls, and counts what it charges for."""

    def __init__(self, fault: Any, share: float) -> None:
        self.fault, self.share = fault, share
        self.dice = random.Random(0)
        self.charged: Counter = Counter()

    def __call__(self, asked: Handler) -> None:
        if self.dice.random() < self.share:
            self.fault(asked)
            return
        self.charged[asked.asked["Text"]] += 1
        says(200, ONE)(asked)


@pytest.fixture
def once(dynamodb, empty_table, monkeypatch) -> None:
    """Keys of requests are remembered."""
    monkeypatch.setenv("ANSWERS_TABLE", empty_table)
    monkeypatch.setenv("IDEMPOTENCY_SECONDS", "3600")
    for module in (repeats, idempotency):
        monkeypatch.setattr(module, "table_client", lambda: dynamodb)
    idempotency.layer.cache_clear()


@pytest.fixture
def listen(monkeypatch) -> Iterator[Any]:
    """Starts a Comprehend on this machine; nobody waits between tries."""
    started: list[Service] = []

    def start(way: Any) -> None:
        started.append(Service(way))
        monkeypatch.setenv("AWS_ENDPOINT_URL_COMPREHEND", started[-1].url)
        slept: list[float] = []
        wait_for_nothing(monkeypatch)
        monkeypatch.setattr(
            recognition, "time", SimpleNamespace(sleep=slept.append, monotonic=lambda: sum(slept))
        )
        clients.client_with.cache_clear()

    yield start
    for service in started:
        service.end()


@pytest.fixture
def ask(call) -> Any:  # noqa: F811
    """Asks about every text; the answered ones, and the codes of those that were refused."""

    def run(lost_replies: float = 0.0) -> tuple[list[str], Counter]:
        dice = random.Random(1)

        def send(path: str, query: Any, body: bytes, headers: dict[str, str]) -> Reply:
            status, reply, told = call("language", f"/{path}", body, headers["Content-Type"], headers=headers)
            if dice.random() < lost_replies:
                raise Unreachable("The connection was reset.")
            return Reply(status, reply, float(told["Retry-After"]) if "Retry-After" in told else None)

        client, answered, refused = (
            RecognitionClient(send, patience_seconds=TWO_RETRIES_SECONDS),
            [],
            Counter(),
        )
        for text in TEXTS:
            try:
                assert client.text_sentiment(text).results[0].label == "positive"
                answered.append(text)
            except RecognitionRefused as error:
                assert error.status == 503
                refused[error.code] += 1
            except Unreachable:
                refused["Unreachable"] += 1
        return answered, refused

    return run


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (refuses("ThrottlingException"), "ServiceThrottled"),
        (says(500, b'{"__type": "InternalServerException"}'), "ServiceFaulted"),
        (hangs_up, "ServiceUnreachable"),
        (refuses("ExpiredTokenException"), "SignatureRefused"),
    ],
    ids=["throttled", "server errors", "connection resets", "expired tokens"],
)
def test_with_half_of_the_calls_failing_each_text_is_charged_once_or_refused(once, listen, ask, fault, code):
    comprehend = Charging(fault, 0.5)
    listen(comprehend)
    answered, refused = ask()
    assert set(refused) <= {code}
    assert len(answered) + refused.total() == len(TEXTS)
    assert comprehend.charged == dict.fromkeys(answered, 1)
    # Two tries of botocore's in each of three of the client's; without the latter a quarter would be refused.
    assert len(answered) > 8


def test_a_reply_that_is_lost_on_its_way_is_given_again_and_not_charged_again(once, listen, ask):
    comprehend = Charging(None, 0.0)
    listen(comprehend)
    answered, refused = ask(lost_replies=0.5)
    assert set(refused) <= {"Unreachable"}
    assert len(answered) > 8
    # A text whose every reply was lost was answered all the same, and once.
    assert comprehend.charged == dict.fromkeys(TEXTS, 1)

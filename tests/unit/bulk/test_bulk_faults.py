"""Faults on the wire in a bulk run, through botocore itself: each object has a truthful end and is charged once."""

from __future__ import annotations

import base64
import io
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from PIL import Image

from lambdas.bulk.batch import Batch
from lambdas.bulk.outcomes import count
from lambdas.bulk.work import work
from lambdas.common import clients
from lambdas.common.budget import PER_USD

from ..wire import SECRET, Handler, Service, hangs_up, is_slow, refuses, says, wait_for_nothing
from .conftest import BUCKET, PRICE, Comprehend

TEXTS = {"a.txt": "One text.", "b.txt": "Another.", "c.txt": "A third."}
CHARGED: Counter = Counter()


def answers(call: Handler) -> None:
    """Sentiments of texts, which are charged."""
    texts = call.asked["TextList"]
    CHARGED.update(texts)
    results = [{"Index": index, **Comprehend.sentiment()} for index in range(len(texts))]
    says(200, json.dumps({"ResultList": results, "ErrorList": []}).encode())(call)


def plenty() -> float:
    return 1_000.0


@pytest.fixture(autouse=True)
def nothing_charged() -> None:
    CHARGED.clear()


@pytest.fixture
def listen(monkeypatch) -> Iterator[Callable[..., Service]]:
    """Starts a service that behaves in these ways; nobody waits between tries, and only a moment for a slow one."""
    started: list[Service] = []
    monkeypatch.setenv(
        "PRICES_USD", json.dumps({"comprehend.unit": PRICE, "rekognition.image.group2": 0.001})
    )
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    def start(*ways: Callable[[Handler], None]) -> Service:
        service = Service(*ways)
        started.append(service)
        for name in ("COMPREHEND", "REKOGNITION"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", service.url)
        seconds = 0.1 if is_slow in ways else clients.READ_TIMEOUT_SECONDS
        monkeypatch.setattr(clients, "SHORT_READ_TIMEOUT_SECONDS", seconds)
        wait_for_nothing(monkeypatch)
        clients.client_with.cache_clear()
        return service

    yield start
    clients.client_with.cache_clear()
    for service in started:
        service.end()


def lines_of(worker: Any, keys: Any) -> list[dict]:
    body = worker.s3.get_object(Bucket=BUCKET, Key=keys.outcome(1))["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def codes_of(lines: list[dict]) -> list[str]:
    return [line.get("error", {}).get("code", "done") for line in lines]


def spent_usd(worker: Any) -> float:
    items = worker.dynamodb.scan(TableName=worker.table)["Items"]
    return sum(int(item["reserved"]["N"]) for item in items if item["id"]["S"] == "money#one#all") / PER_USD


def next_attempt(batch: Batch) -> Batch:
    """What a redrive hands over: the same objects, as they are now."""
    event = {
        "id": batch.keys.run,
        "attempt": 2,
        "operation": batch.operation.name,
        "query": {},
        "limit_usd": 10.0,
    }
    objects = [{"key": entry["key"], "etag": None} for entry in batch.objects]
    return Batch.of({"run": event, "batch": {"number": 1, "objects": objects}, "execution": "one"})


# Code of the outcome, and calls to the service that the worker's five tries make of it: botocore doubles some of them.
FAULTS = {
    "throttled": (refuses("ThrottlingException"), "ServiceThrottled", 10),
    "a fault of the service": (says(500, b'{"__type": "InternalServerException"}'), "ServiceFaulted", 10),
    "the connection is reset": (hangs_up, "ServiceUnreachable", 10),
    "no answer in time": (is_slow, "ServiceUnreachable", 10),
    "an expired token": (refuses("ExpiredTokenException"), "SignatureRefused", 5),
    "a clock that is off": (refuses("InvalidSignatureException"), "SignatureRefused", 5),
    "a region that is not enabled": (refuses("UnrecognizedClientException"), "SignatureRefused", 5),
    "an answer that is none": (says(200, b"<html>"), "AnswerUnreadable", 1),
    "no such right": (refuses("AccessDeniedException"), "ServiceFailed", 1),
}
MAYBE_CHARGED = {"ServiceUnreachable", "AnswerUnreadable"}
# Three texts of 3 units.
CALL_USD = 9 * 0.0001


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_ends_each_object_truthfully_and_a_redrive_finishes_them(
    worker, batch, keys, listen, fault
):
    way, code, calls = FAULTS[fault]
    service = listen(way)
    made = batch(TEXTS)
    assert work(worker, made, plenty) == {"done": 0, "failed": 3}
    lines = lines_of(worker, keys)
    assert codes_of(lines) == [code] * 3
    assert service.calls == calls
    assert SECRET not in json.dumps(lines) + json.dumps(worker.sqs.told)
    assert count(worker, keys, 3)["missing"] == 0
    # What may have been charged counts as money, what the service refused does not.
    assert (spent_usd(worker) > 0) == (code in MAYBE_CHARGED)
    assert [entry["failed"] for entry in worker.sqs.told] == [3]
    listen(answers)
    assert work(worker, next_attempt(made), plenty) == {"done": 3, "failed": 0}
    assert dict.fromkeys(TEXTS.values(), 1) == CHARGED


@pytest.mark.parametrize("fault", [name for name in FAULTS if FAULTS[name][2] > 1])
def test_a_fault_that_passes_costs_time_and_nothing_else(worker, batch, keys, listen, fault):
    listen(FAULTS[fault][0], FAULTS[fault][0], answers)
    assert work(worker, batch(TEXTS), plenty) == {"done": 3, "failed": 0}
    assert dict.fromkeys(TEXTS.values(), 1) == CHARGED
    assert worker.sqs.told == []
    # Two calls whose answers were lost may have been charged beside the third.
    calls = 3 if FAULTS[fault][1] == "ServiceUnreachable" else 1
    assert spent_usd(worker) >= calls * CALL_USD - 1e-9


@pytest.mark.parametrize("wrong", ["nobody listens", "no such host"])
def test_in_a_wrong_region_each_object_fails_as_unreachable_and_nothing_is_lost(
    worker, batch, keys, listen, monkeypatch, wrong
):
    service = listen(answers)
    made = batch(TEXTS)
    if wrong == "nobody listens":
        service.end()
    with monkeypatch.context() as elsewhere:
        if wrong == "no such host":
            elsewhere.setenv("AWS_ENDPOINT_URL_COMPREHEND", "http://comprehend.us-nowhere-1.invalid")
            elsewhere.setattr(socket, "getaddrinfo", no_such_host)
        assert work(worker, made, plenty) == {"done": 0, "failed": 3}
    assert codes_of(lines_of(worker, keys)) == ["ServiceUnreachable"] * 3
    assert CHARGED == {}
    assert count(worker, keys, 3)["missing"] == 0
    listen(answers)
    assert work(worker, next_attempt(made), plenty) == {"done": 3, "failed": 0}
    assert dict.fromkeys(TEXTS.values(), 1) == CHARGED


def no_such_host(*_: object, **__: object) -> None:
    """What the system says of a name that is nowhere."""
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_bucket_of_another_region_lets_the_batch_come_back_and_nothing_is_asked(
    worker, batch, keys, listen
):
    """S3 answers with the way to the other region; Step Functions tries again, and then the count is short."""
    service = listen(answers)
    made = batch(TEXTS)

    class Elsewhere:
        """S3 of the wrong region."""

        def __getattr__(self, name: str) -> Callable[..., None]:
            return self.refuse

        @staticmethod
        def refuse(**_: Any) -> None:
            raise ClientError({"Error": {"Code": "PermanentRedirect", "Message": "elsewhere"}}, "GetObject")

    with pytest.raises(ClientError, match="PermanentRedirect"):
        work(type(worker)(**{**vars(worker), "s3": Elsewhere()}), made, plenty)
    assert (service.calls, spent_usd(worker)) == (0, 0)
    assert count(worker, keys, 3)["missing"] == 3
    assert work(worker, made, plenty) == {"done": 3, "failed": 0}
    assert dict.fromkeys(TEXTS.values(), 1) == CHARGED


def test_a_picture_that_rekognition_cannot_read_fails_alone_and_is_not_charged(worker, batch, keys, listen):
    pictures = {f"{shade}.png": picture(shade) for shade in (10, 20, 30)}

    def sees(call: Handler) -> None:
        if base64.b64decode(call.asked["Image"]["Bytes"]) == pictures["20.png"]:
            refuses("InvalidImageFormatException")(call)
            return
        CHARGED.update(["picture"])
        says(200, b'{"FaceDetails": []}')(call)

    listen(sees)
    made = batch(dict.fromkeys(pictures, ""), operation="image-faces")
    for entry, content in zip(made.objects, pictures.values(), strict=True):
        put = worker.s3.put_object(Bucket=BUCKET, Key=entry["key"], Body=content)
        entry["etag"] = put["ETag"].strip('"')
    assert work(worker, made, plenty) == {"done": 2, "failed": 1}
    assert codes_of(lines_of(worker, keys)) == ["done", "InvalidImage", "done"]
    assert CHARGED["picture"] == 2
    assert spent_usd(worker) == pytest.approx(0.002)


def picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (90, 90), shade).save(buffer, "PNG")
    return buffer.getvalue()

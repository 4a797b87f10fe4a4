"""S3 and SQS in memory, and a Comprehend that fails as it is told and keeps count of what it charges."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from lambdas.bulk.attempt_keys import AttemptKeys
from lambdas.bulk.batch import Batch, Worker
from lambdas.common.service_errors import UnreadableAnswer
from lambdas.language import operations as language

BUCKET = "data"
PRICE = 0.0001
PLAIN = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}


@dataclass
class Clock:
    """A clock that a test moves on, by sleeping too."""

    seconds: float = 1_000_000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Comprehend:
    """Answers sentiments.

    Attributes:
        faults: codes of errors by their share of the calls; "lost" answers, charges, and the answer gets lost, and
            "unreadable" comes as something else.
        poisoned: texts that it refuses with their own error.
        charged: how often each text was.
        calls: documents of each call, at which second.
    """

    clock: Clock
    faults: dict[str, float] = field(default_factory=dict)
    poisoned: set[str] = field(default_factory=set)
    charged: Counter = field(default_factory=Counter)
    calls: list[tuple[float, int]] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(0))

    def batch_detect_sentiment(self, TextList: list[str], LanguageCode: str) -> dict[str, Any]:
        self.maybe_fail(TextList)
        good = [index for index, text in enumerate(TextList) if text not in self.poisoned]
        bad = [index for index in range(len(TextList)) if index not in good]
        self.charged.update(TextList[index] for index in good)
        return {
            "ResultList": [{"Index": index, **self.sentiment()} for index in good],
            "ErrorList": [
                {"Index": index, "ErrorCode": "UnsupportedLanguageException", "ErrorMessage": "secret"}
                for index in bad
            ],
            "ResponseMetadata": PLAIN,
        }

    def detect_sentiment(self, Text: str, LanguageCode: str) -> dict[str, Any]:
        self.maybe_fail([Text])
        self.charged.update([Text])
        return {**self.sentiment(), "ResponseMetadata": PLAIN}

    def maybe_fail(self, texts: list[str]) -> None:
        self.calls.append((self.clock.seconds, len(texts)))
        drawn = self.dice.random()
        for code, share in self.faults.items():
            drawn -= share
            if drawn >= 0:
                continue
            if code == "lost":
                self.charged.update(texts)
                raise ReadTimeoutError(endpoint_url="https://comprehend")
            if code == "reset":
                raise ConnectionClosedError(endpoint_url="https://comprehend")
            if code == "unreadable":
                self.charged.update(texts)
                raise UnreadableAnswer
            raise ClientError({"Error": {"Code": code, "Message": "secret"}}, "DetectSentiment")

    @staticmethod
    def sentiment() -> dict[str, Any]:
        scores = {"Positive": 0.9, "Negative": 0.1, "Neutral": 0.0, "Mixed": 0.0}
        return {"Sentiment": "POSITIVE", "SentimentScore": scores}


def aws_error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class S3:
    """A versioned bucket with conditional reads and writes."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        # Codes with which reading ends, by the key's last part, until it is taken out.
        self.refused: dict[str, str] = {}
        self.read: list[str] = []

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "", **_: Any
    ) -> dict[str, Any]:
        if IfNoneMatch and Key in self.objects:
            raise aws_error("PreconditionFailed", "PutObject")
        self.objects[Key] = Body
        return {"ETag": self.tag(Body)}

    def get_object(self, *, Bucket: str, Key: str, IfMatch: str = "") -> dict[str, Any]:
        self.read.append(Key)
        if code := self.refused.get(Key.rpartition("/")[2]):
            raise aws_error(code, "GetObject")
        if Key not in self.objects:
            raise aws_error("NoSuchKey", "GetObject")
        body = self.objects[Key]
        if IfMatch and IfMatch != self.tag(body).strip('"'):
            raise aws_error("PreconditionFailed", "GetObject")
        return {
            "Body": io.BytesIO(body),
            "ContentLength": len(body),
            "ETag": self.tag(body),
            "VersionId": f"version of {Key}",
        }

    def list_objects_v2(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:
        stored = [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]
        return {"Contents": stored} if stored else {}

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        del self.objects[Key]

    @staticmethod
    def tag(body: bytes) -> str:
        return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


class Queue:
    """A queue that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:
        self.told.append(json.loads(MessageBody))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def comprehend(clock, monkeypatch) -> Comprehend:
    service = Comprehend(clock)
    monkeypatch.setattr(language, "client", lambda _: service)
    monkeypatch.setenv("PRICES_USD", json.dumps({"comprehend.unit": PRICE}))
    return service


@pytest.fixture
def worker(dynamodb, empty_table, clock, monkeypatch) -> Worker:
    """A worker with an empty bucket, table and queue."""
    monkeypatch.setenv("SPENDING", json.dumps({"environment": "dev"}))
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Recognition")
    return Worker(
        S3(),
        Queue(),
        dynamodb,
        BUCKET,
        empty_table,
        "https://queue",
        {"*": 5.0},
        longest_wait_seconds=60.0,
        keep_seconds=86_400,
        limit_usd=10.0,
        monthly_limit_usd=100.0,
        sleep=clock.sleep,
        now=clock.now,
    )


def run_of(request) -> str:
    """Each test's run is its own."""
    return request.node.name[:80].replace("/", "-")


@pytest.fixture
def batch(worker, request):
    """Makes a batch of texts that lie in the bucket; each test's run is its own."""
    run = run_of(request)

    def make(
        texts: dict[str, str],
        *,
        limit_usd: float | None = 10.0,
        number: int = 1,
        execution: str = "one",
        **changes: Any,
    ) -> Batch:
        objects = []
        for name, text in texts.items():
            key = f"{run}/{name}"
            put = worker.s3.put_object(Bucket=BUCKET, Key=key, Body=text.encode())
            objects.append({"key": key, "etag": put["ETag"].strip('"')})
        event = {
            "run": {
                "id": run,
                "attempt": 1,
                "operation": "text-sentiment",
                "query": {},
                "limit_usd": limit_usd,
                **changes,
            },
            "batch": {"number": number, "objects": objects},
            "execution": execution,
        }
        return Batch.of(event)

    return make


@pytest.fixture
def keys(request) -> AttemptKeys:
    return AttemptKeys(run_of(request), 1)

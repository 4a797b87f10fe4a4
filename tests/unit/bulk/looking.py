"""Made-up texts, clients that fail for a while, and what a worker left behind."""

from __future__ import annotations

import json

from botocore.exceptions import ConnectionClosedError

from lambdas.bulk.batch import Worker
from lambdas.common.budget import PER_USD

from .conftest import BUCKET

TEXTS = {f"{number:03}.txt": f"Text number {number}." for number in range(60)}
PLENTY = 1_000.0


def plenty() -> float:
    return PLENTY


def lines_of(worker: Worker, keys, number: int = 1) -> list[dict]:
    body = worker.s3.get_object(Bucket=BUCKET, Key=keys.outcome(number))["Body"].read()
    return [json.loads(line) for line in body.splitlines()]


def messages(worker: Worker) -> list[dict]:
    return worker.sqs.told


def codes(lines: list[dict]) -> dict[str, str]:
    return {line["key"].rsplit("/", 1)[-1]: line.get("error", {}).get("code", "done") for line in lines}


class Broken:
    """A client whose operation fails for the first few times."""

    def __init__(self, client, operation: str, times: int) -> None:
        self.client, self.operation, self.times = client, operation, times

    def __getattr__(self, name):
        if name == self.operation and self.times > 0:
            self.times -= 1
            return self.fail
        return getattr(self.client, name)

    @staticmethod
    def fail(**_):
        raise ConnectionClosedError(endpoint_url="https://aws")


def spent_usd(worker: Worker) -> float:
    items = worker.dynamodb.scan(TableName=worker.table)["Items"]
    return sum(int(item["reserved"]["N"]) for item in items if item["id"]["S"] == "money#one#all") / PER_USD

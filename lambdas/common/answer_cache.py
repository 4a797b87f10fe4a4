"""A managed service's answers by the digest of what was asked, for as long as the deployment allows."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

# An item of DynamoDB has at most 400 KB (its quotas); a longer answer is not kept.
MOST_BYTES = 350_000


@dataclass(frozen=True)
class AnswerCache:
    """The cache. What goes wrong in it costs a call to the service and no request.

    Attributes:
        dynamodb: a boto3 client.
        table: with the string key `id` and a time to live in `expires_at`.
        seconds: how long an answer is good.
        now: seconds since 1970.
    """

    dynamodb: Any
    table: str
    seconds: int
    now: Callable[[], float] = time.time

    def find(self, digest: str) -> tuple[dict[str, Any], int] | None:
        """The members of an answer and its age in seconds; None where there is none that is still good."""
        try:
            item = self.dynamodb.get_item(TableName=self.table, Key=self.key(digest)).get("Item")
        except (ClientError, BotoCoreError):
            # As without a cache: the service is asked, and the budgets hold what that costs.
            return None
        # DynamoDB deletes what has expired within days; until then it is there and does not count.
        if item is None or int(item["expires_at"]["N"]) <= self.now():
            return None
        age = int(self.now() - float(item["made_at"]["N"]))
        return json.loads(gzip.decompress(item["answer"]["B"])), max(age, 0)

    def keep(self, digest: str, members: dict[str, Any]) -> None:
        """Keeps an answer, if it fits."""
        packed = gzip.compress(json.dumps(members).encode(), compresslevel=1)
        if len(packed) > MOST_BYTES:
            return
        item = {
            **self.key(digest),
            "answer": {"B": packed},
            "made_at": {"N": f"{self.now():.0f}"},
            "expires_at": {"N": str(int(self.now()) + self.seconds)},
        }
        try:
            self.dynamodb.put_item(TableName=self.table, Item=item)
        except (ClientError, BotoCoreError):
            # The answer was charged and is given; only the next caller pays again.
            return

    @staticmethod
    def key(digest: str) -> dict[str, Any]:
        """Of an item; idempotency's records in the same table begin otherwise."""
        return {"id": {"S": f"cache#{digest}"}}

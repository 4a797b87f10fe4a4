"""What is asked again is not charged again: the same Idempotency-Key, or the same content while a cache is good."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from typing import Any

from lambdas.common.answer_cache import AnswerCache
from lambdas.common.answers import Answer, BatchAnswer
from lambdas.common.clients import table_client
from lambdas.common.content import content_type, raw_body
from lambdas.common.errors import RequestRefused
from lambdas.common.idempotency import answered_once, key_of
from lambdas.common.operations import Operation
from lambdas.common.options import query_of
from lambdas.common.policy import policy_of

REPLAYED_HEADER = "Idempotency-Replayed"
# Own networks change with each release, and cost nothing by the call.
CACHED_SERVICES = ("rekognition", "comprehend")
Run = Callable[[], Answer | BatchAnswer | dict[str, Any]]


def answered(
    operation: Operation, event: dict[str, Any], context: Any, run: Run
) -> tuple[dict[str, Any], dict[str, str]]:
    """An answer's members, and the headers that tell of one given before.

    Raises:
        RequestRefused: what `run` or the Idempotency-Key deserves.
        ClientError, BotoCoreError: what `run` raises.
    """
    headers: dict[str, str] = {}

    def answer() -> dict[str, Any]:
        members, more = from_cache(operation, event, run)
        headers.update(more)
        return members

    key = key_of(event)
    if key is None or not int(os.environ.get("IDEMPOTENCY_SECONDS", "0")):
        return answer(), headers
    asked, keep = digest_of(operation, event), not operation.repeats_content
    members, replayed = answered_once(key, operation.name, event, context, asked, answer, keep=keep)
    return members, {**headers, REPLAYED_HEADER: "true"} if replayed else headers


def from_cache(
    operation: Operation, event: dict[str, Any], run: Run
) -> tuple[dict[str, Any], dict[str, str]]:
    """The members of a kept answer with its age, or those of a new one. A kept one costs nothing, and says so."""
    seconds = int(os.environ.get("CACHE_SECONDS", "0"))
    kept_nowhere = operation.service not in CACHED_SERVICES or operation.repeats_content
    if not seconds or kept_nowhere or policy_of(operation):
        return members_of(run()), {}
    cache = AnswerCache(table_client(), os.environ["ANSWERS_TABLE"], seconds)
    digest = digest_of(operation, event)
    if kept := cache.find(digest):
        members, age_seconds = kept
        free = {**members["cost"], "units": 0, "usd": 0.0}
        return {**members, "cost": free}, {"Age": str(age_seconds)}
    answer = run()
    members = members_of(answer)
    if not may_do_better(answer):
        cache.keep(digest, members)
    return members, {}


def may_do_better(answer: Answer | BatchAnswer | dict[str, Any]) -> bool:
    """Whether some text of a batch was only not answered now: the same batch asked again may have an answer to it."""
    return isinstance(answer, BatchAnswer) and any(
        isinstance(document, RequestRefused) and not document.is_final for document in answer.documents
    )


def members_of(answer: Answer | BatchAnswer | dict[str, Any]) -> dict[str, Any]:
    """An answer as JSON has it."""
    return answer if isinstance(answer, dict) else answer.as_json()


def digest_of(operation: Operation, event: dict[str, Any]) -> str:
    """SHA-256 over all that an answer depends on: the operation, its options, the body and how it is written."""
    body = hashlib.sha256(raw_body(event)).hexdigest()
    kind = content_type(event)
    asked = [operation.name, kind.media_type, kind.charset.lower(), sorted(query_of(event).items()), body]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

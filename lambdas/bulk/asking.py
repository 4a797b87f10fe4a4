"""Asks about objects as the API would be asked about their content, several texts in one call where Comprehend can."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from definitions.content import NotText, WrongBytes, text_of
from definitions.image_files import PNG_SIGNATURE
from definitions.service_limits import SERVICE_LIMITS
from lambdas.common.answers import (
    Answer,
    BatchAnswer,
    CallCost,
    Reading,
    error_members,
    head,
    retries_of,
    sorted_results,
)
from lambdas.common.bodies import ImageBody, LabelsBody, ObjectBody, TextBody, TextsBody, taken
from lambdas.common.content import JSON_TYPE, TEXT_TYPE
from lambdas.common.costs import cost_of, text_units
from lambdas.common.errors import RequestRefused
from lambdas.common.operations import Operation
from lambdas.common.service_errors import explain
from lambdas.custom.operations import OPERATIONS as CUSTOM
from lambdas.language.operations import OPERATIONS as LANGUAGE
from lambdas.vision.operations import OPERATIONS as VISION

OPERATIONS = {operation.name: operation for operation in (*VISION, *LANGUAGE, *CUSTOM)}
# A batch: as many texts as eight calls take, or pictures that fit into a function's memory.
TEXTS_IN_A_BATCH = 8 * SERVICE_LIMITS["BatchDetectSentiment"].most_documents
IMAGES_IN_A_BATCH = 25
Outcome = dict[str, Any]
# A redrive looks at the object as it is then.
OBJECT_CHANGED = "ObjectChanged"


@dataclass(frozen=True)
class Content:
    """One object as it was read: its place in the batch, its bytes, and what the outcome repeats of it."""

    index: int
    body: bytes
    about: Mapping[str, Any]


def runs_in_bulk(operation: Operation) -> bool:
    """Whether an operation answers one object by itself."""
    return not isinstance(operation.body, TextsBody | LabelsBody | ObjectBody)


def batch_operation(operation: Operation) -> Operation | None:
    """Comprehend's batch operation of an operation, where it has one that reads each text by itself."""
    together = OPERATIONS.get(f"{operation.name}-batch")
    return together if together and together.api.startswith("Batch") else None


def called_of(operation: Operation) -> Operation:
    """What is called for an operation's objects: its batch operation, where it has one."""
    return batch_operation(operation) or operation


def calls_in_a_batch(operation: Operation) -> int:
    """How many calls a batch takes at most, where its texts are short enough for a batch operation."""
    if not isinstance(operation.body, TextBody):
        return IMAGES_IN_A_BATCH
    several = batch_operation(operation)
    return TEXTS_IN_A_BATCH // (SERVICE_LIMITS[several.api].most_documents if several else 1)


def rate_of(calls_per_second: Mapping[str, float], operation: Operation) -> float:
    """Calls a second for an operation's objects, of the deployment's rates by the service's name for what is called."""
    return calls_per_second.get(called_of(operation).api, calls_per_second["*"])


def calls_of(operation: Operation, contents: list[Content]) -> list[list[Content]]:
    """The contents by call: short texts together where they can be, everything else alone."""
    several = batch_operation(operation)
    if several is None or not isinstance(several.body, TextsBody):
        return [[content] for content in contents]
    short: list[Content] = []
    alone: list[list[Content]] = []
    for content in contents:
        if len(content.body) <= several.body.most_bytes and is_text(content.body):
            short.append(content)
        else:
            alone.append([content])
    size = SERVICE_LIMITS[several.api].most_documents
    together = [short[first : first + size] for first in range(0, len(short), size)]
    return [*together, *alone]


def is_text(body: bytes) -> bool:
    """Whether bytes are a text at all; what is none gets its refusal alone."""
    try:
        text_of(body)
    except (WrongBytes, NotText):
        return False
    return True


@dataclass(frozen=True)
class Asked:
    """What became of a call.

    Attributes:
        outcomes: of each of its objects, by place in the batch.
        retries: how often it was made before it was answered; each time it may have been charged.
    """

    outcomes: dict[int, Outcome | RequestRefused]
    retries: int = 0


def ask(operation: Operation, query: Mapping[str, str], contents: list[Content]) -> Asked:
    """Makes one call."""
    try:
        if len(contents) == 1:
            return ask_about_one(operation, query, contents[0])
        several = batch_operation(operation)
        if several is None:
            raise ValueError(f"{operation.name} answers one object in a call, not {len(contents)}.")
        return ask_together(several, query, contents)
    except RequestRefused as error:
        return Asked(dict.fromkeys((content.index for content in contents), error))
    except (ClientError, BotoCoreError) as error:
        refused = explain(error, operation.service.title(), taken(operation.body))
        retries = retries_of(error.response) if isinstance(error, ClientError) else 0
        return Asked(dict.fromkeys((content.index for content in contents), refused), retries)


def ask_about_one(operation: Operation, query: Mapping[str, str], content: Content) -> Asked:
    """One object's own call."""
    answer = operation.run(operation, event_of(query, content.body, media_type(operation, content.body)))
    if not isinstance(answer, Answer):
        raise TypeError(f"{operation.name} does not answer one object.")
    return Asked({content.index: done(content, head(answer), answer.reading, answer.cost)}, answer.retries)


def ask_together(operation: Operation, query: Mapping[str, str], contents: list[Content]) -> Asked:
    """Several texts in one call, each with its own part of the cost."""
    texts = [text_of(content.body) for content in contents]
    body = json.dumps({"texts": texts}).encode()
    answer = operation.run(operation, event_of(query, body, JSON_TYPE))
    if not isinstance(answer, BatchAnswer):
        raise TypeError(f"{operation.name} does not answer several texts.")
    outcomes: dict[int, Outcome | RequestRefused] = {}
    for content, text, document in zip(contents, texts, answer.documents, strict=True):
        cost = cost_of(operation.price, operation.unit, text_units(text))
        outcomes[content.index] = (
            document if isinstance(document, RequestRefused) else done(content, head(answer), document, cost)
        )
    return Asked(outcomes, answer.retries)


def done(content: Content, answered_by: Mapping[str, Any], reading: Reading, cost: CallCost) -> Outcome:
    """The line of an object that was answered."""
    members = {"results": sorted_results(reading), "details": reading.details, "cost": vars(cost)}
    return {**content.about, "outcome": "done", **answered_by, **members}


def failed(about: Mapping[str, Any], error: RequestRefused) -> Outcome:
    """The line of an object that was not answered, and whether another attempt may mend that by itself."""
    mendable = error.may_pass or error.code == OBJECT_CHANGED
    return {**about, "outcome": "failed", "error": error_members(error), "redrive_may_mend": mendable}


def media_type(operation: Operation, body: bytes) -> str:
    """The content type under which an object is asked about; its own is anybody's claim."""
    if isinstance(operation.body, TextBody):
        return TEXT_TYPE
    if not isinstance(operation.body, ImageBody):
        # Two pictures, or a sequence: an object holds the JSON that the API takes.
        return JSON_TYPE
    return "image/png" if body.startswith(PNG_SIGNATURE) else "image/jpeg"


def event_of(query: Mapping[str, str], body: bytes, content_type: str) -> dict[str, Any]:
    """A request as API Gateway hands it to a function."""
    return {
        "headers": {"Content-Type": content_type},
        "queryStringParameters": dict(query) or None,
        "isBase64Encoded": True,
        "body": base64.b64encode(body).decode(),
    }

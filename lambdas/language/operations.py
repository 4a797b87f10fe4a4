"""Comprehend's operations on one text: what is asked and what its answer means in our format. A row an operation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdas.common.answers import Answer, Result, stand_in_of
from lambdas.common.bodies import read_text
from lambdas.common.clients import client

# Comprehend's limits of one document in bytes of UTF-8 (Amazon Comprehend quotas, real-time analysis).
SENTIMENT_BYTES = 5_000
DOCUMENT_BYTES = 100_000


@dataclass(frozen=True)
class TextOperation:
    """One operation.

    Attributes:
        name: in answers.
        method: of the boto3 client.
        maximum_bytes: of the text.
        results: reads the service's answer.
        takes_language: whether the call names the text's language.
    """

    name: str
    method: str
    maximum_bytes: int
    results: Callable[[dict[str, Any]], list[Result]]
    takes_language: bool = True


def sentiments(answer: dict[str, Any]) -> list[Result]:
    """All four sentiments with their scores."""
    return [Result(name.lower(), score) for name, score in answer["SentimentScore"].items()]


def languages(answer: dict[str, Any]) -> list[Result]:
    """Language codes."""
    return [Result(one["LanguageCode"], one["Score"]) for one in answer["Languages"]]


def spans_of(member: str) -> Callable[[dict[str, Any]], list[Result]]:
    """Reads a list of typed spans; the text in them is not repeated, the caller has it."""
    return lambda answer: [
        Result(
            one.get("Type", "KEY_PHRASE"),
            one["Score"],
            span={"begin": one["BeginOffset"], "end": one["EndOffset"]},
        )
        for one in answer[member]
    ]


OPERATIONS = {
    "sentiment": TextOperation("text-sentiment", "detect_sentiment", SENTIMENT_BYTES, sentiments),
    "language": TextOperation(
        "text-language", "detect_dominant_language", DOCUMENT_BYTES, languages, takes_language=False
    ),
    "entities": TextOperation("text-entities", "detect_entities", DOCUMENT_BYTES, spans_of("Entities")),
    "key-phrases": TextOperation(
        "text-key-phrases", "detect_key_phrases", DOCUMENT_BYTES, spans_of("KeyPhrases")
    ),
    "pii": TextOperation("text-pii", "detect_pii_entities", DOCUMENT_BYTES, spans_of("Entities")),
}


def recognize(operation: TextOperation, event: dict[str, Any]) -> Answer:
    """Asks Comprehend about the event's text.

    Raises:
        RequestRefused: when the text is not one that Comprehend takes.
        ClientError: when Comprehend refuses.
    """
    request = read_text(event, maximum_bytes=operation.maximum_bytes)
    language = {"LanguageCode": request.language_code} if operation.takes_language else {}
    answer = getattr(client("comprehend"), operation.method)(Text=request.text, **language)
    return Answer(operation.results(answer), operation.method, None, stand_in_of(answer))

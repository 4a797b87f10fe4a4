"""The API's answers as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

UNSAID = "No reason given."


def error_in(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The error of a refusal, with a code and a message; None where it is not written as the API writes it."""
    match body.get("error"):
        case {"code": str(), "message": str()} as error:
            return error
        case _:
            return None


class RecognitionRefused(Exception):
    """The API did not answer.

    Attributes:
        status: the HTTP status.
        code: the error's name, for programs.
        message: what was wrong, a sentence.
        field: the part of the request at fault, where there is one.
    """

    def __init__(self, status: int, code: str, message: str, field: str | None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.field = field

    @classmethod
    def of(cls, status: int, body: Mapping[str, Any]) -> Self:
        """From a refusal; API Gateway's own have a message only, and a stranger's what they have."""
        if (error := error_in(body)) is not None:
            return cls(status, error["code"], error["message"], error.get("field"))
        words = (body.get("message"), body.get("error"))
        return cls(status, "Refused", next((word for word in words if isinstance(word, str)), UNSAID), None)


@dataclass(frozen=True)
class Result:
    """One thing recognised: score from 0 to 1, box in shares of the image's size, span in characters of the text."""

    label: str
    score: float
    box: Mapping[str, float] | None
    span: Mapping[str, int] | None
    details: Mapping[str, Any]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        return cls(body["label"], body["score"], body.get("box"), body.get("span"), body.get("details") or {})


@dataclass(frozen=True)
class Cost:
    """What the service charges: units of what, and US dollars at the list price; None where unknown."""

    units: int
    unit: str | None
    usd: float | None


@dataclass(frozen=True)
class Model:
    """What answered: the service's operation, or our network's endpoint with the version that it serves."""

    name: str
    version: str | None


@dataclass(frozen=True)
class Answered:
    """Who answered, how fast and at what cost; `stand_in` is set when something local answered for the service."""

    operation: str
    backend: str
    model: Model
    stand_in: str | None
    cost: Cost
    latency_milliseconds: float


@dataclass(frozen=True)
class Answer(Answered):
    """What was recognised, best first; and where a policy chose who answers, the backends that were asked."""

    results: tuple[Result, ...]
    details: Mapping[str, Any]
    route: tuple[Mapping[str, str], ...]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        route = tuple(body.get("route", ()))
        return cls(**head_of(body), results=results_of(body), details=body["details"], route=route)


@dataclass(frozen=True)
class Document:
    """One text's outcome: results, or the error in their place."""

    index: int
    results: tuple[Result, ...]
    details: Mapping[str, Any]
    error: RecognitionRefused | None


@dataclass(frozen=True)
class BatchAnswer(Answered):
    """An outcome for each text, in the order of the request."""

    documents: tuple[Document, ...]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        """From the API's JSON."""
        documents = tuple(
            Document(
                document["index"],
                results_of(document),
                document.get("details") or {},
                RecognitionRefused.of(200, document) if "error" in document else None,
            )
            for document in body["documents"]
        )
        return cls(**head_of(body), documents=documents)


def results_of(body: Mapping[str, Any]) -> tuple[Result, ...]:
    """The results of an answer or of one document."""
    return tuple(Result.of(result) for result in body.get("results", ()))


def head_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The members that every answer has."""
    return {
        "operation": body["operation"],
        "backend": body["backend"],
        "model": Model(body["model"]["name"], body["model"]["version"]),
        "stand_in": body["stand_in"],
        "cost": Cost(**body["cost"]),
        "latency_milliseconds": body["latency_milliseconds"],
    }

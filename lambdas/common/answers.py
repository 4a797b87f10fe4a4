"""The API's one answer format, for every backend."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.event_handler import Response

from lambdas.common.errors import RequestRefused

STAND_IN_HEADER = "x-recognition-stand-in"


@dataclass(frozen=True)
class Result:
    """One thing recognised.

    Attributes:
        label: what.
        score: confidence, 0 to 1.
        box: where in an image, as shares of its size: left, top, width, height.
        span: where in a text, in characters: begin, end.
    """

    label: str
    score: float
    box: dict[str, float] | None = None
    span: dict[str, int] | None = None

    def as_json(self) -> dict[str, Any]:
        """Without the members that are not there."""
        members = {"label": self.label, "score": self.score, "box": self.box, "span": self.span}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True)
class Answer:
    """What an operation found.

    Attributes:
        results: best first.
        model_name: which model answered.
        model_version: of it; None where the service tells none.
        stand_in: a sentence when something local answered in a service's place.
    """

    results: list[Result]
    model_name: str
    model_version: str | None
    stand_in: str | None


def success(
    operation: str, backend: str, answer: Answer | dict[str, Any], latency_milliseconds: float
) -> Response:
    """200 with what was recognised, or with the members of an answer that recognises nothing."""
    members = recognised(answer) if isinstance(answer, Answer) else answer
    content = {"operation": operation, "backend": backend, **members}
    content["latency_milliseconds"] = round(latency_milliseconds, 1)
    return Response(200, "application/json", json.dumps(content))


def recognised(answer: Answer) -> dict[str, Any]:
    """The members of an answer, best result first."""
    return {
        "model": {"name": answer.model_name, "version": answer.model_version},
        "stand_in": answer.stand_in,
        "results": [result.as_json() for result in sorted(answer.results, key=lambda one: -one.score)],
    }


def refusal(error: RequestRefused) -> Response:
    """The error answer."""
    content = {"error": {"code": error.code, "message": error.message, "field": error.field}}
    headers = {"Retry-After": str(error.retry_after_seconds)} if error.retry_after_seconds else {}
    return Response(error.status, "application/json", json.dumps(content), headers=headers)


def stand_in_of(answer: dict[str, Any]) -> str | None:
    """The embedded AWS's mark on a service's answer; AWS itself sets none."""
    return answer["ResponseMetadata"]["HTTPHeaders"].get(STAND_IN_HEADER)

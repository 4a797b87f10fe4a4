"""The API's one answer format, for every backend."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from botocore import xform_name  # pyright: ignore[reportUnknownVariableType]

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
        details: what else the service says about it, in the service's own terms and units.
    """

    label: str
    score: float
    box: dict[str, float] | None = None
    span: dict[str, int] | None = None
    details: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Without the members that are not there."""
        members = {"label": self.label, "score": self.score, "box": self.box, "span": self.span}
        members["details"] = self.details or None
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True)
class Reading:
    """A service's answer in our terms: the results, and what it says beside them."""

    results: list[Result]
    details: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class CallCost:
    """What a call is charged.

    Attributes:
        units: how many.
        unit: of what; None where a call has no price of its own.
        usd: US dollars at the list price of the first tier; None where nobody confirmed that price.
    """

    units: int
    unit: str | None
    usd: float | None


@dataclass(frozen=True)
class Answer:
    """What an operation found.

    Attributes:
        backend: who answered.
        reading: what it found.
        model_name: which model answered.
        model_version: of it; None where the service tells none.
        stand_in: a sentence when something local answered in a service's place.
        cost: of the call.
        retries: how often the call was repeated until it was answered.
        route: where a policy chose, the backends that were asked and what came of it.
    """

    backend: str
    reading: Reading
    model_name: str
    model_version: str | None
    stand_in: str | None
    cost: CallCost
    retries: int = 0
    route: list[dict[str, str]] | None = None

    def as_json(self) -> dict[str, Any]:
        """Its members, best result first."""
        return {
            **head(self),
            "results": sorted_results(self.reading),
            "details": self.reading.details,
            "cost": vars(self.cost),
            **({"route": self.route} if self.route else {}),
        }


@dataclass(frozen=True)
class BatchAnswer:
    """What an operation found in several documents: a reading or a refusal for each, in the order of the request.

    Attributes:
        retries: how often calls were repeated until they were answered.
    """

    backend: str
    documents: list[Reading | RequestRefused]
    model_name: str
    model_version: str | None
    stand_in: str | None
    cost: CallCost
    retries: int = 0

    @property
    def refusal(self) -> RequestRefused | None:
        """Why the request itself is refused, None where its documents say it, each for itself.

        It is refused when no document was answered: for a reason that may pass, else for a fault of the service, else
        for what is wrong with every text alike.
        """
        refused = [document for document in self.documents if isinstance(document, RequestRefused)]
        if len(refused) < len(self.documents):
            return None
        first = max(refused, key=lambda refusal: (refusal.may_pass, refusal.status >= 500))
        differ = any(refusal.code != first.code for refusal in refused)
        return None if first.is_final and differ else first

    def as_json(self) -> dict[str, Any]:
        """Its members; every document ends in exactly one of results and error."""
        documents = [
            {"index": index, "error": error_members(document)}
            if isinstance(document, RequestRefused)
            else {"index": index, "results": sorted_results(document), "details": document.details}
            for index, document in enumerate(self.documents)
        ]
        return {**head(self), "documents": documents, "cost": vars(self.cost)}


def head(answer: Answer | BatchAnswer) -> dict[str, Any]:
    """The members that say who answered."""
    model = {"name": answer.model_name, "version": answer.model_version}
    return {"backend": answer.backend, "model": model, "stand_in": answer.stand_in}


def sorted_results(reading: Reading) -> list[dict[str, Any]]:
    """Results best first."""
    return [result.as_json() for result in sorted(reading.results, key=lambda result: -result.score)]


def success(
    operation: str, members: dict[str, Any], milliseconds: float, headers: Mapping[str, str]
) -> dict[str, Any]:
    """200 with the members of an answer."""
    content = {"operation": operation, **members, "latency_milliseconds": round(milliseconds, 1)}
    return response(200, content, headers)


def error_members(error: RequestRefused) -> dict[str, Any]:
    """An error as a caller reads it."""
    return {"code": error.code, "message": error.message, "field": error.field}


def refusal(error: RequestRefused) -> dict[str, Any]:
    """The error answer."""
    headers = {"Retry-After": str(error.retry_after_seconds)} if error.retry_after_seconds else {}
    content = {"error": error_members(error)}
    return response(error.status, content, headers)


def response(status: int, content: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """JSON as a function answers API Gateway's proxy."""
    return {
        "statusCode": status,
        "multiValueHeaders": {
            name: [value] for name, value in {"Content-Type": "application/json", **headers}.items()
        },
        "body": json.dumps(content),
        "isBase64Encoded": False,
    }


def stand_in_of(answer: dict[str, Any]) -> str | None:
    """The embedded AWS's mark on a service's answer; AWS itself sets none."""
    return answer["ResponseMetadata"]["HTTPHeaders"].get(STAND_IN_HEADER)


def retries_of(answer: Mapping[str, Any]) -> int:
    """How often botocore repeated the call that gave this answer or error."""
    return answer.get("ResponseMetadata", {}).get("RetryAttempts", 0)


def details_of(member: Mapping[str, Any], *shown: str) -> dict[str, Any]:
    """What a service says beside the members that our format shows, under names like the rest of the format's."""
    left = {
        name: value for name, value in member.items() if name not in shown and value not in (None, [], {}, "")
    }
    return plain(left)


def plain(value: Any) -> Any:
    """A service's value in our names: confidence in percent is a score, a bounding box a box, others in snake case."""
    if isinstance(value, list):
        return [plain(member) for member in cast(list[Any], value)]
    if not isinstance(value, Mapping):
        return value
    members: dict[str, Any] = {}
    for name, member in cast(Mapping[str, Any], value).items():
        if name == "Confidence":
            members["score"] = member / 100
        elif name == "BoundingBox":
            members["box"] = box(member)
        else:
            members[xform_name(name)] = plain(member)
    return members


def box(bounding_box: Mapping[str, float]) -> dict[str, float]:
    """A bounding box in our names."""
    return {name.lower(): value for name, value in bounding_box.items()}

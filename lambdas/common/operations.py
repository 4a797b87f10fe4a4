"""A row of the table of operations, from which come routes, validation, IAM actions, OpenAPI and the client."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore import xform_name  # pyright: ignore[reportUnknownVariableType]

from lambdas.common.answers import Answer, BatchAnswer, Reading
from lambdas.common.bodies import Body
from lambdas.common.options import QueryOption

# API names and IAM prefixes differ for this service only.
Sent = TypeVar("Sent", bound=Body)
IAM_PREFIX = {"sagemaker-runtime": "sagemaker"}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One operation of the API.

    Attributes:
        name: in answers, logs and the client.
        path: below the API's root.
        summary: what it answers, a sentence.
        service: the boto3 client; empty where nothing is asked.
        api: the service's operation; empty where nothing is asked.
        body: what the request's body is.
        run: answers an event.
        read: the service's answer in our format; None where `run` knows.
        options: query parameters.
        version_member: of the service's answer that holds the model's version.
        price: the id of its price; None where a call has none of its own.
        unit: what the price is for.
        own: our own operation that a policy may ask in this one's place.
        spends_of: the name of the operation whose policy's budget pays for this one too.
        repeats_content: whether an answer holds words of what was sent, personal data maybe; then it is kept nowhere.
    """

    name: str
    path: str
    summary: str
    service: str
    api: str
    body: Body
    run: Callable[[Operation, dict[str, Any]], Answer | BatchAnswer | dict[str, Any]]
    read: Callable[[dict[str, Any]], Reading] | None = None
    options: tuple[QueryOption, ...] = ()
    version_member: str | None = None
    price: str | None = None
    unit: str | None = None
    own: Operation | None = None
    spends_of: str | None = None
    repeats_content: bool = False

    def body_as(self, kind: type[Sent]) -> Sent:
        """The body of an operation that takes this kind; TypeError for one that takes another."""
        if not isinstance(self.body, kind):
            raise TypeError(f"{self.name} takes {type(self.body).__name__}, not {kind.__name__}.")
        return self.body

    def reading_of(self, answer: dict[str, Any]) -> Reading:
        """The service's answer in our format; RuntimeError for an operation whose `run` reads it."""
        if self.read is None:
            raise RuntimeError(f"{self.name} reads no service's answer.")
        return self.read(answer)

    @property
    def method(self) -> str:
        """Of the boto3 client."""
        return xform_name(self.api)

    @property
    def action(self) -> str:
        """The IAM action that the function needs."""
        return f"{IAM_PREFIX.get(self.service, self.service)}:{self.api}"

"""The options that a caller may give an operation as query parameters: parsed, bounded, and refused by name."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.common.errors import bad_request, named

MAXIMUM_LIST = 100
# As programs write numbers; Python and JavaScript write 0.00001 and less with an exponent.
NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
NUMBER_LENGTH = 32


def share_of(text: str) -> float | None:
    """A number from 0 to 1; None for anything else."""
    if len(text) > NUMBER_LENGTH or not NUMBER.fullmatch(text):
        return None
    return float(text) if float(text) <= 1 else None


@dataclass(frozen=True, kw_only=True)
class QueryOption(ABC):
    """One query parameter.

    Attributes:
        name: as the caller writes it.
        member: of the service's request, dots between levels; None where no service gets it.
        description: a sentence for the API's document.
        default: sent when the caller gives none; None leaves the choice to the service.
    """

    name: str
    member: str | None
    description: str
    default: Any = None

    @abstractmethod
    def parse(self, text: str) -> Any:
        """The value for the service, from the caller's text; ValueError says what the option takes."""

    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the caller's value."""


@dataclass(frozen=True, kw_only=True)
class Integer(QueryOption):
    """A whole number within bounds."""

    minimum: int
    maximum: int

    def parse(self, text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not self.minimum <= int(text) <= self.maximum:
            raise ValueError(f"a whole number from {self.minimum} to {self.maximum}")
        return int(text)

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, kw_only=True)
class Share(QueryOption):
    """A number from 0 to 1, as scores are; `scale` 100 makes a service's percent of it."""

    scale: float = 100.0

    def parse(self, text: str) -> float:
        share = share_of(text)
        if share is None:
            raise ValueError("a number from 0 to 1")
        # 0.07 × 100 is 7.000000000000001 in binary; the service is asked for 7.
        return round(share * self.scale, 9)

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": 1}


@dataclass(frozen=True, kw_only=True)
class Choice(QueryOption):
    """One of some words."""

    values: tuple[str, ...]

    def parse(self, text: str) -> str:
        if text not in self.values:
            raise ValueError(f"one of {', '.join(self.values)}")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}


@dataclass(frozen=True, kw_only=True)
class Choices(QueryOption):
    """Some of some words, commas between them. A call with one of `unpriced` has a price that nobody confirmed."""

    values: tuple[str, ...]
    unpriced: tuple[str, ...] = ()

    def parse(self, text: str) -> list[str]:
        chosen = text.split(",")
        if not set(chosen) <= set(self.values) or len(chosen) != len(set(chosen)):
            raise ValueError(f"some of {', '.join(self.values)}, each once, with commas between them")
        return chosen

    def schema(self) -> dict[str, Any]:
        items = {"type": "string", "enum": list(self.values)}
        return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}


@dataclass(frozen=True, kw_only=True)
class Words(QueryOption):
    """Free words with commas between them, each of a pattern."""

    pattern: str

    def parse(self, text: str) -> list[str]:
        words = text.split(",")
        if len(words) > MAXIMUM_LIST or not all(re.fullmatch(self.pattern, word) for word in words):
            raise ValueError(f"at most {MAXIMUM_LIST} names with commas between them")
        return words

    def schema(self) -> dict[str, Any]:
        items = {"type": "string", "pattern": f"^(?:{self.pattern})$"}
        return {"type": "array", "items": items, "minItems": 1, "maxItems": MAXIMUM_LIST}


@dataclass(frozen=True, kw_only=True)
class Letter(QueryOption):
    """One character of some."""

    letters: str

    def parse(self, text: str) -> str:
        if len(text) != 1 or text not in self.letters:
            raise ValueError(f"one character of {self.letters}")
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.letters)}


@dataclass(frozen=True, kw_only=True)
class Regions(QueryOption):
    """Boxes as left:top:width:height in shares of the image's size, commas between them."""

    maximum: int

    def parse(self, text: str) -> list[dict[str, Any]]:
        boxes = [self.box(part) for part in text.split(",")]
        if len(boxes) > self.maximum or None in boxes:
            raise ValueError(
                f"at most {self.maximum} boxes left:top:width:height, each number from 0 to 1, commas between them"
            )
        return [{"BoundingBox": box} for box in boxes]

    @staticmethod
    def box(text: str) -> dict[str, float] | None:
        """A service's box from four shares; None when it is none."""
        parts = text.split(":")
        shares = [share for part in parts if (share := share_of(part)) is not None]
        if not len(parts) == len(shares) == 4:
            return None
        return dict(zip(("Left", "Top", "Width", "Height"), shares, strict=True))

    def schema(self) -> dict[str, Any]:
        number = r"(?:0?\.\d{1,30}|0|1)"
        items = {"type": "string", "pattern": f"^{number}:{number}:{number}:{number}$"}
        return {"type": "array", "items": items, "minItems": 1, "maxItems": self.maximum}


def read_options(
    options: Sequence[QueryOption], event: Mapping[str, Any], fields: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The values of a request's options by name, the defaults included.

    Args:
        options: that the operation has.
        event: whose query parameters are read.
        fields: options that the body gave; one that stands in both places is refused.

    Raises:
        RequestRefused: 400 naming the option; the value is not repeated.
    """
    known = {option.name: option for option in options}
    given: dict[str, str] = dict(fields or {})
    for name, values in query_of(event).items():
        if name not in known:
            has = ", ".join(known) or "none"
            message = f"The option{named(name, known)} is none of this operation's, which has these: {has}."
            raise bad_request("UnknownOption", message, "query")
        if len(values) > 1 or name in given:
            raise bad_request("InvalidOption", f"The option {name} is given twice.", name)
        given[name] = values[0]
    parsed: dict[str, Any] = {}
    for name, option in known.items():
        try:
            parsed[name] = option.parse(given[name]) if name in given else option.default
        except ValueError as error:
            raise bad_request("InvalidOption", f"The option {name} has to be {error}.", name) from error
    return {name: value for name, value in parsed.items() if value is not None}


def query_of(event: Mapping[str, Any]) -> dict[str, list[str]]:
    """Query parameters with every value that each was given."""
    several: dict[str, list[str]] | None = event.get("multiValueQueryStringParameters")
    if several:
        return {name: list(values) for name, values in several.items()}
    single: dict[str, str] = event.get("queryStringParameters") or {}
    return {name: [value] for name, value in single.items()}


def request_members(options: Sequence[QueryOption], values: Mapping[str, Any]) -> dict[str, Any]:
    """The members of the service's request that the values make, nested as their dots say."""
    request: dict[str, Any] = {}
    for option in options:
        if option.member is None or option.name not in values:
            continue
        *levels, last = option.member.split(".")
        place = request
        for level in levels:
            place = place.setdefault(level, {})
        place[last] = values[option.name]
    return request

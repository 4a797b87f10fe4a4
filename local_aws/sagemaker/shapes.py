"""Checks requests and answers against botocore's own description of the service."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import regex
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from local_aws.sagemaker.errors import validation_error

ANY = "(?s).*"


class Shapes:
    """The request and answer shapes of one AWS service."""

    def __init__(self, service: str) -> None:
        data = (
            botocore.session.get_session()
            .get_component("data_loader")
            .load_service_model(service, "service-2")
        )
        self.model = ServiceModel(data, service)

    def check_request(self, operation: str, request: dict[str, Any]) -> None:
        """Raises a ValidationException when a member is missing, unknown, of another type or no enumerated value."""
        shape = self.model.operation_model(operation).input_shape
        problems = problems_of(request, shape)
        if problems:
            raise validation_error(f"{operation}: {' '.join(problems)}")

    def in_headers(self, operation: str, headers: dict[str, str]) -> dict[str, str]:
        """The members of a request that are in its headers, whose names are in small letters."""
        asked: Any = self.model.operation_model(operation).input_shape
        names = {name: shape.serialization.get("name", "").lower() for name, shape in asked.members.items()}
        return {name: headers[header] for name, header in names.items() if header in headers}

    def check_patterns(self, operation: str, request: dict[str, Any]) -> None:
        """Raises a ValidationException when a text of a request is none that its member's pattern takes."""
        problems = list(unmatched(request, self.model.operation_model(operation).input_shape, operation))
        if problems:
            raise validation_error(" ".join(problems))

    def check_answer(self, operation: str, answer: dict[str, Any]) -> None:
        """Raises an AssertionError when we would answer what SageMaker cannot: that is our mistake, not a caller's."""
        shape = self.model.operation_model(operation).output_shape
        if shape is None:
            assert answer == {}, f"{operation} answers nothing, not {sorted(answer)}."
            return
        problems = problems_of(answer, shape)
        assert not problems, f"The answer of {operation} is malformed: {' '.join(problems)}"


def problems_of(value: Any, shape: Any) -> list[str]:
    """Sentences about where a value does not fit a shape."""
    report = ParamValidator().validate(value, shape)
    problems = [report.generate_report()] if report.has_errors() else []
    return problems + list(unlisted_values(value, shape, shape.name))


def unlisted_values(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Sentences about what botocore leaves to the service: unknown members, unlisted strings, lengths and bounds."""
    most = shape.metadata.get("max")
    if most is not None and isinstance(value, str | list | dict) and len(value) > most:
        yield f"{where} has a length of {len(value)}, and at most {most} is taken."
    if most is not None and isinstance(value, int | float) and value > most:
        yield f"{where} is {value}, and at most {most} is taken."
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, member in value.items():
            if name not in shape.members:
                yield f"{where} has no member {name}."
            else:
                yield from unlisted_values(member, shape.members[name], f"{where}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for i, member in enumerate(value):
            yield from unlisted_values(member, shape.member, f"{where}[{i}]")
    elif shape.type_name == "map" and isinstance(value, dict):
        for name, member in value.items():
            yield from unlisted_values(member, shape.value, f"{where}.{name}")
    elif shape.type_name == "string" and shape.enum and value not in shape.enum:
        yield f"{where} is {value!r}, which is not one of its values."


def unmatched(value: Any, shape: Any, where: str) -> Iterator[str]:
    """Sentences about texts that do not match their pattern."""
    if isinstance(value, dict) and shape.type_name == "structure":
        for name, member in value.items():
            yield from unmatched(member, shape.members[name], f"{where}.{name}")
    elif isinstance(value, dict) and shape.type_name == "map":
        for name, member in value.items():
            yield from unmatched(name, shape.key, f"{where}.{name}")
            yield from unmatched(member, shape.value, f"{where}.{name}")
    elif isinstance(value, list):
        for i, member in enumerate(value):
            yield from unmatched(member, shape.member, f"{where}[{i}]")
    elif isinstance(value, str) and not compiled(shape.metadata.get("pattern", ANY)).fullmatch(value):
        yield f"{where} does not match {shape.metadata['pattern']}."


@cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """A pattern of AWS's, in the words of Java's expressions, which Python's own module does not all know."""
    return regex.compile(pattern)


def to_wire(value: Any) -> Any:
    """An answer as AWS's JSON protocol writes it: times as seconds since 1970."""
    if isinstance(value, dict):
        return {name: to_wire(member) for name, member in value.items()}
    if isinstance(value, list):
        return [to_wire(member) for member in value]
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return value


def now() -> datetime.datetime:
    """The present time with its zone."""
    return datetime.datetime.now(datetime.UTC)

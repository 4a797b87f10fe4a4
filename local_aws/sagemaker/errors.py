"""The errors that the SageMaker API answers with."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """An error answer: the service's code, a sentence, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def validation_error(message: str) -> ServiceError:
    """What SageMaker answers to a request that it does not understand or to the name of nothing."""
    return ServiceError("ValidationException", message)


def not_found(what: str, arn: str) -> ServiceError:
    """SageMaker's way to say that there is no such thing: a validation error that begins with 'Could not find'."""
    return validation_error(f'Could not find {what} "{arn}".')

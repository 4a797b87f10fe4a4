"""What a caller is told when a request cannot be answered: a status, a code, a sentence and the field at fault."""

from __future__ import annotations

import difflib
import re
import traceback
from collections.abc import Collection
from pathlib import Path

RETRY_AFTER_SECONDS = 5
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}", re.ASCII)


class RequestRefused(Exception):
    """Ends a request with an error answer. The message never repeats what the customer sent."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        field: str | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.retry_after_seconds = retry_after_seconds

    @property
    def may_pass(self) -> bool:
        """Whether the same request may be answered later."""
        return self.retry_after_seconds is not None

    @property
    def is_final(self) -> bool:
        """Whether the same request can only be refused again: it is wrong itself, or not allowed."""
        return self.status < 500 and self.retry_after_seconds is None


def bad_request(code: str, message: str, field: str) -> RequestRefused:
    """400: the request itself is wrong."""
    return RequestRefused(400, code, message, field)


def too_large(code: str, message: str, field: str) -> RequestRefused:
    """413: more than the service takes."""
    return RequestRefused(413, code, message, field)


def unavailable(code: str, message: str) -> RequestRefused:
    """503: the same request may succeed later."""
    return RequestRefused(503, code, message, retry_after_seconds=RETRY_AFTER_SECONDS)


def named(name: str, known: Collection[str]) -> str:
    """An unknown name for a sentence, where it is one of those that are known, misspelt; else it may be content."""
    is_like_one = NAME.fullmatch(name) and difflib.get_close_matches(name, known, 1)
    return f" {name}" if is_like_one else ""


def place_of(error: Exception) -> dict[str, str | int | None]:
    """For the log, an error's type and the last place of our own code, and never its words: they may repeat content."""
    frames = traceback.extract_tb(error.__traceback__)
    where = next((frame for frame in reversed(frames) if "lambdas" in Path(frame.filename).parts), frames[-1])
    file = Path(where.filename)
    return {
        "error": type(error).__name__,
        "file": f"{file.parent.name}/{file.name}",
        "function": where.name,
        "line": where.lineno,
    }

"""The form of the API's errors, for what refuses a request before any function runs."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lambdas.common.bodies import IMAGE_BYTES
from lambdas.custom.operations import TEXT_BYTES

# WAF adds up the requests of so long, so whoever waits as long is let through.
RATE_SECONDS = 300


@dataclass(frozen=True)
class Refusal:
    """An error in the API's own form, so that a caller reads one kind of error.

    Attributes:
        status: None where it stands for errors of several.
        code: the error's name, for programs.
        message: a sentence.
        field: the part of the request at fault.
        retry_after_seconds: when the same request may succeed; None where it will not.
    """

    status: int | None
    code: str
    message: str
    field: str | None = None
    retry_after_seconds: int | None = None

    @property
    def body(self) -> str:
        """The answer."""
        return json.dumps({"error": {"code": self.code, "message": self.message, "field": self.field}})


TOO_LARGE = Refusal(
    413,
    "TooLarge",
    f"The body is larger than any that is taken: an image has at most {IMAGE_BYTES:,} bytes, "
    f"{IMAGE_BYTES * 3 // 4:,} as base64 in JSON. Shrink it: fewer pixels, or JPEG in the place of PNG.",
    field="body",
)
TEXT_TOO_LARGE = Refusal(
    413,
    "TextTooLarge",
    f"The text is larger than any that is taken: at most {TEXT_BYTES:,} bytes of UTF-8. Send it in parts.",
    field="body",
)
TOO_MANY = Refusal(
    429,
    "TooManyRequests",
    "Your address sent more requests in five minutes than the firewall lets through.",
    retry_after_seconds=RATE_SECONDS,
)
BY_FIREWALL = {"body": TOO_LARGE, "text": TEXT_TOO_LARGE, "rate": TOO_MANY}
"""What web ACLs answer, by the name under which each of them holds it."""

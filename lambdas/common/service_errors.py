"""What a failed call to an AWS service means for the caller of the API."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError

from lambdas.common.answers import STAND_IN_HEADER
from lambdas.common.errors import RequestRefused, bad_request, too_large, unavailable

THROTTLES = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "LimitExceededException",
        "RequestLimitExceeded",
    }
)
FAULTS = frozenset(
    {
        "InternalServerError",
        "InternalServerException",
        "InternalFailure",
        "ServiceUnavailable",
        "ResourceUnavailableException",
    }
)
# The service does not believe who asks: expired credentials, or a clock that is off. Another environment of the
# function may have better ones; nothing was charged.
DISBELIEF = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
IMAGE_TOO_LARGE, TEXT_TOO_LARGE = "ImageTooLargeException", "TextSizeLimitExceededException"
INVALID_IMAGE = "InvalidImageFormatException"
# Rekognition's word for, among others, a source image without a face to compare.
INVALID_PARAMETERS = "InvalidParameterException"
INVALID_TEXTS = frozenset({"UnsupportedLanguageException", "InvalidRequestException"})


class UnreadableAnswer(BotoCoreError):
    """A service answered, and charged, and its answer is not of the service's form."""

    fmt = "The answer is not of the service's form."


@contextmanager
def reading_answer() -> Generator[None]:
    """Inside, an answer's members are read.

    Raises:
        UnreadableAnswer: when one is missing or of another kind, as when something before the service answered.
    """
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableAnswer from error


def explain(error: Exception, service: str, limits: str = "") -> RequestRefused:
    """Turns a botocore error into an answer; the service's own words stay out, they may repeat what was sent.

    Args:
        error: botocore's; any other is raised.
        service: how sentences name it.
        limits: what the operation takes, a sentence for who sent more.
    """
    if isinstance(error, ClientError):
        response = cast(Any, error).response
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        name = f"The stand-in of {service}" if STAND_IN_HEADER in headers else service
        return explain_code(response["Error"]["Code"], name, limits)
    if isinstance(error, ConnectionError | HTTPClientError):
        return unavailable("ServiceUnreachable", f"{service} could not be reached in time. Try again.")
    if isinstance(error, UnreadableAnswer | ResponseParserError):
        return RequestRefused(502, "AnswerUnreadable", f"The answer of {service} cannot be read.")
    if isinstance(error, BotoCoreError):
        return RequestRefused(502, "ServiceFailed", f"The call to {service} failed ({type(error).__name__}).")
    raise error


def explain_code(code: str, service: str, limits: str = "") -> RequestRefused:
    """An answer for one of the service's error codes; see `explain`."""
    if code in THROTTLES:
        return unavailable("ServiceThrottled", f"{service} takes no more requests just now. Try again.")
    # An error without a name of its own comes from before the service; botocore gives its HTTP status.
    if code in FAULTS or re.fullmatch(r"5\d\d", code):
        return unavailable("ServiceFaulted", f"{service} has a fault of its own just now. Try again.")
    if code in DISBELIEF:
        message = f"{service} does not accept the API's own signature just now ({code}). Try again."
        return unavailable("SignatureRefused", message)
    limits = limits and f" {limits}"
    if code == IMAGE_TOO_LARGE:
        message = f"The image is over a limit of {service}.{limits} Make it smaller."
        return too_large("ImageTooLarge", message, "image")
    if code == TEXT_TOO_LARGE:
        message = f"The text is over a limit of {service}.{limits} Make it smaller."
        return too_large("TextTooLarge", message, "text")
    if code == INVALID_IMAGE:
        return bad_request("InvalidImage", f"{service} cannot read the image.", "image")
    if code == INVALID_PARAMETERS:
        message = f"{service} does not take this image with these options, or finds no face in it to compare."
        return bad_request("InvalidInput", message, "body")
    if code in INVALID_TEXTS:
        return bad_request("InvalidText", f"{service} does not take this text or its language.", "text")
    if code == "NotImplementedByStandIn":
        message = f"The embedded AWS has no stand-in for this operation of {service}; in an AWS account it is answered."
        return RequestRefused(501, "NoStandIn", message)
    if code == "OptionNotReadByStandIn":
        message = (
            f"The embedded AWS's stand-in for this operation of {service} does not know one of these options."
        )
        return RequestRefused(501, "NoStandIn", message, "query")
    if code == "LanguageNotReadByStandIn":
        message = f"The embedded AWS's stand-in for this operation of {service} reads English alone."
        return RequestRefused(501, "NoStandIn", message, "language_code")
    if code == "StandInLoading":
        return unavailable("StandInLoading", f"{service} is still loading its models. Try again.")
    if code == "StandInNotReady":
        return unavailable(
            "StandInNotReady", f"The stand-in of {service} has no weights; the embedded AWS's log says why."
        )
    return RequestRefused(502, "ServiceFailed", f"{service} refused the call ({code}).")

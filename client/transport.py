"""Sends signed requests to the API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

# API Gateway gives up after 29 s.
TIMEOUT_SECONDS = 40


class Unreachable(Exception):
    """The API could not be reached, or answered with something other than JSON; the message says which."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: status, parsed body, and the seconds that Retry-After names, if it does."""

    status: int
    body: Mapping[str, Any]
    retry_after_seconds: float | None = None


# Path below the API's address, query parameters, body and content type to a reply.
Transport = Callable[[str, Mapping[str, str], bytes, str], Reply]


class SignedTransport:
    """Signs with AWS Signature Version 4."""

    def __init__(self, url: str, credentials: Credentials, region: str) -> None:
        """Args:
        url: the API's address with its stage.
        credentials: botocore's, for example `boto3.Session().get_credentials()`; they may refresh themselves.
        region: of the API.
        """
        self.url = url.rstrip("/")
        self.credentials = credentials
        self.region = region

    def __call__(self, path: str, query: Mapping[str, str], body: bytes, content_type: str) -> Reply:
        """Sends one request.

        Raises:
            Unreachable: when there is no answer in JSON.
        """
        url = f"{self.url}/{path}"
        # The signature covers the query as it is encoded, so the encoding must be the one that AWS expects.
        address = f"{url}?{urlencode(query, quote_via=quote, safe='')}" if query else url
        request = AWSRequest("POST", address, data=body, headers={"Content-Type": content_type})
        SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        try:
            answer = requests.post(address, data=body, headers=dict(request.headers), timeout=TIMEOUT_SECONDS)
            content = answer.json()
        except requests.JSONDecodeError as error:
            raise Unreachable(
                f"{url} answered {answer.status_code} with something other than JSON."
            ) from error
        except requests.RequestException as error:
            raise Unreachable(f"{url} could not be asked: {type(error).__name__}.") from error
        seconds = answer.headers.get("Retry-After", "")
        return Reply(answer.status_code, content, float(seconds) if seconds.isdecimal() else None)

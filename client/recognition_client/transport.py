"""Sends requests to the API: signed, or with a token."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies  # pyright: ignore[reportUnknownVariableType]

# API Gateway gives up after 29 s.
TIMEOUT_SECONDS = 40


class Unreachable(Exception):
    """The API could not be reached, or what answered did not answer as the API does; the message says which."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: status, parsed body, and the seconds that Retry-After names, if it does."""

    status: int
    body: Mapping[str, Any]
    retry_after_seconds: float | None = None


# Path below the API's address, query parameters, body and headers to a reply.
Transport = Callable[[str, Mapping[str, str], bytes, Mapping[str, str]], Reply]


class SignedTransport:
    """Signs with AWS Signature Version 4."""

    def __init__(self, url: str, credentials: Credentials, region: str, api_key: str | None = None) -> None:
        """Args:
        url: the API's address with its stage.
        credentials: botocore's, for example `boto3.Session().get_credentials()`; they may refresh themselves.
        region: of the API.
        api_key: where the deployment gives its callers keys.

        Raises:
            ValueError: when the address is none.
        """
        self.url = checked(url)
        self.credentials = credentials
        self.region = region
        self.api_key = api_key

    def __call__(self, path: str, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> Reply:
        """Sends one request.

        Raises:
            Unreachable: when there is no answer in JSON.
        """
        address = address_of(self.url, path, query)
        request = AWSRequest("POST", address, data=body, headers=with_api_key(headers, self.api_key))
        cast(Any, SigV4Auth(self.credentials, "execute-api", self.region)).add_auth(request)
        return send(address, body, dict(request.headers))


class TokenTransport:
    """Shows a token of Cognito's, where the deployment wants one."""

    def __init__(self, url: str, token: Callable[[], str], api_key: str | None = None) -> None:
        """Args:
        url: the API's address with its stage.
        token: gives the token for a request; it is asked each time, so that it may fetch a new one.
        api_key: where the deployment gives its callers keys.

        Raises:
            ValueError: when the address is none.
        """
        self.url = checked(url)
        self.token = token
        self.api_key = api_key

    def __call__(self, path: str, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]) -> Reply:
        """Sends one request.

        Raises:
            Unreachable: when there is no answer in JSON.
        """
        shown = {**with_api_key(headers, self.api_key), "Authorization": f"Bearer {self.token()}"}
        return send(address_of(self.url, path, query), body, shown)


def checked(url: str) -> str:
    """The API's address without a slash at its end.

    Raises:
        ValueError: when it does not begin with http:// or https:// and a host.
    """
    parts = urlsplit(url) if isinstance(url, str) else None  # pyright: ignore[reportUnnecessaryIsInstance]
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"url is {url!r}; the API's address is meant, such as https://api.example.com/dev.")
    return url.rstrip("/")


def address_of(url: str, path: str, query: Mapping[str, str]) -> str:
    """The address of a path. A signature covers the query as it is encoded, so the encoding is the one AWS expects."""
    return f"{url}/{path}?{urlencode(query, quote_via=quote, safe='')}" if query else f"{url}/{path}"


def with_api_key(headers: Mapping[str, str], api_key: str | None) -> dict[str, str]:
    """The headers with the caller's key."""
    return {**headers, "x-api-key": api_key} if api_key else dict(headers)


def proxies_of(address: str) -> dict[str, str]:
    """The proxies of the environment, but none for an address of this machine, which no proxy reaches."""
    host = urlsplit(address).hostname or ""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost" or host.endswith(".localhost")
    return {} if is_loopback else cast(dict[str, str], get_environ_proxies(address))


def send(address: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Posts a request and reads the answer; see the transports for errors."""
    url = address.partition("?")[0]
    session = cast(Any, URLLib3Session(timeout=TIMEOUT_SECONDS, proxies=proxies_of(address)))
    try:
        answer = session.send(AWSRequest("POST", address, data=body, headers=headers).prepare())
    except BotoCoreError as error:
        raise Unreachable(f"{url} could not be asked: {type(error).__name__}.") from error
    finally:
        session.close()
    try:
        content = json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"{url} answered {answer.status_code} with something other than JSON.") from error
    if not isinstance(content, dict):
        raise Unreachable(
            f"{url} answered {answer.status_code} with JSON that is no object, as the API's is."
        )
    seconds = answer.headers.get("Retry-After", "")
    members = cast(dict[str, Any], content)
    return Reply(answer.status_code, members, float(seconds) if seconds.isdecimal() else None)

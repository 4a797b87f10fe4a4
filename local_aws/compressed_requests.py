"""Unpacks a compressed request to the API, within API Gateway's largest payload; the header that told of it stays."""

from __future__ import annotations

import zlib
from typing import Any

from ministack.services import apigateway_v1

from local_aws import gateway_refusals

# The codings that API Gateway knows, and how zlib tells them apart (Amazon API Gateway Developer Guide, Content codings
# supported by API Gateway).
CODINGS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
IDENTITY = "identity"
# API Gateway's largest payload (its quotas).
MOST_BYTES = 10 * 1024 * 1024


class Refused(Exception):
    """API Gateway does not pass a body on: its name of the case, and its own sentence."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


TOO_LARGE = "REQUEST_TOO_LARGE", "Request Too Long"
UNKNOWN = "UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type"


def install() -> None:
    """Takes the place of ministack's function that executes an API's methods."""
    execute = apigateway_v1.handle_execute

    async def execute_unpacked(
        api_id: str, stage: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Any:
        try:
            body = unpacked(body, headers.get("content-encoding", ""))
        except Refused as refusal:
            answer = gateway_refusals.refusal(api_id, stage, refusal.kind, str(refusal))
            if answer:
                return answer
            # Where there is no such stage, API Gateway says so.
            body = b""
        return await execute(api_id, stage, method, path, headers, body, query)

    apigateway_v1.handle_execute = execute_unpacked


def unpacked(body: bytes, coding: str) -> bytes:
    """A body as it was before its content coding.

    Raises:
        Refused: when the coding is not known, the body is not of it, or it is, or unpacks to, too much.
    """
    name = coding.strip().lower() or IDENTITY
    if name == IDENTITY:
        if len(body) > MOST_BYTES:
            raise Refused(*TOO_LARGE)
        return body
    if name not in CODINGS:
        raise Refused(*UNKNOWN)
    decoder = zlib.decompressobj(CODINGS[name])
    try:
        content = decoder.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise Refused(*UNKNOWN) from error
    if len(content) > MOST_BYTES:
        raise Refused(*TOO_LARGE)
    if not decoder.eof:
        raise Refused(*UNKNOWN)
    return content

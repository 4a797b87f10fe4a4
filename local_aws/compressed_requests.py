"""Unpacks a compressed request to the API, within API Gateway's largest payload; the header that told of it stays."""

from __future__ import annotations

import json
import zlib
from typing import Any

from ministack.services import apigateway_v1

# The codings that API Gateway knows, and how zlib tells them apart (Amazon API Gateway Developer Guide, Content codings
# supported by API Gateway).
CODINGS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
IDENTITY = "identity"
# API Gateway's largest payload (its quotas).
MOST_BYTES = 10 * 1024 * 1024


class Refused(Exception):
    """API Gateway's answer to a body that it does not pass on: a status, and the sentence of its own."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def install() -> None:
    """Takes the place of ministack's function that executes an API's methods."""
    execute = apigateway_v1.handle_execute

    async def execute_unpacked(
        api_id: str, stage: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Any:
        try:
            body = unpacked(body, headers.get("content-encoding", ""))
        except Refused as refusal:
            content = json.dumps({"message": str(refusal)}).encode()
            return refusal.status, {"Content-Type": "application/json"}, content
        return await execute(api_id, stage, method, path, headers, body, query)

    apigateway_v1.handle_execute = execute_unpacked


def unpacked(body: bytes, coding: str) -> bytes:
    """A body as it was before its content coding.

    Raises:
        Refused: 415 when the coding is not known or the body is not of it, 413 when it is, or unpacks to, too much.
    """
    name = coding.strip().lower() or IDENTITY
    if name == IDENTITY:
        if len(body) > MOST_BYTES:
            raise Refused(413, "Request Too Long")
        return body
    if name not in CODINGS:
        raise Refused(415, "Unsupported Media Type")
    decoder = zlib.decompressobj(CODINGS[name])
    try:
        content = decoder.decompress(body, MOST_BYTES + 1)
    except zlib.error as error:
        raise Refused(415, "Unsupported Media Type") from error
    if len(content) > MOST_BYTES:
        raise Refused(413, "Request Too Long")
    if not decoder.eof:
        raise Refused(415, "Unsupported Media Type")
    return content

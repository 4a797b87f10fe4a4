"""Clients of AWS services, made at first use and kept for the life of the function's environment."""
# pyright: reportMissingTypeStubs=false
# botocore brings no types.

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, cast

from lambdas.common.tracing import trace_calls

# API Gateway gives up after 29 s: two tries of 12 s fit.
READ_TIMEOUT_SECONDS = 12
# Where one request makes several calls one after the other, two of them with both their tries fit.
SHORT_READ_TIMEOUT_SECONDS = 5
CONNECT_TIMEOUT_SECONDS = 2
# A look into our own table beside the call itself.
TABLE_READ_TIMEOUT_SECONDS = 1
ATTEMPTS = 2

WITH_SHORT_TIMEOUT: ContextVar[bool] = ContextVar("with_short_timeout", default=False)


def client(service: str) -> Any:
    """The boto3 client of a service, with time-outs that fit API Gateway's."""
    return client_with(
        service, SHORT_READ_TIMEOUT_SECONDS if WITH_SHORT_TIMEOUT.get() else READ_TIMEOUT_SECONDS
    )


def table_client() -> Any:
    """A client of DynamoDB that gives up soon: what it keeps makes requests cheaper and must not make them slow."""
    return client_with("dynamodb", TABLE_READ_TIMEOUT_SECONDS)


@cache
def client_with(service: str, read_timeout_seconds: int) -> Any:
    """The client of a service that waits so long for an answer."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    made = cast(Any, boto3).client(service, config=config)
    trace_calls(made)
    return made


@contextmanager
def short_timeout() -> Generator[None]:
    """Inside, clients wait less: for a request that makes several calls."""
    token = WITH_SHORT_TIMEOUT.set(True)
    try:
        yield
    finally:
        WITH_SHORT_TIMEOUT.reset(token)

"""Clients of AWS services, made at first use and kept for the life of the function's environment."""

from __future__ import annotations

from functools import cache
from typing import Any

# API Gateway gives up after 29 s: two tries of 12 s fit.
READ_TIMEOUT_SECONDS = 12
CONNECT_TIMEOUT_SECONDS = 2
ATTEMPTS = 2


@cache
def client(service: str) -> Any:
    """The boto3 client of a service, with time-outs that fit API Gateway's."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    return boto3.client(service, config=config)

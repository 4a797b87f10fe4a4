"""Who sent a request, by what API Gateway says of it."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def caller_of(event: dict[str, Any]) -> list[str | None]:
    """Who sent a request, so that nobody reaches another's answers by guessing a key.

    People share roles: of a role each session is a caller of its own, and of an identity pool each identity.
    """
    context: dict[str, Any] = event.get("requestContext") or {}
    identity: dict[str, str] = context.get("identity") or {}
    authorizer: dict[str, Any] = context.get("authorizer") or {}
    claims: dict[str, str] = authorizer.get("claims") or {}
    return [
        identity.get("accountId"),
        identity.get("user") or identity.get("userArn"),
        identity.get("cognitoIdentityPoolId"),
        identity.get("cognitoIdentityId"),
        claims.get("iss"),
        claims.get("sub") or claims.get("client_id"),
        identity.get("apiKeyId"),
    ]


def payer_of(event: dict[str, Any]) -> str:
    """The digest of whose money a request spends: whoever assumes a role names its sessions, so they share it."""
    account, principal, *others = caller_of(event)
    paying = [account, (principal or "").partition(":")[0], *others]
    return hashlib.sha256(json.dumps(paying).encode()).hexdigest()

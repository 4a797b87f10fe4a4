"""A request with an Idempotency-Key is answered once: its repetition gets the same answer and costs nothing more."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from lambdas.common.callers import caller_of
from lambdas.common.clients import table_client
from lambdas.common.errors import RequestRefused, bad_request, unavailable

KEY_HEADER = "Idempotency-Key"
KEY_PATTERN = r"[\x21-\x7e]{1,255}"
# An item of DynamoDB has at most 400 KB (its quotas); a longer answer is given and not kept.
MOST_BYTES = 350_000
RETRY_AFTER_SECONDS = 2


class NotToBeKept(Exception):
    """Tells Powertools to forget the request, whose answer does not fit into a record or does not belong into one."""


def key_of(event: dict[str, Any]) -> str | None:
    """The request's key; None where it has none.

    Raises:
        RequestRefused: 400 when it is no key.
    """
    headers: dict[str, str] = event.get("headers") or {}
    key = next((value for name, value in headers.items() if name.lower() == KEY_HEADER.lower()), None)
    if key is not None and not re.fullmatch(KEY_PATTERN, key):
        raise bad_request(
            "InvalidIdempotencyKey", f"{KEY_HEADER} has to be 1 to 255 visible ASCII characters.", KEY_HEADER
        )
    return key


@cache
def layer(table: str, client: Any) -> Any:
    """Where Powertools keeps its records; made once for the life of the function's environment."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer

    return DynamoDBPersistenceLayer(
        table_name=table, key_attr="id", expiry_attr="expires_at", boto3_client=client
    )


def answered_once(
    key: str,
    operation_name: str,
    event: dict[str, Any],
    context: Any,
    asked: str,
    run: Callable[[], dict[str, Any]],
    *,
    keep: bool = True,
) -> tuple[dict[str, Any], bool]:
    """The answer of `run`, or the one that the same request got before, and whether it is that.

    Args:
        key: the caller's; the record's id is a digest of it, of the caller and of the operation.
        operation_name: the same whichever path led to it.
        event: the request.
        context: Lambda's; a record of a function that died counts until its time would have been over.
        asked: the digest of the request; the content itself is not kept.
        run: answers it.
        keep: whether the answer may be kept; else the key guards the request only while it is being answered.

    Raises:
        RequestRefused: what `run` raises, which keeps nothing; 409 while the first is being answered; 422 when the
            key was used for another request; 503 when nobody can tell.
    """
    from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, exceptions, idempotent_function

    config = IdempotencyConfig(
        event_key_jmespath="key",
        payload_validation_jmespath="asked",
        expires_after_seconds=int(os.environ["IDEMPOTENCY_SECONDS"]),
        hash_function="sha256",
        lambda_context=context,
    )
    made: list[dict[str, Any]] = []
    refused: list[RequestRefused] = []

    @idempotent_function(
        data_keyword_argument="request",
        persistence_store=layer(os.environ["ANSWERS_TABLE"], table_client()),
        config=config,
        key_prefix="once",
    )
    def answer(*, request: dict[str, Any]) -> dict[str, Any]:
        try:
            made.append(run())
        except RequestRefused as error:
            refused.append(error)
            raise
        if not keep or len(json.dumps(made[0])) > MOST_BYTES:
            raise NotToBeKept
        return made[0]

    try:
        members = answer(request={"key": [key, operation_name, *caller_of(event)], "asked": asked})
    except NotToBeKept:
        return made[0], False
    except exceptions.IdempotencyValidationError as error:
        raise RequestRefused(
            422, "IdempotencyKeyReused", f"This {KEY_HEADER} was used for another request.", KEY_HEADER
        ) from error
    except exceptions.IdempotencyAlreadyInProgressError as error:
        raise RequestRefused(
            409,
            "RequestInProgress",
            f"The first request with this {KEY_HEADER} is still being answered.",
            KEY_HEADER,
            RETRY_AFTER_SECONDS,
        ) from error
    except (
        exceptions.IdempotencyPersistenceLayerError,
        exceptions.IdempotencyInconsistentStateError,
    ) as error:
        # What was found (and charged) is not thrown away because it could not be kept.
        if made:
            return made[0], False
        if refused:
            raise refused[0] from error
        raise unavailable(
            "IdempotencyUnknown", f"Whether this {KEY_HEADER} was answered cannot be told now. Try again."
        ) from error
    return members, not made

"""Asks a network's endpoints that have no instance while nobody asks, and has callers ask again until one answers."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

from definitions.names import ASYNCHRONOUS_PREFIX, IDLE_ENDPOINTS_VARIABLE, MODEL_BUCKET_VARIABLE
from lambdas.common.callers import caller_of
from lambdas.common.clients import client
from lambdas.common.content import JSON_TYPE
from lambdas.common.errors import RETRY_AFTER_SECONDS, RequestRefused, bad_request
from lambdas.common.idempotency import KEY_HEADER, key_of
from lambdas.common.options import Choice

ASYNCHRONOUS, TO_ZERO = "asynchronous", "to-zero"
ENDPOINT = Choice(
    name="endpoint",
    member=None,
    values=(ASYNCHRONOUS, TO_ZERO),
    description="Another of our network's endpoints, which has no instance while nobody asks it.",
)


def request_of(endpoint: str, kind: str) -> dict[str, str]:
    """The members of a request that name such an endpoint.

    Raises:
        RequestRefused: 400 when the deployment has none.
    """
    requests = json.loads(os.environ.get(IDLE_ENDPOINTS_VARIABLE, "{}"))
    if endpoint not in requests:
        raise bad_request(
            "NoSuchEndpoint", f"This API asks no endpoint '{endpoint}' of our networks.", ENDPOINT.name
        )
    return requests[endpoint][kind]


def ask_asynchronously(kind: str, body: bytes, content_type: str, event: dict[str, Any]) -> bytes:
    """The answer to a request that was left in S3 before, by the caller's key; a new one is left there.

    Raises:
        RequestRefused: 400 without a key or such an endpoint, 409 until there is an answer, 503 when the model failed.
        ClientError: when S3 or SageMaker refuses.
    """
    endpoint = request_of(ASYNCHRONOUS, kind)
    key = key_of(event)
    if key is None:
        raise bad_request(
            "IdempotencyKeyMissing",
            f"An asynchronous request needs an {KEY_HEADER}, by which its answer is found when it is sent again.",
            KEY_HEADER,
        )
    bucket = os.environ[MODEL_BUCKET_VARIABLE]
    asked = json.dumps([key, *caller_of(event), content_type, hashlib.sha256(body).hexdigest()])
    request = f"{ASYNCHRONOUS_PREFIX}/{kind}/requests/{hashlib.sha256(asked.encode()).hexdigest()}"
    accepted = f"{request}.json"
    if (places := object_at(bucket, accepted)) is None:
        client("s3").put_object(Bucket=bucket, Key=request, Body=body)
        answer = client("sagemaker-runtime").invoke_endpoint_async(
            **endpoint,
            InputLocation=f"s3://{bucket}/{request}",
            ContentType=content_type,
            Accept=JSON_TYPE,
        )
        places = json.dumps([answer["OutputLocation"], answer["FailureLocation"]]).encode()
        client("s3").put_object(Bucket=bucket, Key=accepted, Body=places)
    answered, failed = (place.removeprefix(f"s3://{bucket}/") for place in json.loads(places))
    if (content := object_at(bucket, answered)) is not None:
        return content
    if object_at(bucket, failed) is not None:
        raise RequestRefused(
            503, "ModelFailed", f"The model failed on this input. Another {KEY_HEADER} asks it again."
        )
    raise RequestRefused(
        409,
        "RequestInProgress",
        "The asynchronous request is not answered yet. Send it again with the same key.",
        KEY_HEADER,
        RETRY_AFTER_SECONDS,
    )


def object_at(bucket: str, key: str) -> bytes | None:
    """What is in an object of S3; None while it is not there."""
    s3 = client("s3")
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None

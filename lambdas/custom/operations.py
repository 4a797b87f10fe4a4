"""Asks our own networks behind SageMaker endpoints."""

from __future__ import annotations

import json
import os
from typing import Any

from botocore.exceptions import ClientError

from lambdas.common.answers import Answer, Result
from lambdas.common.bodies import read_image, read_text
from lambdas.common.clients import client
from lambdas.common.errors import RequestRefused, unavailable

# The network resizes whatever it gets, but one pixel shows nothing.
MINIMUM_PIXELS = 8
# What the recurrent network reads is far less; the limit keeps a request within Comprehend's for the same text.
TEXT_BYTES = 100_000
VERSION_TAG = "model-version"


def classify_image(event: dict[str, Any]) -> Answer:
    """The CNN's classes for the event's image; see `invoke` for errors."""
    image = read_image(event, minimum_pixels=MINIMUM_PIXELS)
    return invoke(os.environ["CNN_ENDPOINT_NAME"], image.content, image.header.media_type)


def classify_text(event: dict[str, Any]) -> Answer:
    """The RNN's classes for the event's text; see `invoke` for errors."""
    request = read_text(event, maximum_bytes=TEXT_BYTES)
    return invoke(os.environ["RNN_ENDPOINT_NAME"], request.text.encode(), "text/plain")


def invoke(endpoint: str, body: bytes, content_type: str) -> Answer:
    """One prediction.

    Raises:
        RequestRefused: 503 when there is no endpoint yet or its container does not answer, 400 when the model cannot
            read the body.
        ClientError: on any other refusal.
    """
    try:
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType=content_type, Accept="application/json"
        )
    except ClientError as error:
        raise explain(error, endpoint) from error
    (prediction,) = json.loads(answer["Body"].read())["predictions"]
    results = [Result(label, score) for label, score in prediction["probabilities"].items()]
    return Answer(results, endpoint, prediction.get("model_version"), None)


def explain(error: ClientError, endpoint: str) -> Exception:
    """What an endpoint's error means for the caller; errors that are not the endpoint's own are passed on."""
    code = error.response["Error"]["Code"]
    message = error.response["Error"]["Message"]
    if code in ("ValidationError", "ValidationException") and "not found" in message:
        return unavailable("ModelNotReleased", f"No model is released to the endpoint {endpoint} yet.")
    if code == "ModelNotReadyException":
        return unavailable(
            "ModelNotReady", f"The model of the endpoint {endpoint} is still loading. Try again."
        )
    if code == "ModelError":
        status = error.response.get("OriginalStatusCode", 500)
        if 400 <= status < 500:
            return RequestRefused(400, "UnreadableInput", "The model cannot read the input.", "body")
        return unavailable("ModelFailed", f"The model of the endpoint {endpoint} failed on this input.")
    return error

"""Asks our own networks behind SageMaker endpoints."""

from __future__ import annotations

import json
import os
from typing import Any

from botocore.exceptions import ClientError

from definitions.names import SHARED_ENDPOINT_VARIABLE, TARGET_MODEL
from definitions.networks import KINDS, kind_of_feature
from lambdas.common.answers import Answer, Reading, Result
from lambdas.common.bodies import ImageBody, SequenceBody, TextBody, read_image, read_sequence, read_text
from lambdas.common.clients import client
from lambdas.common.content import JSON_TYPE, TEXT_TYPE
from lambdas.common.costs import cost_of
from lambdas.common.errors import RequestRefused, bad_request, unavailable
from lambdas.common.operations import Operation
from lambdas.common.options import read_options
from lambdas.common.releases import ReleasedVersion, model_group
from lambdas.common.service_errors import reading_answer
from lambdas.custom.idle_endpoints import ASYNCHRONOUS, ENDPOINT, ask_asynchronously, request_of
from lambdas.custom.later_labels import LABELS

BACKEND = "sagemaker"

# The network resizes whatever it gets, but one pixel shows nothing.
LEAST_PIXELS = 8
# The endpoint unpacks an image whole, and a file of some kilobytes may say that it has gigabytes of pixels. Our own
# container's bound (serving/preprocessing.py); TensorFlow's has none.
MOST_PIXELS = 50_000_000
# What a network reads is far less; the limit keeps a request within Comprehend's for the same text.
TEXT_BYTES = 100_000
# An endpoint takes 6 MiB, and JSON writes a number with up to 24 characters and a comma.
SEQUENCE_NUMBERS = 200_000
RELEASED = {kind: ReleasedVersion(kind) for kind in KINDS}


def classify_image(operation: Operation, event: dict[str, Any]) -> Answer:
    """Our network's classes for the event's image; see `invoke` for errors."""
    image = read_image(event, operation.body_as(ImageBody))
    return invoke("image", operation, event, image.content, image.header.media_type)


def classify_text(operation: Operation, event: dict[str, Any]) -> Answer:
    """Our network's classes for the event's text; see `invoke` for errors."""
    request = read_text(event, operation.body_as(TextBody))
    return invoke("text", operation, event, request.text.encode(), TEXT_TYPE)


def classify_sequence(operation: Operation, event: dict[str, Any]) -> Answer:
    """Our network's classes for the event's sequence; see `invoke` for errors.

    An environment has one network of a kind: a version that was trained on texts cannot read a sequence, and says so.
    """
    sequence = read_sequence(event, operation.body_as(SequenceBody))
    body = json.dumps({"sequence": sequence}, separators=(",", ":")).encode()
    return invoke("sequence", operation, event, body, JSON_TYPE)


def invoke(
    feature: str, operation: Operation, event: dict[str, Any], body: bytes, content_type: str
) -> Answer:
    """One prediction of the network that reads a feature, by the endpoint that the event's options choose.

    Raises:
        RequestRefused: 503 when there is no endpoint yet or its container does not answer, 400 when the model cannot
            read the body; see `idle_endpoints` for the endpoints without instances.
        ClientError: on any other refusal.
    """
    kind = kind_of_feature(feature)
    group, version = model_group(kind), None
    # By which a label that arrives later finds what was captured of this request.
    request_id = event.get("requestContext", {}).get("requestId")
    named = {"InferenceId": request_id} if request_id else {}
    chosen = read_options(operation.options, event).get(ENDPOINT.name)
    try:
        if chosen == ASYNCHRONOUS:
            # Nothing is captured there.
            request_id, content = None, ask_asynchronously(kind, body, content_type, event)
        elif chosen:
            content = ask_at_once({**request_of(chosen, kind), **named}, body, content_type)
        elif shared := os.environ.get(SHARED_ENDPOINT_VARIABLE):
            version = RELEASED[kind].present()
            target = TARGET_MODEL.format(kind=kind, version=version)
            content = ask_at_once(
                {"EndpointName": shared, "TargetModel": target, **named}, body, content_type
            )
        else:
            content = ask_at_once({"EndpointName": group, **named}, body, content_type)
    except ClientError as error:
        raise explain(error, group, feature) from error
    with reading_answer():
        (prediction,) = json.loads(content)["predictions"]
        results = [Result(label, score) for label, score in prediction["probabilities"].items()]
    # An endpoint is paid for by the hour, whether it is asked or not.
    cost = cost_of(None, None, 1)
    reading = reading_of(results, prediction.get("label"))
    if request_id:
        reading.details["request_id"] = request_id
    # A container of several models does not know their versions; the one that was asked for is the one that answers.
    version = version or prediction.get("model_version")
    return Answer(BACKEND, reading, group, version, None, cost)


def ask_at_once(endpoint: dict[str, str], body: bytes, content_type: str) -> bytes:
    """The answer of a real-time endpoint, which the members of InvokeEndpoint's request name, with the request's id."""
    answer = client("sagemaker-runtime").invoke_endpoint(
        **endpoint, Body=body, ContentType=content_type, Accept=JSON_TYPE
    )
    return answer["Body"].read()


def reading_of(results: list[Result], label: str | None) -> Reading:
    """The classes with their probabilities; and in the details the model's own answer, where it is not the likeliest.

    A model that was trained on a rare class may decide for it from a probability on that is far below a half.
    """
    likeliest = max(results, key=lambda result: result.score).label
    return Reading(results, {} if label in (None, likeliest) else {"label": label})


def explain(error: ClientError, endpoint: str, feature: str) -> Exception:
    """What an endpoint's error about a feature means for the caller; what is not the endpoint's own is passed on."""
    code = error.response["Error"]["Code"]
    message = error.response["Error"]["Message"]
    if code in ("ValidationError", "ValidationException") and "not found" in message:
        return unavailable("ModelNotReleased", f"No model is released to the endpoint {endpoint} yet.")
    if "Failed to download model data" in message:
        return unavailable(
            "ModelFailed", f"The released model of {endpoint} is no longer where it was. Release it again."
        )
    if code == "ModelNotReadyException" or "has no capacity" in message:
        return unavailable(
            "ModelNotReady", f"The model of the endpoint {endpoint} is still loading. Try again."
        )
    if code == "ModelError":
        status = error.response.get("OriginalStatusCode", 500)
        if 400 <= status < 500:
            return unreadable(feature)
        return unavailable("ModelFailed", f"The model of the endpoint {endpoint} failed on this input.")
    return error


def unreadable(feature: str) -> RequestRefused:
    """400: what was sent is a well-formed image, text or sequence, but nothing that the released model reads."""
    if feature == "image":
        return bad_request(
            "UnreadableInput", "The released model cannot decode the image: it is damaged.", "body"
        )
    if feature == "text":
        sentence = (
            "The released model does not read this text: it was trained on sequences, about which sequences/class is "
            "asked, or on the rows of a table, and this is no line of CSV with their columns."
        )
        return bad_request("UnreadableInput", sentence, "body")
    sentence = (
        "The released model does not read this sequence: it was trained on another number of channels or steps, or on "
        "texts, about which texts/class is asked."
    )
    return bad_request("UnreadableInput", sentence, "body")


IMAGE_CLASS = Operation(
    name="image-class",
    path="images/class",
    summary="Our own network's classes for an image.",
    service="sagemaker-runtime",
    api="InvokeEndpoint",
    body=ImageBody(LEAST_PIXELS, most_area=MOST_PIXELS),
    options=(ENDPOINT,),
    run=classify_image,
)
TEXT_CLASS = Operation(
    name="text-class",
    path="texts/class",
    summary="Our own network's classes for a text.",
    service="sagemaker-runtime",
    api="InvokeEndpoint",
    body=TextBody(TEXT_BYTES),
    options=(ENDPOINT,),
    run=classify_text,
)
SEQUENCE_CLASS = Operation(
    name="sequence-class",
    path="sequences/class",
    summary="Our own network's classes for a sequence of a sensor's readings.",
    service="sagemaker-runtime",
    api="InvokeEndpoint",
    body=SequenceBody(SEQUENCE_NUMBERS),
    options=(ENDPOINT,),
    run=classify_sequence,
)
OPERATIONS = (IMAGE_CLASS, TEXT_CLASS, SEQUENCE_CLASS, LABELS)

"""Asks a network's asynchronous endpoint, or the one that scales to zero; the API asks neither, as both may be slow."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from cli.recognize.request import KIND_OF_PATH, Question, Reply
from cli.shared.errors import CommandFailed, interruption_says
from cli.shared.target import Target
from definitions.names import asynchronous_endpoint_name, component_endpoint_name, component_name
from definitions.networks import JSON_TYPE
from definitions.parameters import MODEL_BUCKET
from stacks.settings.inference import ASYNCHRONOUS_PREFIX

SECONDS_BETWEEN_LOOKS = 2
# An asynchronous request's longest (SageMaker's guide, asynchronous inference), and an instance's start before it.
LONGEST_SECONDS = 2 * 3600


def ask_asynchronously(target: Target, question: Question, on_detail: Callable[[str], None]) -> Reply:
    """Leaves the question in S3, and waits for its answer there; an instance may have to start first.

    Raises:
        CommandFailed: when there is no such endpoint, or the model could not answer.
        Interrupted: with the place where the answer will be, as the request goes on.
    """
    kind = KIND_OF_PATH[question.path]
    endpoint = asynchronous_endpoint_name(target.environment, kind)
    require(target, endpoint, kind, "asynchronous")
    s3, bucket = target.client("s3"), target.parameter(MODEL_BUCKET)
    key = f"{ASYNCHRONOUS_PREFIX}/{kind}/requests/{uuid.uuid4()}"
    started = time.monotonic()
    s3.put_object(Bucket=bucket, Key=key, Body=question.body)
    accepted = target.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint,
        InputLocation=f"s3://{bucket}/{key}",
        ContentType=plain(question.content_type),
        Accept=JSON_TYPE,
    )
    answer, failure = accepted["OutputLocation"], accepted["FailureLocation"]
    with interruption_says(
        f"The request goes on. Its answer will be {answer}, or the reason for none {failure}."
    ):
        while True:
            if content := object_at(s3, answer):
                return reply_of(endpoint, content, time.monotonic() - started)
            if content := object_at(s3, failure):
                raise CommandFailed(
                    f"The model of the endpoint {endpoint} failed on this input: see {failure}."
                )
            wait_on(started, f"{endpoint} has not answered", on_detail)


def ask_to_zero(target: Target, question: Question, on_detail: Callable[[str], None]) -> Reply:
    """Asks the component, and again while the first copy starts, which the first refused request brings about.

    Raises:
        CommandFailed: when there is no such endpoint, or its model refuses the input.
    """
    kind = KIND_OF_PATH[question.path]
    endpoint = component_endpoint_name(target.environment, kind)
    require(target, endpoint, kind, "scale_to_zero")
    started = time.monotonic()
    while True:
        try:
            answer = target.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=endpoint,
                InferenceComponentName=component_name(target.environment, kind),
                Body=question.body,
                ContentType=plain(question.content_type),
                Accept=JSON_TYPE,
            )
        except ClientError as error:
            if (
                "no capacity" not in str(error)
                and error.response["Error"]["Code"] != "ModelNotReadyException"
            ):
                message = error.response["Error"]["Message"]
                raise CommandFailed(f"The endpoint {endpoint} refused the input: {message}") from error
            wait_on(started, f"{endpoint} starts its first copy", on_detail)
        else:
            return reply_of(endpoint, answer["Body"].read(), time.monotonic() - started)


def require(target: Target, endpoint: str, kind: str, setting: str) -> None:
    """Refuses, before anything is sent, to ask an endpoint that is not there.

    Raises:
        CommandFailed: which says how it comes about.
    """
    try:
        target.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if "Could not find" not in str(error):
            raise
        raise CommandFailed(
            f"There is no endpoint {endpoint}. Set inference.{setting} of '{target.environment}' in cdk.json, deploy "
            f"({target.deploy_command()}) and release a version: {target.command(f'release {kind}')}"
        ) from error


def wait_on(started: float, what: str, on_detail: Callable[[str], None]) -> None:
    """A pause, unless it has taken too long.

    Raises:
        CommandFailed: when it has.
    """
    seconds = time.monotonic() - started
    if seconds > LONGEST_SECONDS:
        raise CommandFailed(
            f"{what} within {LONGEST_SECONDS / 3600:g} hours. Look at its log and its instances."
        )
    on_detail(f"{what} for {seconds:.0f} s")
    time.sleep(SECONDS_BETWEEN_LOOKS)


def object_at(s3: Any, uri: str) -> bytes | None:
    """What is in an object of S3; None while it is not there."""
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    try:
        return s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None


def reply_of(endpoint: str, content: bytes, seconds: float) -> Reply:
    """The container's answer in the API's form."""
    (prediction,) = json.loads(content)["predictions"]
    ranked = sorted(prediction["probabilities"].items(), key=lambda pair: pair[1], reverse=True)
    body = {
        "backend": "sagemaker",
        "model": {"name": endpoint, "version": prediction.get("model_version")},
        "stand_in": None,
        "results": [{"label": label, "score": score} for label, score in ranked],
    }
    return Reply(200, body, seconds)


def plain(content_type: str) -> str:
    """The content type without its parameters, as the container takes it."""
    return content_type.partition(";")[0]

"""Events as API Gateway sends them, real small pictures, and services whose answers botocore checks."""

from __future__ import annotations

import base64
import importlib
import io
import json
import sys
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from PIL import Image

from lambdas.catalogue import FUNCTIONS, OPERATIONS, examples
from lambdas.common import clients, policy
from lambdas.common.bodies import ImageBody, ImagePairBody, SequenceBody
from lambdas.common.operations import Operation

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_NAMESPACE": "Recognition",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "CNN_ENDPOINT_NAME": "recognition-dev-cnn",
    "RNN_ENDPOINT_NAME": "recognition-dev-rnn",
    "LABELS_BUCKET": "data",
    "LABELS_AFTER_DAYS": "7",
    "DOCUMENT_CLASSIFIER_ENDPOINT_ARN": (
        "arn:aws:comprehend:us-east-1:111122223333:document-classifier-endpoint/tickets"
    ),
    # No price of toxicity, as in the advisor's tables.
    "PRICES_USD": json.dumps(
        {
            "rekognition.image.group1": 0.001,
            "rekognition.image.group2": 0.001,
            "comprehend.unit": 0.0001,
            "comprehend.syntax.unit": 0.00005,
            "comprehend.pii.unit": 0.0001,
        }
    ),
}
REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
PLAIN = {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}}}
EXAMPLES = examples()
BY_NAME = {operation.name: operation for operation in OPERATIONS}
FUNCTION_OF = {
    operation.name: function for function, operations in FUNCTIONS.items() for operation in operations
}
ASKING = [name for name, operation in BY_NAME.items() if operation.service]


@dataclass
class LambdaContext:
    """What the runtime hands to a handler."""

    function_name: str = "test"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:111122223333:function:test"
    aws_request_id: str = "request"
    remaining_milliseconds: int = 28_000

    def get_remaining_time_in_millis(self) -> int:
        """As if the function had just begun."""
        return self.remaining_milliseconds


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """The function's variables; clients, handlers and loggers are made anew, so that a test sees what is logged."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", uuid.uuid4().hex)
    for function in FUNCTIONS:
        monkeypatch.delitem(sys.modules, f"lambdas.{function}.handler", raising=False)
    # One client of a service, with the short timeout or without, so that a stub sees every call.
    monkeypatch.setattr(clients, "SHORT_READ_TIMEOUT_SECONDS", clients.READ_TIMEOUT_SECONDS)
    clients.client_with.cache_clear()
    policy.circuit_of.cache_clear()
    yield
    clients.client_with.cache_clear()


@pytest.fixture
def call():
    """Sends a request through a function's handler as API Gateway would; returns status, body and headers.

    `asked_as` is the path that the caller wrote, where it is another than the resource's.
    """

    def send(
        function: str,
        path: str,
        body: bytes,
        content_type: str | None,
        *,
        as_base64: bool | None = None,
        query: dict[str, str | list[str]] | None = None,
        headers: dict[str, str] | None = None,
        caller: str = "AROAEXAMPLE:session",
        asked_as: str | None = None,
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        encoded = content_type in ("image/png", "image/jpeg") if as_base64 is None else as_base64
        several = {
            name: [value] if isinstance(value, str) else value for name, value in (query or {}).items()
        }
        event = {
            "httpMethod": "POST",
            "path": asked_as or path,
            "resource": path,
            "headers": {**({"Content-Type": content_type} if content_type else {}), **(headers or {})},
            "multiValueHeaders": {},
            "queryStringParameters": {name: value[-1] for name, value in several.items()} or None,
            "multiValueQueryStringParameters": several or None,
            "requestContext": {
                "requestId": REQUEST_ID,
                "stage": "dev",
                "path": f"/dev{asked_as or path}",
                "httpMethod": "POST",
                "identity": {"accountId": "111122223333", "user": caller},
            },
            "isBase64Encoded": encoded,
            "body": base64.b64encode(body).decode() if encoded else body.decode("utf-8", "surrogateescape"),
        }
        handler = importlib.import_module(f"lambdas.{function}.handler").handler
        answer = handler(event, LambdaContext())
        told = {name: values[0] for name, values in answer.get("multiValueHeaders", {}).items()}
        return answer["statusCode"], json.loads(answer["body"]), told

    return send


@pytest.fixture
def service():
    """A stubbed client of a service: requests are checked against the service's shapes, answers are given."""
    stubbers = []

    def make(name: str) -> Stubber:
        stubber = Stubber(clients.client(name))
        stubber.activate()
        stubbers.append(stubber)
        return stubber

    yield make
    for stubber in stubbers:
        stubber.deactivate()


def picture(kind: str = "PNG", size: tuple[int, int] = (120, 90)) -> bytes:
    """A real picture file."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def service_answer(operation: Operation) -> dict[str, Any]:
    """The service's answer of an operation's example, as boto3 gives it."""
    answer = EXAMPLES[operation.name]["service_answer"]
    if operation.service != "sagemaker-runtime":
        return {**answer, **PLAIN}
    content = json.dumps(answer).encode()
    return {"Body": StreamingBody(io.BytesIO(content), len(content)), "ContentType": "application/json"}


def asked_of(operation: Operation) -> dict[str, Any]:
    """What the service has to be asked for an operation's example."""
    example = EXAMPLES[operation.name]
    contents = {
        name: base64.b64decode(value) for name, value in example["body"].items() if name in IMAGE_FIELDS
    }
    if isinstance(operation.body, SequenceBody):
        return {**example["asked"], "Body": json.dumps(example["body"], separators=(",", ":")).encode()}
    if operation.service == "sagemaker-runtime":
        return {**example["asked"], "Body": contents.get("image") or example["body"]["text"].encode()}
    if isinstance(operation.body, ImagePairBody):
        images = {"SourceImage": {"Bytes": contents["source"]}, "TargetImage": {"Bytes": contents["target"]}}
    elif isinstance(operation.body, ImageBody):
        images = {"Image": {"Bytes": contents["image"]}}
    else:
        images = {}
    return {**example["asked"], **images}


IMAGE_FIELDS = ("image", "source", "target")

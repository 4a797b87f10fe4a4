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
from botocore.stub import Stubber
from PIL import Image

from lambdas.common import clients

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_NAMESPACE": "Recognition",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "DEBUG",
    "CNN_ENDPOINT_NAME": "recognition-dev-cnn",
    "RNN_ENDPOINT_NAME": "recognition-dev-rnn",
}


@dataclass
class LambdaContext:
    """What the runtime hands to a handler."""

    function_name: str = "test"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:111122223333:function:test"
    aws_request_id: str = "request"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """The function's variables; clients, handlers and loggers are made anew, so that a test sees what is logged."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", uuid.uuid4().hex)
    for function in ("vision", "language", "custom", "advise"):
        monkeypatch.delitem(sys.modules, f"lambdas.{function}.handler", raising=False)
    clients.client.cache_clear()
    yield
    clients.client.cache_clear()


@pytest.fixture
def call():
    """Sends a request through a function's handler as API Gateway would; returns status, body and headers."""

    def send(
        function: str, path: str, body: bytes, content_type: str | None, *, as_base64: bool | None = None
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        encoded = content_type in ("image/png", "image/jpeg") if as_base64 is None else as_base64
        event = {
            "httpMethod": "POST",
            "path": path,
            "resource": path,
            "headers": {"Content-Type": content_type} if content_type else {},
            "multiValueHeaders": {},
            "queryStringParameters": None,
            "requestContext": {"requestId": "r", "stage": "dev", "path": f"/dev{path}", "httpMethod": "POST"},
            "isBase64Encoded": encoded,
            "body": base64.b64encode(body).decode() if encoded else body.decode("utf-8", "surrogateescape"),
        }
        handler = importlib.import_module(f"lambdas.{function}.handler").handler
        answer = handler(event, LambdaContext())
        headers = {name: values[0] for name, values in answer.get("multiValueHeaders", {}).items()}
        return answer["statusCode"], json.loads(answer["body"]), headers

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

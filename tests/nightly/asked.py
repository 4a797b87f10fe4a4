"""Requests to the functions in this process, as API Gateway hands them over, and services that answer them all."""

from __future__ import annotations

import base64
import importlib
import io
from types import SimpleNamespace
from typing import Any

import pytest

METADATA = {"HTTPStatusCode": 200, "HTTPHeaders": {}}
CONTEXT = SimpleNamespace(
    function_name="nightly",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:111122223333:function:nightly",
    aws_request_id="request",
    get_remaining_time_in_millis=lambda: 28_000,
)
VARIABLES = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_METRICS_NAMESPACE": "Recognition",
    "POWERTOOLS_SERVICE_NAME": "nightly",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
    "CNN_ENDPOINT_NAME": "cnn",
    "RNN_ENDPOINT_NAME": "rnn",
}
ANSWERS = {
    "detect_faces": {"FaceDetails": []},
    "detect_labels": {"Labels": []},
    "compare_faces": {"FaceMatches": []},
    "detect_sentiment": {"SentimentScore": {"Positive": 1.0}},
    "detect_pii_entities": {"Entities": []},
}


class Service:
    """AWS, which answers whatever happens to be a picture or a text all the same."""

    def __getattr__(self, operation: str) -> Any:
        return lambda **_: {**ANSWERS[operation], "ResponseMetadata": METADATA}

    def batch_detect_sentiment(self, TextList: list[str], **_: Any) -> dict[str, Any]:
        results = [{"Index": index, **ANSWERS["detect_sentiment"]} for index in range(len(TextList))]
        return {"ResultList": results, "ErrorList": [], "ResponseMetadata": METADATA}

    def invoke_endpoint(self, **_: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(b'{"predictions": [{"probabilities": {"good": 1.0}}]}')}


def status_of(patch: pytest.MonkeyPatch, name: str, path: str, content: bytes, content_type: str) -> int:
    """The status with which a function answers a request; `patch` puts the services in their places."""
    for variable, value in VARIABLES.items():
        patch.setenv(variable, value)
    patch.setattr(importlib.import_module(f"lambdas.{name}.operations"), "client", lambda _: Service())
    event = {
        "httpMethod": "POST",
        "resource": path,
        "headers": {"Content-Type": content_type},
        "requestContext": {"requestId": "r", "stage": "dev", "httpMethod": "POST"},
        "isBase64Encoded": True,
        "body": base64.b64encode(content).decode(),
    }
    return importlib.import_module(f"lambdas.{name}.handler").handler(event, CONTEXT)["statusCode"]

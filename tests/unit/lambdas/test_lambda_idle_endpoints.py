"""An endpoint without instances is asked where the caller says so, and the caller asks again until it answers."""

from __future__ import annotations

import io
import json

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY

from .conftest import REQUEST_ID

ENDPOINTS = {
    "asynchronous": {"rnn": {"EndpointName": "recognition-dev-rnn-asynchronous"}},
    "to-zero": {
        "rnn": {
            "EndpointName": "recognition-dev-rnn-to-zero",
            "InferenceComponentName": "recognition-dev-rnn-component",
        }
    },
}
ANSWER = {"predictions": [{"probabilities": {"negative": 0.1, "positive": 0.9}, "model_version": "3"}]}
PLACES = ["asynchronous/rnn/answers/1.out", "asynchronous/rnn/failures/1.out"]
URIS = [f"s3://models/{place}" for place in PLACES]


@pytest.fixture(autouse=True)
def idle(monkeypatch):
    """The variables of a function that may ask such endpoints."""
    monkeypatch.setenv("IDLE_ENDPOINTS", json.dumps(ENDPOINTS))
    monkeypatch.setenv("MODEL_BUCKET", "models")


@pytest.fixture
def ask(call):
    """Asks the function about a text, by an endpoint and with a key."""

    def send(endpoint: str, key: str | None = "one", caller: str = "AROAEXAMPLE:session"):
        return call(
            "custom",
            "/texts/class",
            b"A film.",
            "text/plain",
            query={"endpoint": endpoint},
            headers={"Idempotency-Key": key} if key else {},
            caller=caller,
        )

    return send


def body_of(content: object) -> dict:
    """An object or an answer as boto3 gives it."""
    written = json.dumps(content).encode()
    return {"Body": StreamingBody(io.BytesIO(written), len(written))}


class Bucket:
    """The stubbed model bucket: what is read there in turn, and what was left there."""

    def __init__(self, s3) -> None:
        self.s3 = s3

    def has(self, content: object, key: object = ANY) -> None:
        self.s3.add_response("get_object", body_of(content), {"Bucket": "models", "Key": key})

    def lacks(self, key: object = ANY) -> None:
        self.s3.add_client_error("get_object", "NoSuchKey", expected_params={"Bucket": "models", "Key": key})

    def takes(self, content: bytes) -> None:
        self.s3.add_response("put_object", {}, {"Bucket": "models", "Key": ANY, "Body": content})


@pytest.fixture
def bucket(service) -> Bucket:
    return Bucket(service("s3"))


def test_an_asynchronous_request_is_left_in_s3_and_asked_for_again(ask, service, bucket):
    bucket.lacks()
    bucket.takes(b"A film.")
    bucket.takes(json.dumps(URIS).encode())
    asked = {
        "EndpointName": "recognition-dev-rnn-asynchronous",
        "InputLocation": ANY,
        "ContentType": "text/plain",
        "Accept": "application/json",
    }
    accepted = {"OutputLocation": URIS[0], "FailureLocation": URIS[1]}
    service("sagemaker-runtime").add_response("invoke_endpoint_async", accepted, asked)
    for place in PLACES:
        bucket.lacks(place)
    status, body, headers = ask("asynchronous")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (409, "RequestInProgress", "5")


def test_the_same_request_gets_the_answer_that_is_there_by_then(ask, bucket):
    bucket.has(URIS)
    bucket.has(ANSWER, PLACES[0])
    status, body, _ = ask("asynchronous")
    assert (status, body["results"][0]) == (200, {"label": "positive", "score": 0.9})
    assert body["model"] == {"name": "recognition-dev-rnn", "version": "3"}


def test_a_model_that_failed_is_not_waited_for(ask, bucket):
    bucket.has(URIS)
    bucket.lacks(PLACES[0])
    bucket.has("no text", PLACES[1])
    status, body, headers = ask("asynchronous")
    assert (status, body["error"]["code"], "Retry-After" in headers) == (503, "ModelFailed", False)


def test_a_request_is_found_by_its_key_its_caller_and_its_content_alone(ask, service, call):
    places = set()
    for key, caller in (("one", "A:b"), ("one", "A:b"), ("two", "A:b"), ("one", "A:c")):
        s3 = service("s3")
        s3.add_client_error("get_object", "AccessDenied")
        s3.client.meta.events.register(
            "provide-client-params.s3.GetObject", lambda params, **_: places.add(params["Key"])
        )
        ask("asynchronous", key, caller)
    assert len(places) == 3


def test_without_a_key_nothing_is_left(ask):
    status, body, _ = ask("asynchronous", key=None)
    assert (status, body["error"]["code"]) == (400, "IdempotencyKeyMissing")


def test_a_component_is_asked_by_its_name(ask, service):
    asked = {
        **ENDPOINTS["to-zero"]["rnn"],
        "InferenceId": REQUEST_ID,
        "Body": b"A film.",
        "ContentType": "text/plain",
        "Accept": "application/json",
    }
    service("sagemaker-runtime").add_response("invoke_endpoint", body_of(ANSWER), asked)
    assert ask("to-zero")[1]["results"][0]["label"] == "positive"


def test_a_component_without_a_copy_is_to_be_asked_again(ask, service):
    message = "Inference Component has no capacity to process this request."
    service("sagemaker-runtime").add_client_error("invoke_endpoint", "ValidationError", message)
    status, body, headers = ask("to-zero")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "ModelNotReady", "5")


@pytest.mark.parametrize("function", ["custom", "litert"])
def test_an_endpoint_that_the_deployment_has_not_is_named(call, function, monkeypatch):
    monkeypatch.delenv("IDLE_ENDPOINTS")
    path, query = "/texts/class", {"endpoint": "to-zero"}
    status, body, _ = call(function, path, b"A film.", "text/plain", query=query)
    assert (status, body["error"]["code"], body["error"]["field"]) == (400, "NoSuchEndpoint", "endpoint")

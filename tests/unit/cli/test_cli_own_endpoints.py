"""The asynchronous endpoint and the one that scales to zero are asked, waited for, and missed with a sentence."""

from __future__ import annotations

import io
import json

import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY

from cli.recognize import own_endpoints
from cli.recognize.request import Question
from cli.shared.errors import CommandFailed

from .stubbed_target import StubbedTarget

QUESTION = Question("/texts/class", b"A fine film.", "text/plain; charset=utf-8")
ANSWER = {"predictions": [{"probabilities": {"negative": 0.1, "positive": 0.9}, "model_version": "3"}]}
PLACES = {"OutputLocation": "s3://models/answers/1.out", "FailureLocation": "s3://models/failures/1.out"}


def body_of(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


@pytest.fixture
def target(monkeypatch) -> StubbedTarget:
    monkeypatch.setattr(own_endpoints, "SECONDS_BETWEEN_LOOKS", 0)
    return StubbedTarget()


def accept_request(target: StubbedTarget) -> None:
    target.has_endpoint("recognition-dev-rnn-asynchronous")
    target.stubs["s3"].add_response("put_object", {}, {"Bucket": "models", "Key": ANY, "Body": QUESTION.body})
    asked = {
        "EndpointName": "recognition-dev-rnn-asynchronous",
        "InputLocation": ANY,
        "ContentType": "text/plain",
        "Accept": "application/json",
    }
    target.stubs["sagemaker-runtime"].add_response("invoke_endpoint_async", PLACES, asked)


def test_an_asynchronous_answer_is_waited_for_and_ranked(target):
    accept_request(target)
    s3 = target.stubs["s3"]
    for _ in ("the answer", "the failure"):
        s3.add_client_error("get_object", "NoSuchKey")
    s3.add_response("get_object", {"Body": body_of(json.dumps(ANSWER).encode())})
    waited: list[str] = []
    reply = own_endpoints.ask_asynchronously(target, QUESTION, waited.append)
    assert reply.body["results"][0] == {"label": "positive", "score": 0.9}
    assert reply.body["model"] == {"name": "recognition-dev-rnn-asynchronous", "version": "3"}
    assert len(waited) == 1


def test_a_failure_of_an_asynchronous_request_names_its_place(target):
    accept_request(target)
    target.stubs["s3"].add_client_error("get_object", "NoSuchKey")
    target.stubs["s3"].add_response("get_object", {"Body": body_of(b"no text")})
    with pytest.raises(CommandFailed, match="failed on this input: see s3://models/failures/1.out"):
        own_endpoints.ask_asynchronously(target, QUESTION, print)


def test_an_endpoint_at_zero_is_asked_until_its_first_copy_is_there(target):
    target.has_endpoint("recognition-dev-rnn-to-zero")
    runtime = target.stubs["sagemaker-runtime"]
    runtime.add_client_error(
        "invoke_endpoint", "ValidationError", "Inference Component has no capacity to process this request."
    )
    asked = {
        "EndpointName": "recognition-dev-rnn-to-zero",
        "InferenceComponentName": "recognition-dev-rnn-component",
        "Body": QUESTION.body,
        "ContentType": "text/plain",
        "Accept": "application/json",
    }
    runtime.add_response("invoke_endpoint", {"Body": body_of(json.dumps(ANSWER).encode())}, asked)
    reply = own_endpoints.ask_to_zero(target, QUESTION, lambda _: None)
    assert reply.body["results"][0]["label"] == "positive"


def test_what_the_model_refuses_is_not_asked_again(target):
    target.has_endpoint("recognition-dev-rnn-to-zero")
    target.stubs["sagemaker-runtime"].add_client_error("invoke_endpoint", "ModelError", "It is no text.")
    with pytest.raises(CommandFailed, match="refused the input"):
        own_endpoints.ask_to_zero(target, QUESTION, print)


@pytest.mark.parametrize(
    ("ask", "setting"),
    [
        (own_endpoints.ask_asynchronously, "inference.asynchronous"),
        (own_endpoints.ask_to_zero, "inference.scale_to_zero"),
    ],
)
def test_an_endpoint_that_is_not_there_says_which_setting_makes_it(target, ask, setting):
    target.stubs["sagemaker"].add_client_error(
        "describe_endpoint", "ValidationException", "Could not find it."
    )
    with pytest.raises(CommandFailed, match=f"Set {setting} of 'dev' in cdk.json"):
        ask(target, QUESTION, print)

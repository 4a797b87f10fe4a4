"""The typed client against the handlers themselves, its signature against a second reckoning of it."""

from __future__ import annotations

import base64
import inspect
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambdas.common.bodies import ImageBody, ImagePairBody, ObjectBody, SequenceBody, TextBody
from recognition_client import RecognitionClient, RecognitionRefused, Reply, SignedTransport, Unreachable
from recognition_client import recognition as recognition_module
from recognition_client.operations import Operations
from tools.write_client import MODULE, source

from ..lambdas.conftest import (
    ASKING,
    BY_NAME,
    EXAMPLES,
    FUNCTION_OF,
    asked_of,
    call,  # noqa: F401 - fixtures
    environment,  # noqa: F401
    service,  # noqa: F401
    service_answer,
)
from ..lambdas.test_openapi import ENTRIES

CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "token")


@pytest.fixture
def client(call) -> RecognitionClient:  # noqa: F811
    """A client whose requests go straight to the handlers."""
    function_of = {operation.path: FUNCTION_OF[name] for name, operation in BY_NAME.items()}

    def send(path, query, body, headers) -> Reply:
        kind = headers["Content-Type"]
        status, found, _ = call(function_of[path], f"/{path}", body, kind, query=dict(query))
        return Reply(status, found)

    return RecognitionClient(send, attempts=1)


def arguments(name: str) -> tuple[list, dict]:
    """An example as a Python caller writes it: what is asked about, and the options in their types."""
    example, body = EXAMPLES[name], BY_NAME[name].body
    sent = example["body"]
    if isinstance(body, ImageBody):
        subjects = [base64.b64decode(sent["image"])]
    elif isinstance(body, ImagePairBody):
        subjects = [base64.b64decode(sent[one]) for one in ("source", "target")]
    elif isinstance(body, ObjectBody):
        subjects = [sent]
    elif isinstance(body, SequenceBody):
        subjects = [sent["sequence"]]
    else:
        subjects = [sent["text"] if isinstance(body, TextBody) else sent["texts"]]
    options = {one["name"]: one["example"] for one in ENTRIES[name][1]["parameters"] if "example" in one}
    return subjects, options


def test_the_methods_are_those_of_the_table():
    assert MODULE.read_text(encoding="utf-8") == source(), "Run: make generate"
    methods = {name for name, _ in inspect.getmembers(Operations, inspect.isfunction)}
    assert methods >= {name.replace("-", "_") for name in BY_NAME}


@pytest.mark.parametrize("name", ASKING)
def test_a_method_asks_as_the_example_does_and_gives_its_answer_typed(client, service, name):  # noqa: F811
    operation, expected = BY_NAME[name], EXAMPLES[name]["answer"]
    service(operation.service).add_response(operation.method, service_answer(operation), asked_of(operation))
    subjects, options = arguments(name)
    answer = getattr(client, name.replace("-", "_"))(*subjects, **options)
    assert (answer.operation, answer.backend) == (name, expected["backend"])
    assert (answer.cost.units, answer.cost.usd) == (expected["cost"]["units"], expected["cost"]["usd"])
    for found, wanted in zip(
        getattr(answer, "documents", [answer]), expected.get("documents", [expected]), strict=True
    ):
        assert [(one.label, one.score, one.box, one.span) for one in found.results] == [
            (one["label"], one["score"], one.get("box"), one.get("span")) for one in wanted.get("results", [])
        ]
        if "error" in wanted:
            assert found.error.code == wanted["error"]["code"]


def test_advice_comes_as_it_is(client):
    (problem,), _ = arguments("advise")
    assert client.advise(problem)["options"][0]["id"] == "comprehend.detect_sentiment"


def test_a_refusal_is_an_exception_with_the_field(client):
    with pytest.raises(RecognitionRefused) as refused:
        client.image_labels(b"no image")
    assert (refused.value.status, refused.value.code, refused.value.field) == (400, "NotAnImage", "body")
    with pytest.raises(RecognitionRefused, match="from 1 to 1000"):
        client.image_labels(b"\x89PNG", max_labels=0)


def replies(*scripted: Reply) -> tuple[Callable[..., Reply], list]:
    """A transport that gives these replies in turn, and the list of what it was asked."""
    left, asked = list(scripted), []

    def send(*request) -> Reply:
        asked.append(request)
        return left.pop(0)

    return send, asked


BUSY = Reply(503, {"error": {"code": "ServiceThrottled", "message": "Busy.", "field": None}}, 7.0)
GATEWAY_BUSY = Reply(429, {"message": "Too Many Requests"})
GOOD = Reply(200, {**EXAMPLES["text-sentiment"]["answer"], "latency_milliseconds": 1.0})


def test_what_may_succeed_later_is_tried_again_after_the_time_that_the_api_names(monkeypatch):
    pauses = []
    monkeypatch.setattr(recognition_module.time, "sleep", pauses.append)
    send, asked = replies(BUSY, GATEWAY_BUSY, GOOD)
    assert RecognitionClient(send).text_sentiment("Good.").results[0].label == "positive"
    assert pauses == [7.0, 1.0]
    assert asked[0] == asked[1] == asked[2]
    assert asked[0][3]["Idempotency-Key"]


def test_a_lost_answer_is_asked_for_again_with_the_same_key_and_another_request_has_another(monkeypatch):
    monkeypatch.setattr(recognition_module.time, "sleep", lambda _: None)
    keys = []

    def send(path, query, body, headers) -> Reply:
        keys.append(headers["Idempotency-Key"])
        if len(keys) == 1:
            raise Unreachable("The connection was reset.")
        return GOOD

    client = RecognitionClient(send)
    client.text_sentiment("Good.")
    client.text_sentiment("Good.")
    assert keys[0] == keys[1] != keys[2]


def test_the_last_attempt_s_refusal_is_the_caller_s(monkeypatch):
    monkeypatch.setattr(recognition_module.time, "sleep", lambda _: None)
    send, asked = replies(BUSY, BUSY, GATEWAY_BUSY)
    with pytest.raises(RecognitionRefused, match="429 Refused: Too Many Requests"):
        RecognitionClient(send).text_sentiment("Good.")
    assert len(asked) == 3


def test_a_refusal_that_will_not_change_is_not_tried_again():
    send, asked = replies(Reply(400, {"error": {"code": "EmptyText", "message": "Empty.", "field": "text"}}))
    with pytest.raises(RecognitionRefused, match="Empty"):
        RecognitionClient(send).text_sentiment(" ")
    assert len(asked) == 1


@pytest.fixture
def server():
    """A server on this machine that keeps the requests it gets and answers what `body` holds."""

    class Handler(BaseHTTPRequestHandler):
        requests: list = []
        body = b'{"message": "heard"}'

        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            self.requests.append((self.path, dict(self.headers), content))
            self.send_response(503)
            self.send_header("Retry-After", "5")
            self.end_headers()
            self.wfile.write(self.body)

        def log_message(self, *_):
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running, Handler
        running.shutdown()
        thread.join()


def test_a_request_is_signed_over_its_query_and_body(server):
    running, handler = server
    url = f"http://127.0.0.1:{running.server_port}/dev/"
    send = SignedTransport(url, CREDENTIALS, "eu-central-1")
    reply = send(
        "images/labels", {"include_labels": "Stop Sign,Car"}, b"bytes", {"Content-Type": "image/png"}
    )
    assert (reply.status, reply.body, reply.retry_after_seconds) == (503, {"message": "heard"}, 5.0)
    ((path, headers, content),) = handler.requests
    assert (path, content) == ("/dev/images/labels?include_labels=Stop%20Sign%2CCar", b"bytes")
    again = AWSRequest(
        "POST",
        f"http://127.0.0.1:{running.server_port}{path}",
        data=content,
        headers={"Content-Type": "image/png"},
    )
    again.context["timestamp"] = headers["X-Amz-Date"]
    again.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    again.headers["X-Amz-Security-Token"] = "token"
    signer = SigV4Auth(CREDENTIALS, "execute-api", "eu-central-1")
    expected = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert headers["Authorization"].endswith(f"Signature={expected}")
    assert "/eu-central-1/execute-api/" in headers["Authorization"]


def test_an_api_that_is_not_there_or_speaks_no_json_is_unreachable(server):
    running, handler = server
    handler.body = b"<html>"
    url = f"http://127.0.0.1:{running.server_port}"
    headers = {"Content-Type": "application/json"}
    with pytest.raises(Unreachable, match="503 with something other than JSON"):
        SignedTransport(url, CREDENTIALS, "us-east-1")("advise", {}, b"{}", headers)
    with pytest.raises(Unreachable, match="could not be asked: EndpointConnectionError"):
        SignedTransport("http://127.0.0.1:1", CREDENTIALS, "us-east-1")("advise", {}, b"{}", headers)


def test_a_token_is_asked_for_anew_for_each_request_and_an_api_key_goes_with_it(server):
    running, handler = server
    tokens = iter(["first", "second"])
    client = RecognitionClient.with_token(
        f"http://127.0.0.1:{running.server_port}", lambda: next(tokens), api_key="key", attempts=1
    )
    for _ in range(2):
        with pytest.raises(RecognitionRefused):
            client.text_sentiment("Good.")
    sent = [(headers["Authorization"], headers["x-api-key"]) for _, headers, _ in handler.requests]
    assert sent == [("Bearer first", "key"), ("Bearer second", "key")]


def test_fewer_attempts_than_one_are_refused():
    with pytest.raises(ValueError, match="attempts is 0; a request takes one at least"):
        RecognitionClient(lambda *_: Reply(200, {}), attempts=0)

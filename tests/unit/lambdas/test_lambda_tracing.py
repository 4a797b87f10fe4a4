"""A sampled request's trace has the operation and each call in it; what was sent is in none of it."""

from __future__ import annotations

import json
import socket

import pytest

from lambdas.common.tracing import part

from .conftest import EXAMPLES, PLAIN

SECRET = "Xylophon4711"
SAMPLED = "Root=1-581cf771-a006649127e371903a2de979;Parent=70de5b6f19ff9a0b;Sampled=1"


@pytest.fixture
def daemon(monkeypatch):
    """X-Ray's daemon: returns what it was sent, in order."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        monkeypatch.setenv("_X_AMZN_TRACE_ID", SAMPLED)
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", f"127.0.0.1:{listener.getsockname()[1]}")

        def documents() -> list[dict]:
            segments = []
            while True:
                try:
                    header, _, document = listener.recv(65_536).partition(b"\n")
                except BlockingIOError:
                    return segments
                assert json.loads(header) == {"format": "json", "version": 1}
                segments.append(json.loads(document))

        yield documents


@pytest.fixture
def ask(call, service):
    """Asks for a sentiment, which Comprehend answers or refuses."""

    def send(error: dict | None = None) -> int:
        stubber = service("comprehend")
        if error:
            stubber.add_client_error("detect_sentiment", **error)
        else:
            answer = {**EXAMPLES["text-sentiment"]["service_answer"], **PLAIN}
            stubber.add_response("detect_sentiment", answer)
        return call("language", "/texts/sentiment", SECRET.encode(), "text/plain")[0]

    return send


def test_the_operation_is_a_part_of_the_function_and_the_call_one_of_the_operation(daemon, ask):
    assert ask() == 200
    asked, operation = daemon()
    assert operation["name"] == "text-sentiment"
    assert operation["parent_id"] == "70de5b6f19ff9a0b"
    assert asked["parent_id"] == operation["id"]
    assert asked["name"] == "Comprehend"
    assert asked["namespace"] == "aws"
    assert asked["aws"] == {"operation": "DetectSentiment", "region": "us-east-1"}
    assert operation["start_time"] <= asked["start_time"] <= asked["end_time"] <= operation["end_time"]
    for segment in (asked, operation):
        assert segment["type"] == "subsegment"
        assert segment["trace_id"] == "1-581cf771-a006649127e371903a2de979"
        assert len(segment["id"]) == 16
        assert not segment.get("fault")
    assert SECRET not in json.dumps([asked, operation])


@pytest.mark.parametrize(("status", "kind"), [(400, "error"), (500, "fault")])
def test_a_call_that_went_wrong_says_whose_fault_it_was(daemon, ask, status, kind):
    ask({"service_error_code": "InternalServerError", "http_status_code": status, "service_message": SECRET})
    asked, operation = daemon()
    assert {name for name in ("error", "fault", "throttle") if asked[name]} == {kind}
    assert operation["fault"] is True
    assert SECRET not in json.dumps([asked, operation])


def test_a_call_that_nobody_answered_is_a_fault(daemon, monkeypatch):
    import boto3
    from botocore.config import Config
    from botocore.exceptions import EndpointConnectionError

    from lambdas.common.tracing import trace_calls

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = boto3.client(
            "sqs",
            endpoint_url=f"http://127.0.0.1:{unused.getsockname()[1]}",
            config=Config(retries={"total_max_attempts": 1}),
        )
        trace_calls(client)
        with pytest.raises(EndpointConnectionError):
            client.list_queues()
    (asked,) = daemon()
    assert (asked["name"], asked["fault"], asked["parent_id"]) == ("SQS", True, "70de5b6f19ff9a0b")


@pytest.mark.parametrize("variable", ["", SAMPLED.replace("Sampled=1", "Sampled=0")])
def test_a_request_that_is_not_sampled_tells_nobody(daemon, ask, monkeypatch, variable):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", variable)
    assert ask() == 200
    assert daemon() == []


def test_without_a_daemon_a_request_is_answered(ask, monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SAMPLED)
    assert ask() == 200
    # Nobody listens there, or nobody ever could.
    for address in ("127.0.0.1:9", "no-such-host.invalid:2000"):
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", address)
        with part("anything"):
            pass

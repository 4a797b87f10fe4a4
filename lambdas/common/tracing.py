"""The parts of a request's trace: an operation, and each call to a service in it, with their times and no content.

They go to X-Ray's daemon beside the function, as its documents (AWS X-Ray developer guide, "Sending trace data").
X-Ray's SDK does that too, but costs every cold start a second: its import makes a client that Lambda never uses.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

HEADER = b'{"format": "json", "version": 1}\n'
# Lambda's variables: the present request's place in its trace, and where the daemon listens.
REQUEST_VARIABLE = "_X_AMZN_TRACE_ID"
DAEMON_VARIABLE = "AWS_XRAY_DAEMON_ADDRESS"
CALL = "recognition_call"

# The part of the trace in which code runs; outside of any the function's own.
PRESENT: ContextVar[str | None] = ContextVar("present", default=None)


@contextmanager
def part(name: str) -> Generator[None]:
    """What runs inside is a part of the trace, with its calls as parts of it; nothing where nobody traces."""
    document = begun(name)
    before = PRESENT.set(document["id"])
    try:
        yield
    except BaseException:
        document["fault"] = True
        raise
    finally:
        PRESENT.reset(before)
        send(document)


def trace_calls(client: Any) -> None:
    """Makes each call of a boto3 client a part of the trace."""
    for event, handler in (
        ("before-parameter-build", call_begins),
        ("after-call", call_answered),
        ("after-call-error", call_failed),
    ):
        client.meta.events.register(event, handler)


def call_begins(model: Any, context: dict[str, Any], **_: Any) -> None:
    """Keeps the call's document with the call."""
    context[CALL] = {
        **begun(model.service_model.service_id),
        "namespace": "aws",
        "aws": {"operation": model.name, "region": context["client_region"]},
    }


def call_answered(http_response: Any, context: dict[str, Any], **_: Any) -> None:
    """The service answered, be it with an error, which is the caller's or its own."""
    status = http_response.status_code
    send({**context[CALL], "error": 400 <= status < 500, "throttle": status == 429, "fault": status >= 500})


def call_failed(context: dict[str, Any], **_: Any) -> None:
    """Nobody answered."""
    send({**context[CALL], "fault": True})


def begun(name: str) -> dict[str, Any]:
    """The document of a part that begins now."""
    return {"id": secrets.token_hex(8), "name": name, "parent_id": PRESENT.get(), "start_time": time.time()}


def send(document: dict[str, Any]) -> None:
    """Ends a part and tells the daemon, where there is one and the request is sampled; nobody waits for it."""
    members = [member.partition("=") for member in os.environ.get(REQUEST_VARIABLE, "").split(";")]
    request = {name: value for name, _, value in members}
    host, _, port = os.environ.get(DAEMON_VARIABLE, "").rpartition(":")
    if request.get("Sampled") != "1" or not host:
        return
    ended = {
        **document,
        "type": "subsegment",
        "trace_id": request["Root"],
        "parent_id": document["parent_id"] or request["Parent"],
        "end_time": time.time(),
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        try:
            daemon.sendto(HEADER + json.dumps(ended).encode(), (host, int(port)))
        except OSError:
            # A trace with a gap is no reason to fail a request.
            return

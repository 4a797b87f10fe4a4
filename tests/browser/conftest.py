"""The console's own server with an API behind it that checks signatures and answers what a test decides."""

from __future__ import annotations

import asyncio
import copy
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypercorn.asyncio import serve
from hypercorn.config import Config
from playwright.sync_api import expect

from console import KIND_OF_INPUT, LESSONS
from definitions.networks import NETWORKS
from lambdas.advise.operations import OPERATIONS as ADVISE
from lambdas.catalogue import OPERATIONS, examples
from lambdas.common.answers import error_members
from lambdas.common.errors import RequestRefused
from local_aws.console import COST_HERE, PREFIX, with_console
from local_aws.keys import Keys
from local_aws.launcher import REGION

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "console"
PATIENCE_SECONDS = 60
expect.set_options(timeout=PATIENCE_SECONDS * 1000)
API = "/_aws/execute-api/tests/dev/"
KEYS = Keys.made()
# Everything that a page says went wrong, told to the test.
LISTENER = """
window.addEventListener("securitypolicyviolation", (event) =>
  console.error(`violates ${event.violatedDirective}: ${event.blockedURI}`));
"""


@dataclass
class ReceivedRequest:
    """What the page sent."""

    path: str
    body: bytes
    headers: dict[str, str]
    query: str


@dataclass
class Api:
    """The API as the page sees it.

    Attributes:
        answers: status and body of each path; bytes are sent as they are. /advise is answered by its own function.
        headers: of each path's answer, besides the content type.
        requests: everything that was asked.
        held: paths whose answer waits until `released` is set.
    """

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[ReceivedRequest] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)

    def asked(self) -> list[str]:
        """The paths that were asked."""
        return sorted(request.path for request in self.requests)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            for part in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{part}.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        path = scope["path"].removeprefix(API)
        query = scope["query_string"].decode()
        self.requests.append(ReceivedRequest(path, body, headers, query))
        while path in self.held and not self.released.is_set():
            await asyncio.sleep(0.02)
        status, answer = self.answer(
            path, body, headers, f"{scope['path']}?{query}" if query else scope["path"]
        )
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        fields = {"content-type": "application/json", **self.headers.get(path, {})}
        raw = [(name.encode(), value.encode()) for name, value in fields.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    def answer(self, path: str, body: bytes, headers: dict[str, str], address: str) -> tuple[int, Any]:
        """Status and body, as API Gateway and the functions would give them."""
        if not is_signed(address, body, headers):
            return 403, {"message": "The request signature we calculated does not match."}
        if path == "advise" and path not in self.answers:
            return advice(body, headers)
        return self.answers.get(path, (404, {"message": "No such path."}))


def advice(body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    """What /advise answers, by its own code."""
    (operation,) = ADVISE
    event = {
        "headers": {"Content-Type": headers["content-type"]},
        "body": body.decode(),
        "isBase64Encoded": False,
    }
    try:
        return 200, {"operation": "advise", **operation.run(operation, event), "latency_milliseconds": 2.5}
    except RequestRefused as error:
        return error.status, {"error": error_members(error)}


def is_signed(address: str, body: bytes, headers: dict[str, str]) -> bool:
    """Whether botocore computes the same signature for a request."""
    given = headers.get("authorization", "")
    scope, _, rest = given.partition(", SignedHeaders=")
    names, _, signature = rest.partition(", Signature=")
    region = scope.split("/")[2] if scope.count("/") >= 4 else ""
    covered = {name: headers[name] for name in names.split(";") if name != "host" and name in headers}
    request = AWSRequest("POST", f"http://{headers['host']}{address}", data=body, headers=covered)
    request.context["timestamp"] = headers.get("x-amz-date", "")
    # Step Functions is asked at the root of the page's place.
    service = "states" if address == "/" else "execute-api"
    signer = SigV4Auth(Credentials(KEYS.access_key_id, KEYS.secret_access_key), service, region)
    expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return bool(signature) and signature == expected


def served(application: Any) -> Iterator[str]:
    """Serves an ASGI application on a free port of 127.0.0.1; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "ERROR"
    config.graceful_timeout = 0.1
    loop, stopped = asyncio.new_event_loop(), asyncio.Event()
    running = threading.Thread(
        target=loop.run_until_complete, args=(serve(application, config, shutdown_trigger=stopped.wait),)
    )
    running.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    loop.call_soon_threadsafe(stopped.set)
    running.join()
    loop.close()


@dataclass
class Site:
    """The served console: its address, the API behind it, and what it tells the page of itself."""

    address: str
    api: Api
    configuration: Callable[[], dict[str, Any]]
    state: Callable[[], dict[str, Any]]
    evaluations: dict[str, dict[str, Any]] = field(default_factory=dict)


def until(page: Any, condition: str, argument: Any = None) -> None:
    """Waits until an expression of JavaScript is true; Playwright's own way needs an eval that the policy forbids."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not page.evaluate(condition, argument):
        assert time.monotonic() < deadline, f"This did not become true: {condition}"
        page.wait_for_timeout(30)


def resize(page: Any, width: int) -> None:
    """Gives the window another width and waits until everything in it fits: charts follow a frame later."""
    page.set_viewport_size({"width": width, "height": 900})
    until(page, "width => innerWidth === width", width)
    until(page, "document.documentElement.scrollWidth <= innerWidth")
    wide = "[...document.querySelectorAll('.card')].every((one) => one.scrollWidth <= one.clientWidth)"
    until(page, wide)


def configuration() -> dict[str, Any]:
    """As the embedded AWS tells it."""
    return {
        "environment": "dev",
        "place": "embedded AWS on this machine",
        "region": REGION,
        "apiPath": API.rstrip("/"),
        "kinds": KIND_OF_INPUT,
        "lessons": LESSONS,
        "evaluations": True,
        "endpoints": ["asynchronous", "to-zero"],
        "train": {"machine": "trains", "address": "/", "data": "s3://data/", "cost": COST_HERE},
        "credentials": {"accessKeyId": KEYS.access_key_id, "secretAccessKey": KEYS.secret_access_key},
    }


def nothing_yet() -> dict[str, Any]:
    """The state of a deployment in which nothing was trained."""
    empty = {"status": None, "version": None, "fleets": [], "registered": [], "labelled": []}
    endpoints = [
        {"kind": kind, "title": network.title, "name": f"recognition-dev-{kind}", **empty}
        for kind, network in NETWORKS.items()
    ]
    return {"endpoints": endpoints, "runs": [], "alarms": [], "bakeoff": None}


@pytest.fixture(scope="module")
def server() -> Iterator[Site]:
    """One server for a file of tests."""
    site = Site("", Api(), configuration, nothing_yet)
    for address in served(
        with_console(
            lambda *words: site.api(*words),
            lambda: site.configuration(),
            lambda: site.state(),
            lambda job: {"evaluation": site.evaluations.get(job)},
        )
    ):
        site.address = f"{address}{PREFIX}"
        yield site


def renewed(server: Site) -> Site:
    """The server with an API that answers every path by its example in the API's own documents."""
    known = examples()
    server.api.released.set()
    server.api = Api()
    for operation in OPERATIONS:
        if "answer" in known[operation.name]:
            answer = {**copy.deepcopy(known[operation.name]["answer"]), "latency_milliseconds": 41.7}
            server.api.answers[operation.path] = (200, answer)
    server.configuration, server.state, server.evaluations = configuration, nothing_yet, {}
    return server


@pytest.fixture
def site(server) -> Site:
    """The server, as new for each test."""
    return renewed(server)


@contextmanager
def pages(browser: Any, site: Site) -> Iterator[Callable[..., Any]]:
    """A function that opens the console in a context of its own; at the end no page may have complained."""
    contexts, complaints = [], []

    def run(
        fragment: str = "",
        *,
        expects: tuple[str, ...] = (),
        routes: Mapping[str, Callable[[Any], None]] = MappingProxyType({}),
        **options: Any,
    ) -> Any:
        options = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options}
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        contexts.append(context)
        context.add_init_script(LISTENER)
        for pattern, route in routes.items():
            context.route(pattern, route)
        page = context.new_page()

        def complain(words: str) -> None:
            if not any(one in words for one in expects):
                complaints.append(words)

        page.on("console", lambda one: complain(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complain(str(error)))
        page.goto(site.address + fragment)
        # The last that it does before it listens: the questions are there, and what the link holds is filled in.
        page.wait_for_selector("#advice > *", state="attached")
        return page

    yield run
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def open_page(browser, site) -> Iterator[Callable[..., Any]]:
    """Opens the console for one test."""
    with pages(browser, site) as run:
        yield run

"""Serves the console's page beside the AWS services, below /_console/, for the app that is deployed here."""

from __future__ import annotations

import asyncio
import datetime
import json
import mimetypes
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlparse

from console import (
    CONFIGURATION,
    KIND_OF_INPUT,
    LESSONS,
    PAGE,
    SITE,
    SITE_PATH,
    SITE_POLICY,
    STATE,
    PartMissing,
    content_security_policy,
    page_files,
    security_headers,
)
from console.watch.watch import describe, evaluation
from definitions.names import PROJECT, environment_of
from definitions.parameters import (
    API_URL,
    DATA_BUCKET,
    IDLE_ENDPOINTS,
    RELEASE_STATE_MACHINE,
    TRAINING_STATE_MACHINE,
)
from local_aws.asgi import Application

# No bucket can have this name, so it takes no path of S3's.
PREFIX = "/_console/"
OF_SITE = PREFIX + SITE_PATH
BAKEOFF = PAGE.parents[1] / "build" / "bakeoff" / "report.json"
POLICY = content_security_policy()
COST_HERE = "A run takes this machine's processor and costs nothing."
SERVICES = ("ssm", "sagemaker", "stepfunctions", "logs", "cloudwatch", "s3")
"""Those of which `state_of` wants a client."""

Content = Callable[[], dict[str, Any]]
Asked = Callable[[str], dict[str, Any]]


class NotDeployed(Exception):
    """There is no API here that a page could ask; the message says what to do."""


def with_console(
    application: Application, configuration: Content, state: Content, evaluated: Asked
) -> Application:
    """An ASGI application that answers below PREFIX itself and leaves every other path to `application`.

    Args:
        application: what answers everything else.
        configuration: what the page has to know; called for every request of it, on a worker thread.
        state: of the deployment; likewise.
        evaluated: what the evaluation of a training job found; likewise.
    """
    read = {PREFIX + CONFIGURATION: configuration, PREFIX + STATE: state}

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http" or not f"{path}/".startswith(PREFIX):
            await application(scope, receive, send)
        elif scope["method"] != "GET":
            await answer(send, HTTPStatus.METHOD_NOT_ALLOWED, "text/plain", b"", {"allow": "GET"})
        elif path == PREFIX.rstrip("/"):
            await answer(send, HTTPStatus.TEMPORARY_REDIRECT, "text/plain", b"", {"location": PREFIX})
        elif path in read:
            query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"))
            job = query.get("evaluation") if path == PREFIX + STATE else None
            await tell(send, partial(evaluated, job[0]) if job else read[path])
        elif path.startswith(OF_SITE):
            await site_file(send, path.removeprefix(OF_SITE))
        else:
            await file(send, path.removeprefix(PREFIX) or "index.html")

    return app


async def tell(send: Any, read: Content) -> None:
    """Answers what `read` gives, or 503 with the sentence that says why there is nothing."""
    try:
        status, content = HTTPStatus.OK, await asyncio.to_thread(read)
    except NotDeployed as reason:
        status, content = HTTPStatus.SERVICE_UNAVAILABLE, {"message": str(reason)}
    await answer(send, status, "application/json", json.dumps(content).encode())


async def file(send: Any, name: str) -> None:
    """Answers a file of the page; names are looked up among those that exist, so that no path leads elsewhere."""
    try:
        page_file = page_files().get(name)
    except PartMissing as reason:
        await answer(send, HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", str(reason).encode())
        return
    if page_file is None:
        await answer(send, HTTPStatus.NOT_FOUND, "text/plain", b"The console has no such file.")
        return
    media_type = "text/javascript" if page_file.suffix == ".js" else mimetypes.guess_type(name)[0]
    await answer(send, HTTPStatus.OK, f"{media_type}; charset=utf-8", page_file.read_bytes())


async def site_file(send: Any, name: str) -> None:
    """Answers a file of the documentation site, whose pages can be read without their scripts."""
    file = (SITE / name.replace("\0", "")).resolve()
    if not (file.is_relative_to(SITE.resolve()) and file.is_file()):
        words = b"The documentation site is not built here, or has no such page. Build it: make docs"
        await answer(send, HTTPStatus.NOT_FOUND, "text/plain", words)
        return
    media_type = f"{mimetypes.guess_type(file.name)[0]}; charset=utf-8"
    policy = {"content-security-policy": SITE_POLICY}
    await answer(send, HTTPStatus.OK, media_type, file.read_bytes(), policy)


async def answer(
    send: Any, status: HTTPStatus, media_type: str, body: bytes, headers: dict[str, str] | None = None
) -> None:
    """Sends one answer with the page's security headers."""
    fields = {
        "content-type": media_type,
        "content-length": str(len(body)),
        "cache-control": "no-cache",
        **security_headers(POLICY),
        **(headers or {}),
    }
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": raw})
    await send({"type": "http.response.body", "body": body})


def configuration_of(
    systems_manager: Any, lend_keys: Callable[[list[str]], dict[str, str]], region: str
) -> dict[str, Any]:
    """What the page has to know of the app that is deployed in the embedded AWS.

    The API is asked on the page's own address, with keys that may ask the page's paths, release, train.

    Args:
        systems_manager: client of Systems Manager.
        lend_keys: gives these keys for the ARNs of the machines that there are.
        region: of the embedded AWS.

    Raises:
        NotDeployed: when no environment of the app is there.
    """
    environment, parameters = deployed(systems_manager)
    place = urlparse(parameters[API_URL])
    machines = machines_of(parameters)
    return {
        "environment": environment,
        "place": "embedded AWS on this machine",
        "region": region,
        "apiPath": f"/_aws/execute-api/{(place.hostname or '').split('.')[0]}{place.path.rstrip('/')}",
        "kinds": KIND_OF_INPUT,
        "lessons": LESSONS,
        # All that is here is its user's.
        "evaluations": True,
        # What was kept may be of an app that published none.
        "endpoints": json.loads(parameters.get(IDLE_ENDPOINTS, "[]")),
        "credentials": lend_keys([entry["machine"] for entry in machines.values()]),
        # Whoever has the key of this start's page may do here what its commands may.
        **machines,
    }


def machines_of(parameters: dict[str, str]) -> dict[str, dict[str, str]]:
    """The state machines that the page may start, as its configuration has them, by what the stacks published."""
    machines = {}
    if machine := parameters.get(RELEASE_STATE_MACHINE):
        machines["release"] = {"machine": machine, "address": "/"}
    if machine := parameters.get(TRAINING_STATE_MACHINE):
        data = f"s3://{parameters[DATA_BUCKET]}/"
        machines["train"] = {"machine": machine, "address": "/", "data": data, "cost": COST_HERE}
    return machines


def deployed(systems_manager: Any) -> tuple[str, dict[str, str]]:
    """The environment of the app that is deployed here, and what its stacks published (`definitions.parameters`).

    Raises:
        NotDeployed: when none is.
    """
    pages = systems_manager.get_paginator("get_parameters_by_path").paginate(
        Path=f"/{PROJECT}/", Recursive=True
    )
    values = {parameter["Name"]: parameter["Value"] for page in pages for parameter in page["Parameters"]}
    addresses = sorted(name for name in values if name.endswith(f"/{API_URL}"))
    if not addresses:
        raise NotDeployed("The app is not deployed here yet. Run: recognition up")
    prefix = addresses[0].removesuffix(API_URL)
    of_it = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    return environment_of(addresses[0]), of_it


def state_of(clients: Callable[[str], Any]) -> dict[str, Any]:
    """The state of the app that is deployed here, with the last bake-off of this machine where there is one.

    Raises:
        NotDeployed: when no environment of the app is there.
    """
    environment, _ = deployed(clients("ssm"))
    state = describe(clients, environment)
    return {**state, "bakeoff": last_bakeoff() or state["bakeoff"]}


def evaluation_of(clients: Callable[[str], Any], job: str) -> dict[str, Any]:
    """What the evaluation of a training job found, as the function behind the page tells it on AWS.

    Raises:
        NotDeployed: when no environment of the app is there.
    """
    environment, _ = deployed(clients("ssm"))
    return {"evaluation": evaluation(clients, environment, job)}


def warm(clients: Callable[[str], Any]) -> None:
    """Makes the clients of `state_of`, so that the first page need not wait while boto3 does."""
    for service in SERVICES:
        clients(service)


def last_bakeoff() -> dict[str, Any] | None:
    """What `recognition bakeoff` wrote last; None where there is nothing, or only half a file."""
    try:
        written = json.loads(BAKEOFF.read_text(encoding="utf-8"))
        ended = datetime.datetime.fromtimestamp(BAKEOFF.stat().st_mtime, datetime.UTC)
    except (OSError, ValueError):
        return None
    # The notes may say what is in an example, and this is read by whoever has the start's key alone.
    members = ("data", "interrupted", "results", "verdict", "labels", "absent", "notes")
    shown = {name: written[name] for name in members}
    # Nobody serves the report itself: a link to it could carry no key.
    page = BAKEOFF.with_suffix(".html").relative_to(PAGE.parents[1]).as_posix()
    return {**shown, "ended": ended.isoformat(), "page": page}

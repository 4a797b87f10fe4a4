"""Refuses what a browser sends for a page of another origin, and names of this machine that are not the loopback's."""

from __future__ import annotations

import json
import re
from typing import Any

from local_aws.asgi import Application

# No DNS leads these elsewhere (for localhost: RFC 6761, section 6.3). Names below localhost are left out, because
# neither the app nor an SDK uses one here. Any port is right, because one may be forwarded.
LOOPBACK = re.compile(r"(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?", re.ASCII | re.IGNORECASE)
# The console's page, whose storage holds its key, is of the same origin as every object that a browser shows.
ALONE = (b"content-security-policy", b"sandbox")
FOREIGN_SITES = {b"cross-site", b"same-site"}


def for_own_origin(application: Application, page: str) -> Application:
    """An ASGI application that passes on to `application` only what comes from its own origin or from no page at all.

    Nothing that is refused is read beyond its headers. No answer lets pages of other origins read it.

    Args:
        application: what answers everything else.
        page: the path of a static page to which other pages may link.
    """

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            await application(scope, receive, send)
        elif reason := refusal(scope, page):
            await refuse(scope, send, reason)
        else:
            await application(scope, receive, without_sharing(send))

    return app


def refusal(scope: dict[str, Any], page: str) -> str | None:
    """The sentence that says why a request is refused; None for one that is not."""
    hosts = values_of(scope, b"host")
    if len(hosts) != 1 or not LOOPBACK.fullmatch(hosts[0].decode("latin-1")):
        return "The embedded AWS answers under the loopback's own names only: 127.0.0.1 and localhost."
    if any(origin != b"http://" + hosts[0] for origin in values_of(scope, b"origin")):
        return "The embedded AWS answers no page of another origin."
    sites = set(values_of(scope, b"sec-fetch-site"))
    if sites & FOREIGN_SITES and not is_link_to(page, scope):
        return "The embedded AWS answers no page of another site."
    return None


def is_link_to(page: str, scope: dict[str, Any]) -> bool:
    """Whether a person follows a link to the page, which is static and stands in no frame: that reveals nothing."""
    return (
        scope.get("method") == "GET"
        and scope["path"] == page
        and values_of(scope, b"sec-fetch-mode") == [b"navigate"]
        and values_of(scope, b"sec-fetch-dest") == [b"document"]
    )


def values_of(scope: dict[str, Any], name: bytes) -> list[bytes]:
    """The values of a header, one a line; HTTP/1.0 may have none."""
    return [value.strip() for key, value in scope["headers"] if key.lower() == name]


async def refuse(scope: dict[str, Any], send: Any, reason: str) -> None:
    """Answers 403 with the sentence; a WebSocket is not opened, which is a 403 too."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    body = json.dumps({"message": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send(
        {"type": "http.response.start", "status": 403, "headers": [*headers, (b"connection", b"close")]}
    )
    await send({"type": "http.response.body", "body": body})


def without_sharing(send: Any) -> Any:
    """`send` without the headers that let pages of other origins read an answer: ministack gives them to every page.

    What says nothing of its own security runs no script, and is of no origin, where a browser shows it as a page.
    """

    async def stripped(message: dict[str, Any]) -> None:
        if "headers" in message:
            kept = [
                (name, value)
                for name, value in message["headers"]
                if not name.lower().startswith(b"access-control-")
            ]
            is_console = any(name.lower() == ALONE[0] for name, _ in kept)
            message = {**message, "headers": kept if is_console else [*kept, ALONE]}
        await send(message)

    return stripped

"""Nothing that a page of another origin does in the user's browser reaches what the embedded AWS answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from local_aws.console import PREFIX
from local_aws.own_origin import for_own_origin

from .conftest import served

ATTEMPTS = {
    "a fetch": "(to) => fetch(to + '/reached', { method: 'POST', body: 'x' }).catch(() => 0)",
    "a fetch with its preflight": """(to) =>
        fetch(to + '/reached', { method: 'PUT', headers: { authorization: 'AWS4' } }).catch(() => 0)""",
    "a fetch without CORS": """(to) =>
        fetch(to + '/reached', { method: 'POST', mode: 'no-cors', body: 'x' }).catch(() => 0)""",
    "a picture": """(to) => new Promise((over) => {
        const picture = new Image();
        picture.onload = picture.onerror = over;
        picture.src = to + '/reached';
    })""",
    "a frame": """(to) => new Promise((over) => {
        const frame = document.createElement('iframe');
        frame.onload = over;
        frame.src = to + '/reached';
        document.body.append(frame);
    })""",
    "a form": """(to) => new Promise((over) => {
        document.body.innerHTML = `<iframe name="there"></iframe>
            <form method="post" action="${to}/reached" target="there"><input name="Action" value="ListUsers"></form>`;
        document.querySelector('iframe').onload = over;
        document.querySelector('form').submit();
    })""",
    "a WebSocket": """(to) => new Promise((over) => {
        const socket = new WebSocket(to.replace('http', 'ws') + '/reached');
        socket.onopen = socket.onerror = over;
    })""",
}


@dataclass
class Recorder:
    """Answers everything as ministack does, for pages of any origin, and remembers what it was asked."""

    asked: list[str] = field(default_factory=list)

    async def __call__(self, scope: dict[str, Any], receive: Callable, send: Callable) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            for part in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{part}.complete"})
            return
        self.asked.append(scope["path"])
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            return
        headers = [(b"content-type", b"text/html"), (b"access-control-allow-origin", b"*")]
        # As the console's page does, on which alone scripts run.
        headers.append((b"content-security-policy", b"default-src * 'unsafe-inline'"))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"<!doctype html><title>a page</title>"})


@pytest.fixture
def recorder() -> Recorder:
    """What lies behind the check."""
    return Recorder()


@pytest.fixture
def guarded(recorder) -> Iterator[str]:
    """The address of a server with the check."""
    yield from served(for_own_origin(recorder, PREFIX))


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of another server on this machine."""
    yield from served(Recorder())


@pytest.fixture
def page(browser) -> Iterator[Any]:
    """An empty page."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.mark.threat
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"], ids=["same site", "cross site"])
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_attempt_of_a_foreign_page_arrives(page, recorder, guarded, elsewhere, attempt, name):
    page.goto(elsewhere.replace("127.0.0.1", name))
    page.evaluate(ATTEMPTS[attempt], guarded)
    assert recorder.asked == []


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_the_same_attempt_of_its_own_page_arrives(page, recorder, guarded, attempt):
    page.goto(guarded)
    page.evaluate(ATTEMPTS[attempt], guarded)
    assert "/reached" in recorder.asked


def test_a_page_without_an_origin_is_refused(page, recorder, guarded):
    page.set_content("<p>a page that came from nowhere</p>")
    page.evaluate(ATTEMPTS["a fetch without CORS"], guarded)
    assert recorder.asked == []


def test_a_link_of_a_foreign_page_leads_to_the_consoles_page_and_nowhere_else(
    page, recorder, guarded, elsewhere
):
    for path in (PREFIX, f"{PREFIX}config.json", "/reached"):
        page.goto(elsewhere)
        page.set_content(f'<a href="{guarded}{path}">a link</a>')
        with page.expect_navigation():
            page.click("a")
    assert recorder.asked == [PREFIX]


def test_no_answer_lets_another_origin_read_it(page, guarded):
    answer = page.goto(guarded)
    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control-")]

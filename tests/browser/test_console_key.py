"""The page shows the embedded AWS the key that its address carries, and keeps it out of sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def shown() -> list[str | None]:
    """What the page showed for its configuration, request by request."""
    return []


@pytest.fixture
def listen(shown) -> dict[str, Callable[[Any], None]]:
    """Routes that pass the request for the configuration on and note what it shows."""

    def note(route: Any) -> None:
        shown.append(route.request.headers.get("authorization"))
        route.continue_()

    return {"**/config.json": note}


def test_the_key_of_the_address_is_shown_and_leaves_the_address(open_page, site, shown, listen):
    page = open_page("#key=a-key_1", routes=listen)
    assert shown == ["Bearer a-key_1"]
    assert page.url == site.address


def test_the_key_stays_when_the_page_is_loaded_again(open_page, site, shown, listen):
    page = open_page("#key=a-key_1", routes=listen)
    page.goto(f"{site.address}#advise")
    page.reload()
    page.wait_for_selector("#place:not(:empty)")
    assert shown == ["Bearer a-key_1"] * 2


def test_without_a_key_none_is_shown(open_page, shown, listen):
    open_page(routes=listen)
    assert shown == [None]

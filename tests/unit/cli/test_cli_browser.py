"""When `recognition up` opens the console: for a person at a desktop, and for nobody else."""

from __future__ import annotations

import sys
import webbrowser

import pytest

from cli.local.browser import open_page


@pytest.mark.parametrize(
    ("display", "terminal", "opened"), [(":0", True, True), ("", True, False), (":0", False, False)]
)
def test_a_page_is_opened_only_where_somebody_sees_it(monkeypatch, display, terminal, opened):
    asked = []
    monkeypatch.setattr(webbrowser, "open", lambda url: asked.append(url) or True)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert open_page("http://127.0.0.1:1/_console/") is opened
    assert asked == (["http://127.0.0.1:1/_console/"] if opened else [])

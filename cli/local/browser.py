"""Opens a page in the person's browser, where there is a desktop and a person."""

from __future__ import annotations

import os
import sys
import webbrowser


def open_page(url: str) -> bool:
    """Opens `url`; whether that was tried. A terminal without a desktop would get a browser of its own in it."""
    has_desktop = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not (sys.stdout.isatty() and has_desktop):
        return False
    return webbrowser.open(url)

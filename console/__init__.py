"""The console: a static page (`page/`), the function that it reads the deployment's state with (`watch/`), and what
whoever serves them has to know: headers and paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from definitions.networks import kind_of_feature

PAGE = Path(__file__).resolve().parent / "page"
LIBRARY = PAGE.parents[1] / "node_modules" / "uplot"
"""What draws the charts, as package-lock.json pins it; the repository holds no copy."""
LIBRARY_FILES = {
    "uplot.js": "dist/uPlot.esm.js",
    "uplot.css": "dist/uPlot.min.css",
    "uplot-license.txt": "LICENSE",
}
"""Names in the page of the files that it takes out of LIBRARY."""
WATCH = PAGE.parent / "watch"
"""The folder of the function that reads the state of the deployment."""
MACHINES = "_states"
"""Where the page calls Step Functions, if it may. No environment can have this name."""
STATE = "watch.json"
"""Where the page reads that state."""
CONFIGURATION = "config.json"
"""The one file that is nowhere here: who serves the page writes where its API is and how a person signs in."""
SITE = PAGE.parents[1] / "build" / "site"
"""The documentation site, as `make docs` builds it."""
SITE_PATH = "_site/"
"""Where the site lies beside the page. No environment can have this name, so the API's stage takes no path of it."""
LESSONS = f"{SITE_PATH}learn/index.html"
"""Where the page finds the site's lessons, if who serves the page serves them too."""
SITE_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the site: it styles itself and runs no script, for on its origin people sign in to the console."""

PATHS = (
    "images/labels",
    "images/class",
    "texts/sentiment",
    "texts/class",
    "texts/targeted-sentiment",
    "texts/entities",
    "advise",
)
"""The API's paths that the page asks, and no others."""

KIND_OF_INPUT = {feature: kind_of_feature(feature) for feature in ("image", "text")}
"""Which of our networks answers for what the page takes, as its configuration tells it."""


class PartMissing(Exception):
    """The library that draws the charts, or the site, is not there; the message says what to do."""


def library_files() -> dict[str, Path]:
    """The library's files by their names in the page.

    Raises:
        PartMissing: when one of them is not there.
    """
    files = {name: LIBRARY / path for name, path in LIBRARY_FILES.items()}
    for path in files.values():
        if not path.is_file():
            raise PartMissing(f"The console's charts need {path}, which is not there. Run: make")
    return files


def built_site() -> Path:
    """The folder of the documentation site.

    Raises:
        PartMissing: when nobody has built it.
    """
    page = SITE / LESSONS.removeprefix(SITE_PATH)
    if not page.is_file():
        raise PartMissing(
            f"console.lessons wants the documentation site, and {page} is not there. Run: make docs"
        )
    return SITE


def page_files() -> dict[str, Path]:
    """All files of the page by their names; see `library_files` for what is raised."""
    return {**{path.name: path for path in PAGE.iterdir() if path.is_file()}, **library_files()}


def content_security_policy(connects_to: Sequence[str] = ()) -> str:
    """The policy of the page: its own files, pictures that the person chose, and calls to its own place.

    Args:
        connects_to: other origins that the page may call, for example those that sign a person in.
    """
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "connect-src": " ".join(("'self'", *connects_to)),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def security_headers(policy: str) -> dict[str, str]:
    """The headers that go with every file of the page."""
    return {
        "content-security-policy": policy,
        "cross-origin-opener-policy": "same-origin",
        "permissions-policy": "camera=(self), geolocation=(), microphone=()",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
    }

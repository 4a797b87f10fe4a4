"""Divides the tests between processes, each file whole and in its usual order; what tests of all kinds share."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable

import psutil
import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# No test fails because the machine is busy with something else.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
# All that synthesise write the functions' code to the same folder, so one process has them all.
SYNTHESISE = ("tests/infrastructure/", "tests/local/")


class ByFile(LoadScopeScheduling):
    """xdist's scheduler of whole scopes, with the files that synthesise as one scope.

    The mark `xdist_group` would say the same, but pytest-xdist 3.8 loses it under pytest 9.2 (its issue 1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return "synthesise" if nodeid.startswith(SYNTHESISE) else nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """Takes the place of the scheduler that `--dist` names."""
    return ByFile(config, log)


# The first needs a quarter of the processor time of the others, which start whole desktops.
BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
)
# A camera that shows a test picture, and nobody who has to allow it.
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture(scope="module")
def browser():
    """The system's own Chromium; for one file, because Playwright keeps the thread's event loop while it runs."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = os.environ.get("RECOGNITION_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        pytest.skip(
            f"None of {', '.join(BROWSERS)} is installed. On Debian: apt-get install chromium-headless-shell"
        )
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=CAMERA)
        yield started
        started.close()


def runs(process: psutil.Process) -> bool:
    """Whether a process is there and has not ended; one that ended may stay, as a zombie, until somebody asks."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def gone() -> Callable[[Iterable[psutil.Process]], bool]:
    """Whether processes end within some seconds."""

    def wait(processes: Iterable[psutil.Process], seconds: float = 15) -> bool:
        left, deadline = list(processes), time.monotonic() + seconds
        while (left := [one for one in left if runs(one)]) and time.monotonic() < deadline:
            time.sleep(0.1)
        return not left

    return wait

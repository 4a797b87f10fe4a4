"""Where the project's files are, and the environment in which its Node programs run."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.errors import CommandFailed

if TYPE_CHECKING:
    from stacks.settings import EnvironmentSettings

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


def toolchain_environment() -> dict[str, str]:
    """Puts the programs of this virtual environment (python, node, npm, cdk) first on the PATH."""
    programs = Path(sys.prefix) / "bin"
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "JSII_NODE": str(programs / "node"),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "PYTHONUNBUFFERED": "1",
    }


def cache_directory() -> Path:
    """Where downloads are kept between runs: $RECOGNITION_CACHE, or recognition under the user's cache."""
    if chosen := os.environ.get("RECOGNITION_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "recognition"


def environments() -> dict[str, Any]:
    """The environments of cdk.json by name, as they are written there."""
    return json.loads((ROOT / "cdk.json").read_text())["context"]["environments"]


def settings_of(environment: str) -> EnvironmentSettings:
    """The settings of an environment in cdk.json.

    Raises:
        CommandFailed: naming the environment or the field that is wrong.
    """
    from stacks.settings import SettingsRefused, load_settings

    try:
        return load_settings(environment, environments())
    except SettingsRefused as refusal:
        raise CommandFailed(str(refusal)) from refusal

"""Where the project's files are, and the environment in which its Node programs run."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.shared.errors import CommandFailed

if TYPE_CHECKING:
    from stacks.settings import EnvironmentSettings

PACKAGES = Path(__file__).resolve().parents[2]
# What `pip install .` copies are the packages alone; the app is then in the checkout in which the command is run.
ROOT = PACKAGES if (PACKAGES / "app.py").is_file() else Path.cwd()
BUILD = ROOT / "build"
OWN_DATA = BUILD / "data" / "own"
"""Splits of the caller's own data, and for a while copies of what lies in S3."""


def toolchain_environment() -> dict[str, str]:
    """Puts the programs of this virtual environment (python, node, npm, cdk) first on the PATH."""
    programs = Path(sys.prefix) / "bin"
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
        "JSII_NODE": str(programs / "node"),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "PYTHONUNBUFFERED": "1",
        **cache_variables(),
    }


def cache_variables() -> dict[str, str]:
    """Where Node's programs keep their caches when the user chose one place for all; the others know it themselves."""
    folders = {"npm_config_cache": "npm", "CDK_HOME": "cdk", "JSII_RUNTIME_PACKAGE_CACHE_ROOT": "jsii"}
    chosen = os.environ.get("XDG_CACHE_HOME")
    return {variable: str(Path(chosen) / folder) for variable, folder in folders.items()} if chosen else {}


def context() -> dict[str, Any]:
    """What cdk.json tells the app.

    Raises:
        CommandFailed: when there is no cdk.json.
    """
    try:
        return json.loads((ROOT / "cdk.json").read_bytes())["context"]
    except FileNotFoundError as error:
        raise CommandFailed(f"{ROOT} has no cdk.json. Run this in a checkout of the project.") from error


def environments() -> dict[str, Any]:
    """The environments of cdk.json by name, as they are written there; see `context` for what is raised."""
    return context()["environments"]


def default_environment() -> str:
    """The environment that commands and `cdk` are about when nothing else is said; empty where cdk.json names none.

    See `context` for what is raised.
    """
    return context().get("environment", "")


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

"""What is known of a cloud assembly without the CDK: whether it is of the app as it is, and what it asks of an AWS."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from importlib import metadata
from pathlib import Path
from typing import Any

from cli.shared.project import ROOT
from cli.shared.target import Target

MANIFEST = "manifest.json"
CDK_FILE = "cdk.json"
STAMP = "inputs.sha256"
# Everything that a synth reads of the checkout: the app, and what goes into functions, jobs and containers.
FILES = ("app.py", "package-lock.json", "pyproject.toml", "requirements.lock")
FOLDERS = ("advisor", "console", "definitions", "lambdas", "model_code", "serving", "stacks")
DISTRIBUTIONS = ("aws-cdk-lib", "cdk-nag", "constructs")
STACK = "aws:cloudformation:stack"


def digest_of_app(environment: str, directory: Path) -> str:
    """Of all that a synth depends on; of the day too, from which on an image may be warned of.

    Args:
        environment: of the app.
        directory: in which the CDK is run, and whose cdk.json it reads.
    """
    digest = hashlib.sha256()
    words = {
        "environment": environment,
        "day": datetime.date.today().isoformat(),
        "settings": (directory / CDK_FILE).read_text(encoding="utf-8"),
        "versions": {name: metadata.version(name) for name in DISTRIBUTIONS},
        "variables": {name: value for name, value in os.environ.items() if name.startswith("CDK_")},
    }
    digest.update(json.dumps(words, sort_keys=True).encode())
    files = [ROOT / name for name in FILES]
    for folder in FOLDERS:
        files += sorted(file for file in (ROOT / folder).rglob("*") if "__pycache__" not in file.parts)
    for file in files:
        if file.is_file():
            content = file.read_bytes()
            digest.update(f"{file.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def is_of(assembly: Path, digest: str) -> bool:
    """Whether an assembly was made whole of an app with this digest."""
    stamp = assembly / STAMP
    return (assembly / MANIFEST).is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == digest


def is_bootstrapped(target: Target, assembly: Path) -> bool:
    """Whether the AWS has what the stacks ask of `cdk bootstrap`, by the version that the CDK itself looks at."""
    manifest = json.loads((assembly / MANIFEST).read_bytes())
    wanted: dict[str, int] = {}
    for artifact in manifest["artifacts"].values():
        properties: dict[str, Any] = artifact.get("properties", {})
        if artifact["type"] == STACK and "requiresBootstrapStackVersion" in properties:
            name = properties["bootstrapStackVersionSsmParameter"]
            wanted[name] = max(wanted.get(name, 0), properties["requiresBootstrapStackVersion"])
    ssm = target.client("ssm")
    for name, version in wanted.items():
        try:
            present = int(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound:
            return False
        if present < version:
            return False
    return bool(wanted)

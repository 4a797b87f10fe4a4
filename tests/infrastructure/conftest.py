"""Synthesises both environments once for all infrastructure tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from definitions.names import stack_name

# Redundant DependsOn entries are CDK's own and harmless.
NOT_LINTED = "W3005"
ROOT = Path(__file__).resolve().parents[2]
# The stacks of every environment; where the settings want monitoring, there is one more.
PARTS = ("Storage", "Training", "Inference", "Release", "Api", "Bulk")
MONITORING = "Watching"


@pytest.fixture(scope="session", autouse=True)
def node_of_this_environment():
    """CDK's Node part runs on the Node of this virtual environment, and does not check the schema, as cfn-lint does."""
    os.environ.setdefault("JSII_NODE", str(Path(sys.prefix) / "bin" / "node"))
    os.environ["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    os.environ["CDK_VALIDATION"] = "false"


def context() -> dict[str, Any]:
    """cdk.json's context, as the CDK's command line passes it on."""
    return json.loads((ROOT / "cdk.json").read_text())["context"]


def templates_in(assembly: Path, environment: str) -> dict[str, dict]:
    """The templates of an assembly by part."""
    prefix, end = stack_name(environment, ""), ".template.json"
    return {
        file.name.removeprefix(prefix).removesuffix(end): json.loads(file.read_text())
        for file in sorted(assembly.glob(f"{prefix}*{end}"))
    }


def checked_templates(
    environments: dict[str, Any], output: Path, environment: str = "dev"
) -> dict[str, dict]:
    """The templates of other settings by part; a finding of cdk-nag that is not acknowledged raises."""
    from aws_cdk import App

    from stacks.app import compose

    chosen = {**context(), "environments": environments, "environment": environment}
    app = App(context=chosen, outdir=str(output))
    compose(app)
    app.synth()
    return templates_in(output, environment)


def api_with(inference: dict | None = None, **api) -> dict:
    """The API's template of a dev whose API has other settings, and maybe its endpoints."""
    from aws_cdk import App
    from aws_cdk.assertions import Template

    from stacks.api.stack import ApiStack
    from stacks.settings import load_settings

    changed = context()["environments"]
    dev = changed["dev"]
    changed["dev"] = {**dev, "api": api, "inference": {**dev["inference"], **(inference or {})}}
    settings = load_settings("dev", changed)
    with TemporaryDirectory() as folder:
        stack = ApiStack(App(), "Api", settings=settings, build_directory=Path(folder))
        return Template.from_stack(stack).to_json()


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory) -> Callable[[str], dict[str, dict]]:
    """Synthesises one environment: the templates by part."""
    from aws_cdk import App

    from stacks.app import compose

    def run(environment: str) -> dict[str, dict]:
        output = tmp_path_factory.mktemp(f"assembly-{environment}")
        app = App(context={**context(), "environment": environment}, outdir=str(output))
        compose(app)
        app.synth()
        return templates_in(output, environment)

    return run


@pytest.fixture(scope="session")
def dev(synthesise) -> dict[str, dict]:
    """The templates of dev."""
    return synthesise("dev")


@pytest.fixture(scope="session")
def prod(synthesise) -> dict[str, dict]:
    """The templates of prod."""
    return synthesise("prod")


@pytest.fixture(scope="session", params=["dev", "prod"])
def templates(request) -> dict[str, dict]:
    """The templates of each environment in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def of_type() -> Callable[[dict, str], list[dict]]:
    """The properties of every resource of a type in a template."""

    def find(template: dict, resource_type: str) -> list[dict]:
        return [
            resource.get("Properties", {})
            for resource in template["Resources"].values()
            if resource["Type"] == resource_type
        ]

    return find


@pytest.fixture
def lint(tmp_path) -> Callable[[dict[str, dict]], None]:
    """Lets cfn-lint look at templates, which has to find nothing."""

    def check(templates: dict[str, dict]) -> None:
        files = []
        for part, template in templates.items():
            file = tmp_path / f"{part}.template.json"
            file.write_text(json.dumps(template))
            files.append(str(file))
        command = [str(Path(sys.executable).with_name("cfn-lint")), "--ignore-checks", NOT_LINTED]
        finished = subprocess.run([*command, "--", *files], capture_output=True, text=True, check=False)
        assert finished.returncode == 0, finished.stdout

    return check

"""Bootstraps an AWS and runs the ordinary `cdk deploy --all` of the ordinary app on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from cli.shared.project import BUILD, ROOT, toolchain_environment
from cli.shared.stand_ins import wait_for_stand_ins
from cli.shared.subprocesses import run_program
from cli.shared.target import Target

# "Recognition-dev-Api | 12/48 | 9:41:02 PM | CREATE_COMPLETE | AWS::Lambda::Function | VisionFunction"
EVENT = re.compile(r"^(\S+) \|\s*(\d+)/(\d+) \| [^|]+\| (\w+)\s*\| ([\w:]+)")


def synthesise(
    environment_name: str,
    assembly: Path,
    on_line: Callable[[str], None],
    variables: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Runs `cdk synth` for an environment into `assembly`.

    Raises:
        CommandFailed: with the CDK's last lines, such as the setting that it refuses.
    """
    context = ["--context", f"environment={environment_name}"]
    run_program(
        ["cdk", "synth", "--quiet", *context, "--output", str(assembly), "--no-notices"],
        purpose=f"Synthesising the app for {environment_name}",
        environment={**toolchain_environment(), **variables, "CI": "true"},
        directory=ROOT,
        on_line=on_line,
    )


def deploy(target: Target, on_detail: Callable[[str], None]) -> None:
    """Runs `cdk bootstrap` and `cdk deploy --all` against `target`, and waits there until the stand-ins have loaded.

    Raises:
        CommandFailed: with the CDK's last lines when either fails.
    """

    def show(line: str) -> None:
        if match := EVENT.match(line):
            stack, done, total, status, resource = match.groups()
            on_detail(f"{stack} {done}/{total} {resource} {status}")

    environment = {**toolchain_environment(), **target.variables, "CI": "true"}

    def run_cdk(purpose: str, *arguments: str) -> None:
        run_program(
            ["cdk", *arguments, "--no-notices"],
            purpose=f"{purpose} {target.description}",
            environment=environment,
            directory=ROOT,
            on_line=show,
        )

    assembly = BUILD / "cdk.out"
    on_detail("synth")
    synthesise(target.environment, assembly, show, target.variables)
    account = target.client("sts").get_caller_identity()["Account"]
    on_detail("bootstrap")
    run_cdk(
        "Bootstrapping",
        "bootstrap",
        f"aws://{account}/{target.session().region_name}",
        "--app",
        str(assembly),
    )
    run_cdk(
        "Deploying the app to",
        *("deploy", "--all", "--app", str(assembly), "--require-approval", "never"),
        *("--concurrency", "4", "--progress", "events"),
    )
    if target.variables:
        on_detail("the stand-ins of Rekognition and Comprehend are loading")
        wait_for_stand_ins(target)

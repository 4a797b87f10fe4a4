"""Bootstraps an AWS and runs the ordinary `cdk deploy --all` of the ordinary app on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from cli.shared.assemblies import STAMP, digest_of_app, is_bootstrapped, is_of
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
    """Runs `cdk synth` for an environment into `assembly`, unless that is of the app as it is.

    Raises:
        CommandFailed: with the CDK's last lines, such as the setting that it refuses.
    """
    digest, stamp = digest_of_app(environment_name, ROOT), assembly / STAMP
    if is_of(assembly, digest):
        return
    if stamp.is_file():
        # One that is half written is of no app.
        stamp.write_text("", encoding="utf-8")
    context = ["--context", f"environment={environment_name}"]
    run_program(
        ["cdk", "synth", "--quiet", *context, "--output", str(assembly), "--no-notices"],
        purpose=f"Synthesising the app for {environment_name}",
        environment={**toolchain_environment(), **variables, "CI": "true"},
        directory=ROOT,
        on_line=on_line,
    )
    stamp.write_text(digest, encoding="utf-8")


def deploy(target: Target, on_detail: Callable[[str], None]) -> None:
    """Runs `cdk deploy --all` against `target`, and before it `cdk bootstrap` where what that makes is not there yet.

    Waits on the embedded AWS until the stand-ins have loaded.

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
    if not is_bootstrapped(target, assembly):
        account = target.client("sts").get_caller_identity()["Account"]
        on_detail("bootstrap")
        place = f"aws://{account}/{target.session().region_name}"
        run_cdk("Bootstrapping", "bootstrap", place, "--app", str(assembly))
    run_cdk(
        "Deploying the app to",
        *("deploy", "--all", "--app", str(assembly), "--require-approval", "never"),
        *("--concurrency", "4", "--progress", "events"),
    )
    if target.variables:
        on_detail("the stand-ins of Rekognition and Comprehend are loading")
        wait_for_stand_ins(target)

"""What a second deployment of an unchanged app leaves out: the synth, and the bootstrap that is there."""

from __future__ import annotations

import json
from types import SimpleNamespace

import boto3
import pytest
from botocore.stub import Stubber

from cli.shared import assemblies, deploy
from cli.shared.errors import CommandFailed

PARAMETER = "/cdk-bootstrap/hnb659fds/version"


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with an app, of which each synth notes its environment."""
    for name in (*assemblies.FILES, "cdk.json", "stacks/app.py", "lambdas/a.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name)
    monkeypatch.setattr(assemblies, "ROOT", tmp_path)
    monkeypatch.setattr(deploy, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def programs(monkeypatch) -> list[list[str]]:
    """The commands that are run; a synth writes its manifest."""
    run: list[list[str]] = []

    def note(command, **_):
        run.append(list(command))
        if command[1] == "synth":
            folder = deploy.Path(command[command.index("--output") + 1])
            folder.mkdir(exist_ok=True)
            properties = {
                "requiresBootstrapStackVersion": 6,
                "bootstrapStackVersionSsmParameter": PARAMETER,
            }
            artifacts = {
                "Stack": {"type": assemblies.STACK, "properties": properties},
                "Tree": {"type": "cdk:tree"},
            }
            (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))

    monkeypatch.setattr(deploy, "run_program", note)
    return run


def synthesise(checkout, environment: str = "dev") -> None:
    deploy.synthesise(environment, checkout / "out", lambda _: None)


def test_an_unchanged_app_is_synthesised_once(checkout, programs):
    synthesise(checkout)
    synthesise(checkout)
    assert len(programs) == 1


@pytest.mark.parametrize(
    "name", ["app.py", "cdk.json", "requirements.lock", "stacks/app.py", "lambdas/new.py"]
)
def test_whatever_a_synth_reads_makes_it_run_again(checkout, programs, name):
    synthesise(checkout)
    (checkout / name).write_text("changed")
    synthesise(checkout)
    assert len(programs) == 2


def test_a_file_that_is_gone_another_environment_or_variable_makes_it_run_again(
    checkout, programs, monkeypatch
):
    synthesise(checkout)
    synthesise(checkout, "prod")
    (checkout / "lambdas" / "a.py").unlink()
    synthesise(checkout, "prod")
    monkeypatch.setenv("CDK_VALIDATION", "false")
    synthesise(checkout, "prod")
    assert len(programs) == 4


def test_the_settings_are_those_of_the_folder_in_which_the_cdk_runs(checkout, programs, monkeypatch):
    synthesise(checkout)
    (checkout / "elsewhere").mkdir()
    (checkout / "elsewhere" / "cdk.json").write_text("others")
    monkeypatch.setattr(deploy, "ROOT", checkout / "elsewhere")
    synthesise(checkout)
    assert len(programs) == 2


def test_what_python_compiled_is_no_change(checkout, programs):
    synthesise(checkout)
    (checkout / "stacks" / "__pycache__").mkdir()
    (checkout / "stacks" / "__pycache__" / "app.pyc").write_text("compiled")
    synthesise(checkout)
    assert len(programs) == 1


def test_a_synth_that_failed_leaves_nothing_that_counts(checkout, programs, monkeypatch):
    synthesise(checkout)
    (checkout / "app.py").write_text("broken")
    before = deploy.run_program

    def fail(*_, **__):
        raise CommandFailed("The app is broken.")

    monkeypatch.setattr(deploy, "run_program", fail)
    with pytest.raises(CommandFailed):
        synthesise(checkout)
    monkeypatch.setattr(deploy, "run_program", before)
    (checkout / "app.py").write_text("app.py")
    synthesise(checkout)
    assert len(programs) == 2


@pytest.mark.parametrize(("version", "is_there"), [("6", True), ("21", True), ("5", False), (None, False)])
def test_what_bootstrap_made_is_enough_from_the_version_on_that_the_stacks_want(
    checkout, programs, version, is_there
):
    synthesise(checkout)
    keys = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("ssm", **keys)
    with Stubber(client) as stub:
        if version is None:
            stub.add_client_error("get_parameter", "ParameterNotFound")
        else:
            stub.add_response("get_parameter", {"Parameter": {"Value": version}}, {"Name": PARAMETER})
        target = SimpleNamespace(client=lambda _: client)
        assert assemblies.is_bootstrapped(target, checkout / "out") is is_there

"""Two environments in one account at once: neither has a name of the other's, or reaches what is the other's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from definitions.names import machine_name, stack_name

NAMES = ("blue", "green")
# Those that carry no code of a function; each after what it reads.
PARTS = ("Storage", "Training", "Inference", "Release")
ROOT = Path(__file__).resolve().parents[2]
QUICKLY = {"Delay": 1, "MaxAttempts": 240}


def templates(folder: Path) -> dict[str, str]:
    """The templates of both environments by the names of their stacks."""
    os.environ.setdefault("JSII_NODE", str(Path(sys.prefix) / "bin" / "node"))
    from aws_cdk import App, DefaultStackSynthesizer

    from stacks.app import named
    from stacks.inference.stack import InferenceStack
    from stacks.release.stack import ReleaseStack
    from stacks.settings import load_settings
    from stacks.storage.stack import StorageStack
    from stacks.training.stack import TrainingStack

    context, made = json.loads((ROOT / "cdk.json").read_text())["context"], {}
    for name in NAMES:
        settings = load_settings(name, {name: {"termination_protection": False}})
        # The embedded AWS of these tests is not bootstrapped.
        plain = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        app = App(context=context, outdir=str(folder / name), default_stack_synthesizer=plain)
        StorageStack(app, **named(settings, "Storage", ""), settings=settings)
        TrainingStack(
            app,
            **named(settings, "Training", ""),
            settings=settings,
            build_directory=folder,
            inference_stack=stack_name(name, "Inference"),
        )
        inference = InferenceStack(app, **named(settings, "Inference", ""), settings=settings)
        ReleaseStack(
            app,
            **named(settings, "Release", ""),
            settings=settings,
            configurations=inference.configurations(),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("CDK_VALIDATION", "false")
            app.synth()
        for part in PARTS:
            stack = stack_name(name, part)
            made[stack] = (folder / name / f"{stack}.template.json").read_text()
    return made


@pytest.fixture(scope="module")
def both(client, bucket, tmp_path_factory):
    """Both environments, each step of the one beside the same of the other."""
    stacks, s3 = client("cloudformation"), client("s3")
    made = templates(tmp_path_factory.mktemp("environments"))
    for part in PARTS:
        names = [stack_name(name, part) for name in NAMES]
        for name in names:
            # A request holds no template as large as these.
            s3.put_object(Bucket=bucket, Key=f"templates/{name}.json", Body=made[name])
            place = f"https://s3.us-east-1.amazonaws.com/{bucket}/templates/{name}.json"
            stacks.create_stack(StackName=name, TemplateURL=place, Capabilities=["CAPABILITY_IAM"])
        for name in names:
            stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=QUICKLY)
    yield
    for name in NAMES:
        take_away(client, name)


def take_away(client: Any, name: str) -> None:
    """Deletes an environment's stacks; one that is gone already is none."""
    stacks = client("cloudformation")
    for part in reversed(PARTS):
        stacks.delete_stack(StackName=stack_name(name, part))
        stacks.get_waiter("stack_delete_complete").wait(
            StackName=stack_name(name, part), WaiterConfig=QUICKLY
        )


def resources(client: Any, name: str) -> dict[tuple[str, str], str]:
    """The state of every resource of an environment by its type and its name in AWS."""
    stacks = client("cloudformation")
    return {
        (one["ResourceType"], one["PhysicalResourceId"]): one["ResourceStatus"]
        for part in PARTS
        for one in stacks.describe_stack_resources(StackName=stack_name(name, part))["StackResources"]
    }


def test_two_environments_share_no_name_and_one_goes_without_the_other(client, both):
    blue, green = (resources(client, name) for name in NAMES)
    assert len(blue) == len(green) > 40
    assert set(blue.values()) == set(green.values()) == {"CREATE_COMPLETE"}
    assert blue.keys() & green.keys() == set()

    take_away(client, "blue")
    assert resources(client, "green") == green
    machines = {one["name"] for one in client("stepfunctions").list_state_machines()["stateMachines"]}
    assert machine_name("green", "release") in machines
    assert machine_name("blue", "release") not in machines
    groups = client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert {"recognition-green-cnn", "recognition-green-rnn"} <= {
        one["ModelPackageGroupName"] for one in groups
    }
    published = client("ssm").get_parameters_by_path(Path="/recognition/green")["Parameters"]
    assert len(published) > 5

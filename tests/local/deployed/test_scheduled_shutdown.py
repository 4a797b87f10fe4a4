"""An endpoint is shut down and started, by the machine that an environment has where its settings want it."""

from __future__ import annotations

import json

from cli.models import rollback
from cli.shared.target import Target
from stacks.release.shutdown_state_machine import ShutdownContext, definition
from stacks.release.state_machine import ReleaseContext

from .reviews import classify


def test_an_endpoint_shut_down_starts_with_the_version_that_it_served(
    target, role_of, released, ended_execution
):
    served = classify(target, "A film.").body["model"]["version"]
    machine = shutdown_machine(target, role_of(target.client("iam"), "shutdown"))

    def run(action: str) -> str:
        states = target.client("stepfunctions")
        given = json.dumps({"kind": "rnn", "action": action})
        execution = states.start_execution(stateMachineArn=machine, input=given)["executionArn"]
        return json.loads(ended_execution(states, execution)["output"])["said"]

    assert run("shut down if idle") == "The stack was updated within the last 4 hours."
    assert run("shut down") == f"Version {served} is shut down; the endpoint costs nothing."
    assert classify(target, "A film.").body["error"]["code"] == "ModelNotReleased"
    assert rollback.verified_versions(target, "rnn")[-1] == served, "the history outlives the endpoint"
    assert run("start") == f"The release of version {served} has started."
    states = target.client("stepfunctions")
    newest = states.list_executions(stateMachineArn=target.parameter("release-state-machine-arn"))[
        "executions"
    ][0]
    assert ended_execution(states, newest["executionArn"])["status"] == "SUCCEEDED"
    assert classify(target, "A film.").body["model"]["version"] == served


def resources_of(target: Target, part: str) -> list[dict]:
    """The resources of one of the app's stacks."""
    stacks = target.client("cloudformation")
    return stacks.describe_stack_resources(StackName=target.stack_name(part))["StackResources"]


def shutdown_machine(target: Target, role_arn: str) -> str:
    """The machine that an environment has where its settings want it; its ARN."""
    (logical_id,) = [
        resource["LogicalResourceId"]
        for resource in resources_of(target, "Inference")
        if resource["ResourceType"] == "AWS::SageMaker::EndpointConfig"
    ]
    (update_role,) = [
        resource["PhysicalResourceId"]
        for resource in resources_of(target, "Release")
        if resource["LogicalResourceId"].startswith("UpdateRole")
        if resource["ResourceType"] == "AWS::IAM::Role"
    ]
    versions = "arn:aws:sagemaker:us-east-1:000000000000:model-package/recognition-dev-rnn/"
    context = ShutdownContext(
        release=ReleaseContext(
            "dev",
            target.stack_name("Inference"),
            {"rnn": logical_id},
            f"arn:aws:iam::000000000000:role/{update_role}",
        ),
        release_machine_arn=target.parameter("release-state-machine-arn"),
        version_arns={"rnn": versions},
        idle_hours=4,
    )
    answer = target.client("stepfunctions").create_state_machine(
        name="shutdown",
        definition=json.dumps(definition(context)),
        roleArn=role_arn,
    )
    return answer["stateMachineArn"]

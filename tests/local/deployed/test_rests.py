"""An endpoint rests and wakes, by the machine that an environment has where its settings want it."""

from __future__ import annotations

import json

from cli.models import rollback
from cli.shared.target import Target
from stacks.release.shutdown_state_machine import RestPlaces, definition
from stacks.release.state_machine import ReleasePlaces

from .reviews import classify


def test_an_endpoint_rests_and_wakes_with_the_version_that_it_served(
    target, role_of, released, ended_execution
):
    served = classify(target, "A film.").body["model"]["version"]
    machine = rest_machine(target, role_of(target.client("iam"), "rests"))

    def run(action: str) -> str:
        states = target.client("stepfunctions")
        given = json.dumps({"kind": "rnn", "action": action})
        execution = states.start_execution(stateMachineArn=machine, input=given)["executionArn"]
        return json.loads(ended_execution(states, execution)["output"])["said"]

    assert run("rest if idle") == "The stack was updated within the last 4 hours."
    assert run("rest") == f"Version {served} rests; the endpoint costs nothing."
    assert classify(target, "A film.").body["error"]["code"] == "ModelNotReleased"
    assert rollback.verified_versions(target, "rnn")[-1] == served, "the history outlives the endpoint"
    assert run("wake") == f"The release of version {served} has started."
    states = target.client("stepfunctions")
    newest = states.list_executions(stateMachineArn=target.parameter("release-state-machine-arn"))[
        "executions"
    ][0]
    assert ended_execution(states, newest["executionArn"])["status"] == "SUCCEEDED"
    assert classify(target, "A film.").body["model"]["version"] == served


def rest_machine(target: Target, role_arn: str) -> str:
    """The machine that an environment has where its settings want it; its ARN."""
    configuration = target.client("cloudformation").describe_stack_resources(
        StackName=target.stack_name("Inference")
    )["StackResources"]
    (logical_id,) = [
        one["LogicalResourceId"]
        for one in configuration
        if one["ResourceType"] == "AWS::SageMaker::EndpointConfig"
    ]
    versions = "arn:aws:sagemaker:us-east-1:000000000000:model-package/recognition-dev-rnn/"
    places = RestPlaces(
        release=ReleasePlaces("dev", target.stack_name("Inference"), {"rnn": logical_id}),
        release_machine_arn=target.parameter("release-state-machine-arn"),
        version_arns={"rnn": versions},
        idle_hours=4,
    )
    answer = target.client("stepfunctions").create_state_machine(
        name="rests",
        definition=json.dumps(definition(places)),
        roleArn=role_arn,
    )
    return answer["stateMachineArn"]

"""A state machine as all of the app's are: traced, with a log of its own that ages, and exactly its own rights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct


def add_machine(
    scope: Construct,
    construct_id: str,
    definition: dict[str, Any],
    timeout: Duration,
    statements: Iterable[iam.PolicyStatement] = (),
) -> stepfunctions.StateMachine:
    """The machine of a definition in Amazon States Language, with its log, and what its role may do.

    The timeout stands in the definition: CDK leaves its own out where a definition is text (aws-cdk #37150).
    """
    definition = {**definition, "TimeoutSeconds": int(timeout.to_seconds())}
    log_group = logs.LogGroup(
        scope, "MachineLog", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY
    )
    machine = stepfunctions.StateMachine(
        scope,
        construct_id,
        definition_body=stepfunctions.DefinitionBody.from_string(Stack.of(scope).to_json_string(definition)),
        tracing_enabled=True,
        logs=stepfunctions.LogOptions(destination=log_group, level=stepfunctions.LogLevel.ALL),
    )
    for statement in statements:
        machine.add_to_role_policy(statement)
    return machine


def target(machine: stepfunctions.IStateMachine, request: dict) -> targets.SfnStateMachine:
    """A start of the machine with a request."""
    return targets.SfnStateMachine(machine, input=events.RuleTargetInput.from_object(request))

"""A state machine as all of the app's are: traced, with a log of its own that ages, and exactly its own rights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from stacks.shared.acknowledge import INLINE, OWN_POLICY, acknowledge
from stacks.shared.arns import arn_of
from stacks.shared.dead_letters import lost_events
from stacks.shared.grants import NO_RESOURCE, Grant, accept_wildcards, allow
from stacks.shared.log_group import add_log_group


def add_machine(
    scope: Construct,
    construct_id: str,
    definition: dict[str, Any],
    timeout: Duration,
    grants: Iterable[Grant] = (),
    name: str | None = None,
) -> stepfunctions.StateMachine:
    """The machine of a definition in Amazon States Language, with its log, and what its role may do.

    With a name the role trusts this machine; without one, which CloudFormation then chooses, any of this account.
    The timeout stands in the definition: CDK leaves its own out where a definition is text (aws-cdk #37150).
    """
    definition = {**definition, "TimeoutSeconds": int(timeout.to_seconds())}
    log_group = add_log_group(scope, "MachineLog")
    machine = stepfunctions.StateMachine(
        scope,
        construct_id,
        definition_body=stepfunctions.DefinitionBody.from_string(Stack.of(scope).to_json_string(definition)),
        tracing_enabled=True,
        logs=stepfunctions.LogOptions(destination=log_group, level=stepfunctions.LogLevel.ALL),
        state_machine_name=name,
        role=role_of(scope, construct_id, name) if name else None,  # pyright: ignore[reportArgumentType]  # jsii
    )
    # CDK adds the rights to deliver the log and the traces.
    acknowledge(machine.role, NO_RESOURCE, "AwsSolutions-IAM5[Resource::*]")
    allow(machine.role, grants)
    return machine


def role_of(scope: Construct, construct_id: str, name: str) -> iam.Role:
    """A role that Step Functions takes for the machine of a name alone (its guide, the confused deputy problem)."""
    conditions = {
        "StringEquals": {"aws:SourceAccount": Stack.of(scope).account},
        "ArnEquals": {"aws:SourceArn": arn_of(scope, "states", "stateMachine", name)},
    }
    trusted = iam.ServicePrincipal("states.amazonaws.com", conditions=conditions)
    return iam.Role(scope, f"{construct_id}Role", assumed_by=trusted)  # pyright: ignore[reportArgumentType]  # jsii


def allow_own_executions(machine: stepfunctions.StateMachine, grants: Iterable[Grant]) -> None:
    """Grants that name the machine; not in its role's own policy, for which the machine waits."""
    policy = iam.Policy(Stack.of(machine), "OwnExecutions", roles=[machine.role])
    acknowledge(policy, OWN_POLICY, INLINE)
    for grant in grants:
        policy.add_statements(grant.statement())
        accept_wildcards(policy, grant)


def target(scope: Construct, machine: stepfunctions.IStateMachine, request: dict) -> targets.SfnStateMachine:
    """A start of the machine with a request, for a rule in the stack of `scope`."""
    # CDK adds a role for the rules.
    acknowledge(machine, OWN_POLICY, INLINE)
    return targets.SfnStateMachine(
        machine, input=events.RuleTargetInput.from_object(request), dead_letter_queue=lost_events(scope)
    )

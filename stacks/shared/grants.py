"""What a role may do, statement by statement, each with the reason for its wildcards, which cdk-nag asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

from stacks.shared.acknowledge import INLINE, OWN_POLICY, acknowledge

OBJECTS = "The keys below this prefix are named when a job runs; the role can do nothing else in the bucket."
NO_RESOURCE = (
    "These actions have no resource that a policy could name (Service Authorization Reference), or SageMaker's guide "
    "forbids to name one (CreateProcessingJob in a VPC)."
)
LOG_STREAMS = "SageMaker names the streams, and an endpoint's group after it; nothing else has such groups."
RUNS = "A run's name ends in its id, which nobody knows before; the kind is named in full."
VERSIONS = "A version's number is known when it is registered; the group is named in full."
STACK_ID = "A stack's ARN ends in an id that CloudFormation chooses; the stack is named in full."
ARCHIVES = "A run in flight reads the archive that it began with; an archive is named after its content."


@dataclass(frozen=True)
class Grant:
    """A statement that allows.

    Attributes:
        actions: IAM's, in full.
        resources: ARNs.
        because: why a resource with a wildcard is no narrower; empty where none has one.
        conditions: as in a policy.
    """

    actions: Iterable[str]
    resources: Iterable[str]
    because: str = ""
    conditions: dict[str, Any] | None = None

    def statement(self) -> iam.PolicyStatement:
        """As CDK has it."""
        return iam.PolicyStatement(
            actions=sorted(self.actions), resources=list(self.resources), conditions=self.conditions
        )


def allow(role: iam.Role | iam.IRole, grants: Iterable[Grant]) -> None:
    """Gives a role what the grants allow, in its own policy."""
    acknowledge(role, OWN_POLICY, INLINE)
    for grant in grants:
        role.add_to_principal_policy(grant.statement())
        accept_wildcards(role, grant)


def accept_wildcards(construct: IConstruct, grant: Grant) -> None:
    """Acknowledges a grant's wildcards; without a reason they stand, and the synth is refused."""
    if grant.because:
        resolved = Stack.of(construct).resolve(list(grant.resources))
        wide = [arn for arn in map(flattened, resolved) if "*" in arn]
        acknowledge(construct, grant.because, *(f"AwsSolutions-IAM5[Resource::{arn}]" for arn in wide))


def flattened(value: Any) -> str:
    """A resolved ARN as cdk-nag writes it into a finding's id."""
    match value:
        case str() | {"Fn::Sub": str()}:
            text = value if isinstance(value, str) else value["Fn::Sub"]
            return text.replace("${", "<").replace("}", ">")
        case {"Fn::Join": [separator, parts]}:
            return separator.join(map(flattened, parts))
        case {"Fn::GetAtt": [resource, attribute]}:
            return f"<{resource}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
        case _:
            return json.dumps(value, separators=(",", ":"))

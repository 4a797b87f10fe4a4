"""CloudFormation under a role that an UpdateStack names: that role is asked for what the stack's resources take.

A deployment by the CDK names its bootstrap's role when it makes a change set, and is not asked for.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from ministack.services.cloudformation import stacks

from local_aws.iam.calls import Call, arn
from local_aws.iam.decisions import Decisions, Refused

# The role of the update for which this task, or its thread, provisions.
ROLE: ContextVar[str | None] = ContextVar("role", default=None)
SERVICE = "cloudformation.amazonaws.com"
SCALING = "AWS::ApplicationAutoScaling::"
# By type: what makes or changes one, and what deletes one. SageMaker's own are asked for as its operations.
ACTIONS = {
    "AWS::SSM::Parameter": ("ssm:PutParameter", "ssm:DeleteParameter"),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms"),
    f"{SCALING}ScalableTarget": (
        "application-autoscaling:RegisterScalableTarget",
        "application-autoscaling:DeregisterScalableTarget",
    ),
    f"{SCALING}ScalingPolicy": (
        "application-autoscaling:PutScalingPolicy",
        "application-autoscaling:DeleteScalingPolicy",
    ),
}


def call_of(verb: str, type_name: str, name: str, properties: dict[str, Any]) -> Call:
    """What a resource takes of the role.

    Args:
        verb: `Create`, `Update` or `Delete`.
        type_name: CloudFormation's, such as `AWS::IAM::Role`.
        name: what the resource is called where its properties give it no name.
        properties: with everything resolved.
    """
    if type_name not in ACTIONS:
        _, service, kind = type_name.split("::")
        # Most actions are called like this; the app's own role may do none of them.
        return Call(f"{service.lower()}:{verb}{kind}")
    changes, deletes = ACTIONS[type_name]
    action = deletes if verb == "Delete" else changes
    if type_name.startswith(SCALING):
        of_sagemaker = {"application-autoscaling:service-namespace": "sagemaker"}
        return Call(action, arn("application-autoscaling", "scalable-target/of-a-stack"), of_sagemaker)
    if type_name == "AWS::SSM::Parameter":
        return Call(action, arn("ssm", f"parameter{properties['Name']}"))
    return Call(action, arn("cloudwatch", f"alarm:{properties.get('AlarmName', name)}"))


class Stacks:
    """Asks before a resource is made, changed or deleted."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.create, self.update = stacks._provision_resource, stacks._update_resource
        self.delete = stacks._delete_resource

    def install(self) -> None:
        """Takes the places of ministack's functions."""
        stacks._provision_resource = self.create_if_allowed
        stacks._update_resource = self.update_if_allowed
        stacks._delete_resource = self.delete_if_allowed

    def require(self, verb: str, type_name: str, name: str, properties: dict[str, Any]) -> None:
        """Asks for one resource, where the update names a role.

        Raises:
            Refused: when the role may not; it becomes the reason of the resource's failure.
        """
        role = ROLE.get()
        if role is None or type_name.startswith("AWS::SageMaker::") or not type_name.startswith("AWS::"):
            return
        call = call_of(verb, type_name, name, properties)
        if not self.decisions.may_assume(role, SERVICE):
            raise Refused(SERVICE, Call("sts:AssumeRole", role), "because the role does not trust it.")
        self.decisions.require(role, call)

    def create_if_allowed(self, type_name: str, name: str, properties: dict, stack: str, *rest: Any) -> Any:
        """A resource that was not there."""
        self.require("Create", type_name, f"{stack}-{name}", properties)
        return self.create(type_name, name, properties, stack, *rest)

    def update_if_allowed(
        self, type_name: str, name: str, old: dict, new: dict, stack: str, *rest: Any
    ) -> Any:
        """A resource that was there, which is not asked for when it stays as it is."""
        if old != new:
            self.require("Update", type_name, f"{stack}-{name}", new)
        return self.update(type_name, name, old, new, stack, *rest)

    def delete_if_allowed(self, type_name: str, name: str, properties: dict, *rest: Any) -> Any:
        """A resource that goes."""
        self.require("Delete", type_name, name, properties)
        return self.delete(type_name, name, properties, *rest)

"""The Systems Manager parameters by which the stacks tell each other of things."""

from __future__ import annotations

from aws_cdk import CfnParameter
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from definitions.names import parameter_name


def publish(scope: Construct, environment: str, name: str, value: str) -> None:
    """Publishes a value. A parameter, unlike a stack export, can change while another stack reads it."""
    title = "".join(part.title() for part in name.split("-"))
    ssm.StringParameter(
        scope, f"{title}Parameter", parameter_name=parameter_name(environment, name), string_value=value
    )


def published(scope: Construct, environment: str, name: str) -> str:
    """A value that another stack published; CloudFormation reads it at each deployment."""
    title = "".join(part.title() for part in name.split("-"))
    # Several parts of a stack may ask for the same.
    read = scope.node.try_find_child(title)
    if isinstance(read, CfnParameter):
        return read.value_as_string
    return CfnParameter(
        scope,
        title,
        type="AWS::SSM::Parameter::Value<String>",
        default=parameter_name(environment, name),
        description=f"Where another stack published its {name.replace('-', ' ')}.",
    ).value_as_string

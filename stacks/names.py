"""The names that the app fixes, and the Systems Manager parameters by which its stacks tell each other of things."""

from __future__ import annotations

from aws_cdk import CfnParameter
from aws_cdk import aws_ssm as ssm
from constructs import Construct

KINDS = ("cnn", "rnn")
VARIANT = "primary"
# What the record of releases says while no version is released.
NOT_RELEASED = "none"
# In the data bucket: what the endpoints were asked and answered.
CAPTURED_PREFIX = "captured"
# In the model bucket: the artefacts of what was released to a multi-model endpoint.
MULTI_MODEL_PREFIX = "multi-model"
# Under which name the inference stack publishes such an endpoint's name.
SHARED_ENDPOINT = "shared-endpoint"
# The inference specification of a registered version that our own container serves.
LITERT = "litert"


def parameter_name(environment: str, name: str) -> str:
    """The path of a published value."""
    return f"/recognition/{environment}/{name}"


def endpoint_name(environment: str, kind: str) -> str:
    """The endpoint and the model package group of a kind of network; applications hold on to the endpoint's name."""
    return f"recognition-{environment}-{kind}"


def shared_endpoint_name(environment: str) -> str:
    """The multi-model endpoint that serves every kind, where the settings want it in the place of the kinds' own."""
    return f"recognition-{environment}-multi-model"


def asynchronous_endpoint_name(environment: str, kind: str) -> str:
    """The second endpoint of a kind that takes its requests from S3."""
    return f"{endpoint_name(environment, kind)}-asynchronous"


def component_endpoint_name(environment: str, kind: str) -> str:
    """The second endpoint of a kind whose instances go when nobody asks."""
    return f"{endpoint_name(environment, kind)}-to-zero"


def component_name(environment: str, kind: str) -> str:
    """The inference component on that endpoint, which its callers name too."""
    return f"{endpoint_name(environment, kind)}-component"


def shadow_parameter(kind: str) -> str:
    """The inference stack's parameter that says which version shadows a kind's endpoint."""
    return f"{kind.title()}ShadowVersion"


def released_version(kind: str) -> str:
    """Under which name the inference stack publishes the version that a kind's endpoint serves."""
    return f"{kind}-released-version"


def served_model(kind: str) -> str:
    """Under which name the inference stack publishes the model of that version, where the endpoint is shared."""
    return f"{kind}-served-model"


def version_parameter(kind: str) -> str:
    """The inference stack's parameter that says which version a kind's endpoint serves."""
    return f"{kind.title()}ModelVersion"


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
    if read := scope.node.try_find_child(title):
        return read.value_as_string
    return CfnParameter(
        scope,
        title,
        type="AWS::SSM::Parameter::Value<String>",
        default=parameter_name(environment, name),
        description=f"Where another stack published its {name.replace('-', ' ')}.",
    ).value_as_string

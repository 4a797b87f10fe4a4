"""The names that the app fixes, as plain data that everything may import."""

from __future__ import annotations

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
# Of a registered version's own properties: how many channels its sequences have, where it was trained on sequences.
SEQUENCE_CHANNELS = "sequence_channels"
# The one of AWS's container for processors without a GPU; the version's own is of the one for GPUs.
CPU = "cpu"


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


def verified_release(kind: str) -> str:
    """Under which name the release state machine records the last version that answered it.

    JSON with `version` and `requested_at`, the instant of its approval; without both before there is one. The
    parameter's history is the list of releases, to which a rollback and a start after a shutdown go back.
    """
    return f"{kind}-verified-release"


def served_model(kind: str) -> str:
    """Under which name the inference stack publishes the model of that version, where the endpoint is shared."""
    return f"{kind}-served-model"


def version_parameter(kind: str) -> str:
    """The inference stack's parameter that says which version a kind's endpoint serves."""
    return f"{kind.title()}ModelVersion"

"""Which version of a network is released, as the inference stack recorded it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from definitions.names import NOT_RELEASED, endpoint_variable, released_version_variable
from lambdas.common.clients import client
from lambdas.common.errors import unavailable

# A release is noticed after this long at the latest; asking at every request would cost more than the prediction.
CHECK_SECONDS = 60


def model_group(kind: str) -> str:
    """A network's model package group, by which answers name the network; where it has its own endpoint, that too."""
    return os.environ[endpoint_variable(kind)]


def released_version(kind: str) -> str:
    """What the inference stack recorded after its last release.

    Raises:
        RequestRefused: 503 when no version is released.
        ClientError: when Systems Manager refuses.
    """
    systems_manager = client("ssm")
    name = os.environ[released_version_variable(kind)]
    try:
        version = systems_manager.get_parameter(Name=name)["Parameter"]["Value"]
    except systems_manager.exceptions.ParameterNotFound:
        version = NOT_RELEASED
    if version == NOT_RELEASED:
        raise unavailable("ModelNotReleased", f"No model of {model_group(kind)} is released yet.")
    return version


@dataclass
class ReleasedVersion:
    """One kind's released version, kept for the life of the function's environment."""

    kind: str
    version: str | None = None
    checked: float = field(default=-CHECK_SECONDS)

    def present(self) -> str:
        """The version, which was looked up within the last minute; see `released_version` for what is raised."""
        if self.version is None or time.monotonic() - self.checked >= CHECK_SECONDS:
            self.version, self.checked = released_version(self.kind), time.monotonic()
        return self.version

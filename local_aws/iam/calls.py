"""What a call takes: an action on a resource, with the keys that a policy's conditions may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from local_aws.sagemaker.names import ACCOUNT, REGION

ANY = "*"
# Begins the action of a request that stands for none that the embedded AWS knows.
UNKNOWN = "unknown:"


@dataclass(frozen=True)
class Call:
    """One thing that somebody asks to do.

    Attributes:
        action: IAM's, such as `s3:GetObject`.
        resource: an ARN, or `*` where the action has none to name.
        context: condition keys beyond those that every request has.
    """

    action: str
    resource: str = ANY
    context: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def service(self) -> str:
        """The service in the action."""
        return self.action.partition(":")[0]


def arn(service: str, resource: str) -> str:
    """An ARN of the account and region of the embedded AWS."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def log_stream(group: str, stream: str = "") -> str:
    """A stream of a log group, or the group itself, as the messages of AWS's own refusals name it."""
    return arn("logs", f"log-group:{group}:log-stream:{stream}")


def pass_role(role_arn: str, service: str) -> Call:
    """Handing a role over to a service."""
    return Call("iam:PassRole", role_arn, {"iam:PassedToService": f"{service}.amazonaws.com"})


def use_key(action: str, key_arn: str, service: str) -> Call:
    """Using a key of KMS through another service."""
    return Call(f"kms:{action}", key_arn, {"kms:ViaService": f"{service}.{REGION}.amazonaws.com"})

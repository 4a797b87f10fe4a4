"""The ARNs of the embedded SageMaker's things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local_aws.sagemaker.errors import not_found

ACCOUNT = "000000000000"
REGION = "us-east-1"


@dataclass(frozen=True)
class Names:
    """One account in one region."""

    account: str = ACCOUNT
    region: str = REGION

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a thing, for example of kind `training-job`."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name}"

    def find(self, kind: str, things: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
        """A thing of a kind by its name.

        Raises:
            ServiceError: when there is none.
        """
        if name not in things:
            raise not_found(kind, self.arn(kind, name))
        return things[name]


DEPLOYMENT = Names()
"""Where the app is deployed on the embedded AWS."""

"""The ARNs of the embedded SageMaker's things."""

from __future__ import annotations

from dataclasses import dataclass

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

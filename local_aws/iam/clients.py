"""boto3's clients of this embedded AWS, with the keys of its root or of a role."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from local_aws.keys import Keys, session_of
from local_aws.sagemaker.names import REGION

# The role of the state machine that runs on this thread, or for which this thread works.
ACTING: ContextVar[str | None] = ContextVar("acting", default=None)


class Clients:
    """Makes each client once, for any thread: boto3 makes them in one only."""

    def __init__(self, endpoint_url: str, keys: Keys, region: str = REGION) -> None:
        self.endpoint_url, self.keys, self.region = endpoint_url, keys, region
        self.made: dict[tuple[str, str | None], Any] = {}
        self.lock = threading.Lock()

    def __call__(self, service: str, role_arn: str | None = None) -> Any:
        """The client of a service for a role; without one for root, who may do everything."""
        import boto3

        with self.lock:
            if (service, role_arn) not in self.made:
                key = {
                    "AWS_ACCESS_KEY_ID": self.keys.access_key_id,
                    "AWS_SECRET_ACCESS_KEY": self.keys.secret_access_key,
                }
                if role_arn:
                    key = session_of(role_arn, role_arn, "service")
                made = boto3.client(
                    service,
                    endpoint_url=self.endpoint_url,
                    region_name=self.region,
                    **{name.lower(): value for name, value in key.items()},
                )
                # botocore makes the classes of a service's errors when they are first asked for. Two threads that ask
                # at once get two classes of one name, and who looks for the one lets the other through.
                _ = made.exceptions
                self.made[service, role_arn] = made
            return self.made[service, role_arn]


@contextmanager
def acting_as(role_arn: str) -> Iterator[None]:
    """Has what this thread asks through `ACTING` be asked as a role."""
    token = ACTING.set(role_arn)
    try:
        yield
    finally:
        ACTING.reset(token)

"""The user as whom the programs of this machine ask: an administrator, so that each of their calls is decided too.

The account's root, whose calls IAM does not decide, is this process alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from local_aws.iam.console_role import document
from local_aws.keys import Keys

NAME = "user-of-this-machine"


def keys_of_user(iam: Any, keys: Keys) -> Keys:
    """Makes the user as it has to be; the start's keys with those of the user in the place of root's."""
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=NAME)
    # What docs/first-deployment.md asks of who deploys.
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_user_policy(UserName=NAME, PolicyName="administers", PolicyDocument=document(everything))
    for older in iam.list_access_keys(UserName=NAME)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=NAME, AccessKeyId=older["AccessKeyId"])
    made = iam.create_access_key(UserName=NAME)["AccessKey"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"], keys.console_key)

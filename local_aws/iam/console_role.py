"""The role under which the console's page asks: what the console's stack lends whoever has signed in, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from console import PATHS
from local_aws.iam.calls import arn
from local_aws.keys import session_of
from local_aws.sagemaker.names import ACCOUNT

NAME = "console-of-this-machine"


def lend_keys(iam: Any, machines: Iterable[str]) -> dict[str, str]:
    """Makes the role as it has to be; keys of it for this start, as the page names them.

    Args:
        iam: client of IAM.
        machines: ARNs of the state machines that the page may start.
    """
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    }
    asked = [arn("execute-api", f"*/*/POST/{path}") for path in PATHS]
    allowed = [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": asked}]
    for machine in machines:
        runs = f"{machine.replace(':stateMachine:', ':execution:')}:*"
        allowed += [
            {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine},
            {"Effect": "Allow", "Action": "states:DescribeExecution", "Resource": runs},
        ]
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName=NAME, PolicyName="asks", PolicyDocument=document(*allowed))
    role_arn = f"arn:aws:iam::{ACCOUNT}:role/{NAME}"
    keys = session_of(role_arn, role_arn, "console")
    return {
        "accessKeyId": keys["AWS_ACCESS_KEY_ID"],
        "secretAccessKey": keys["AWS_SECRET_ACCESS_KEY"],
        "sessionToken": keys["AWS_SESSION_TOKEN"],
    }


def document(*statements: dict[str, Any]) -> str:
    """A policy of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})

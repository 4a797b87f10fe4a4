"""Roles for what no stack deploys: trusted by the services that the tests use, and allowed what a test says."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

ACCOUNT = "000000000000"
SERVICES = ("sagemaker", "lambda", "states", "events", "scheduler", "cloudformation")


def create_role(iam: Any, name: str, actions: str | list[str] = "*", resources: str | list[str] = "*") -> str:
    """A role, or what it is changed to, that may do actions on resources; its ARN."""
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {
            "Service": [f"{service}.amazonaws.com" for service in SERVICES],
            "AWS": f"arn:aws:iam::{ACCOUNT}:root",
        },
    }
    allowed = {"Effect": "Allow", "Action": actions, "Resource": resources}
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
    iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=document(allowed))
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def document(*statements: dict[str, Any]) -> str:
    """A policy of statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

"""CloudFormation updates a stack under the role that the call names, and makes nothing that this role may not."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from .roles import create_role, document

VALUE = "/of-tests/value"
TEMPLATE = {
    "Parameters": {"Given": {"Type": "String", "Default": "one"}},
    "Resources": {
        "Value": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": VALUE, "Type": "String", "Value": {"Ref": "Given"}},
        }
    },
}
WITH_A_ROLE = {
    **TEMPLATE,
    "Resources": {
        **TEMPLATE["Resources"],
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
        },
    },
}
QUICKLY = {"Delay": 1, "MaxAttempts": 60}


@pytest.fixture
def stack(client) -> str:
    """A stack of one parameter in Systems Manager."""
    name, stacks = f"stack-{uuid.uuid4().hex[:8]}", client("cloudformation")
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=QUICKLY)
    yield name
    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=QUICKLY)


def updated(client: Callable[[str], Any], stack: str, role: str, **changes: Any) -> tuple[str, str]:
    """How an update under a role ended, and why."""
    stacks = client("cloudformation")
    given = [{"ParameterKey": "Given", "ParameterValue": uuid.uuid4().hex}]
    template = {"UsePreviousTemplate": True} | changes
    stacks.update_stack(StackName=stack, RoleARN=role, Parameters=given, **template)
    while (status := stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]).endswith(
        "PROGRESS"
    ):
        time.sleep(0.05)
    events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return status, failed[-1].get("ResourceStatusReason", "") if failed else ""


def test_an_update_makes_what_its_role_may_make(client, stack):
    arn = f"arn:aws:ssm:us-east-1:000000000000:parameter{VALUE}"
    role = create_role(client("iam"), f"updates-{stack}", "ssm:PutParameter", arn)
    assert updated(client, stack, role) == ("UPDATE_COMPLETE", "")


def test_an_update_fails_for_what_its_role_may_not_make(client, stack):
    role = create_role(client("iam"), f"updates-{stack}", "ssm:GetParameter")
    status, why = updated(client, stack, role)
    assert status.startswith("UPDATE_ROLLBACK")
    assert f"assumed-role/updates-{stack}" in why and "ssm:PutParameter" in why


def test_an_update_makes_no_role_unless_its_own_may(client, stack):
    role = create_role(client("iam"), f"updates-{stack}", "ssm:*")
    changes = {"TemplateBody": json.dumps(WITH_A_ROLE), "UsePreviousTemplate": False}
    status, why = updated(client, stack, role, Capabilities=["CAPABILITY_IAM"], **changes)
    assert status.startswith("UPDATE_ROLLBACK") and "iam:CreateRole" in why


def test_who_may_update_under_one_role_may_not_under_another_or_none(aws, client, stack):
    iam = client("iam")
    right, other = (create_role(iam, f"{kind}-{stack}", "ssm:*") for kind in ("right", "other"))
    asks = create_role(iam, f"asks-{stack}", "iam:PassRole", "arn:aws:iam::000000000000:role/*")
    by_it = {"StringEquals": {"cloudformation:RoleArn": right}}
    may = {"Effect": "Allow", "Action": "cloudformation:UpdateStack", "Resource": "*", "Condition": by_it}
    iam.put_role_policy(RoleName=f"asks-{stack}", PolicyName="updates", PolicyDocument=document(may))
    keys = client("sts").assume_role(RoleArn=asks, RoleSessionName="session")["Credentials"]
    stacks = boto3.client(
        "cloudformation",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    given = [{"ParameterKey": "Given", "ParameterValue": uuid.uuid4().hex}]
    update = {"StackName": stack, "UsePreviousTemplate": True, "Parameters": given}
    for refused in ({}, {"RoleARN": other}):
        with pytest.raises(ClientError, match="not authorized to perform: cloudformation:UpdateStack"):
            stacks.update_stack(**update, **refused)
    stacks.update_stack(**update, RoleARN=right)
    client("cloudformation").get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=QUICKLY)

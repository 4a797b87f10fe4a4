"""IAM policies against the calls that are made: nothing missing, nothing idle, no wildcard that could be a name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .interpreter import called

# Actions that take no resource, or whose resource nobody can name before it exists (Service Authorization Reference).
WITHOUT_RESOURCE = {
    "cloudwatch:PutMetricData",
    "comprehend:BatchDetectDominantLanguage",
    "comprehend:BatchDetectEntities",
    "comprehend:BatchDetectKeyPhrases",
    "comprehend:BatchDetectSentiment",
    "comprehend:BatchDetectSyntax",
    "comprehend:BatchDetectTargetedSentiment",
    "comprehend:DetectDominantLanguage",
    "comprehend:DetectEntities",
    "comprehend:DetectKeyPhrases",
    "comprehend:DetectPiiEntities",
    "comprehend:DetectSentiment",
    "comprehend:DetectSyntax",
    "comprehend:DetectTargetedSentiment",
    "comprehend:DetectToxicContent",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "rekognition:CompareFaces",
    "rekognition:DetectFaces",
    "rekognition:DetectLabels",
    "rekognition:DetectModerationLabels",
    "rekognition:DetectProtectiveEquipment",
    "rekognition:DetectText",
    "rekognition:RecognizeCelebrities",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# Operations whose IAM action has another name, or another action beside it.
ACTIONS_OF = {
    ("s3", "HeadObject"): {"s3:GetObject"},
    ("s3", "ListObjectsV2"): {"s3:ListBucket"},
    ("sagemaker-runtime", "InvokeEndpoint"): {"sagemaker:InvokeEndpoint"},
    ("stepfunctions", "ListExecutions"): {"states:ListExecutions"},
}
# What Step Functions needs to wait for a job's end and to stop it (its documentation's policies for SageMaker).
OF_JOBS = {"events:PutTargets", "events:PutRule", "events:DescribeRule", "iam:PassRole"}
# Reading encrypted objects, and telling a missing one from a forbidden one.
BESIDE_READING = {"kms:Decrypt", "s3:ListBucket"}
SERVICES = ("sagemaker:", "s3:", "cloudformation:", "states:", "events:", "iam:", "kms:", "ssm:", "ec2:")


def actions_of(statement: dict) -> list[str]:
    """A statement's actions as a list."""
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def statements_of(template: dict) -> Iterator[dict]:
    """Every statement of every role's policies in a template."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if resource["Type"] == "AWS::IAM::Policy":
            documents.append(properties["PolicyDocument"])
        for document in documents if resource["Type"].startswith("AWS::IAM::") else []:
            yield from document["Statement"]


def machine_of(template: dict) -> tuple[dict[str, Any], str]:
    """The state machine's definition, and the logical id of its role."""
    (machine,) = [
        one["Properties"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::StepFunctions::StateMachine"
    ]
    definition = machine["DefinitionString"]
    if isinstance(definition, dict):
        separator, parts = definition["Fn::Join"]
        definition = separator.join(part if isinstance(part, str) else "reference" for part in parts)
    return json.loads(definition), machine["RoleArn"]["Fn::GetAtt"][0]


def allowed_to(template: dict, role: str) -> set[str]:
    """Every action that a role's policies allow."""
    return {
        action
        for one in template["Resources"].values()
        if one["Type"] == "AWS::IAM::Policy" and {"Ref": role} in one["Properties"]["Roles"]
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
        for action in actions_of(statement)
    }


def needed_by(definition: dict[str, Any]) -> set[str]:
    """The actions behind the calls of a machine's tasks."""
    needed: set[str] = set()
    for state in definition["States"].values():
        if state["Type"] != "Task":
            continue
        service, operation = called(state)
        needed |= ACTIONS_OF.get((service, operation), {f"{service}:{operation}"})
        if state["Resource"].endswith(".sync"):
            kind = operation.removeprefix("Create")
            needed |= OF_JOBS | {f"sagemaker:Describe{kind}", f"sagemaker:Stop{kind}"}
        if "Tags" in state["Arguments"]:
            needed.add("sagemaker:AddTags")
    return needed


@pytest.mark.parametrize("part", ["Training", "Release"])
def test_a_machine_may_make_exactly_the_calls_that_it_makes(templates, part):
    definition, role = machine_of(templates[part])
    allowed = {action for action in allowed_to(templates[part], role) if action.startswith(SERVICES)}
    needed = needed_by(definition)
    assert needed <= allowed, "the machine makes calls that its role does not allow"
    assert allowed - needed <= BESIDE_READING, "the role allows what the machine never does"


def test_the_machines_tasks_are_integrations_that_the_embedded_aws_has_too(templates):
    from local_aws.sagemaker.integrations import PREFIX, SDK_CALLS

    ours = {f"arn:aws:states:::aws-sdk:{name}:{call}" for name, _, calls in SDK_CALLS for call in calls}
    ours |= {f"{PREFIX}create{kind}Job.sync" for kind in ("Training", "Processing")}
    for part in ("Training", "Release"):
        tasks = [one for one in machine_of(templates[part])[0]["States"].values() if one["Type"] == "Task"]
        for resource in {task["Resource"] for task in tasks}:
            # SageMaker's own operations reach ours through ministack's JSON protocol.
            assert resource in ours or resource.startswith("arn:aws:states:::aws-sdk:sagemaker:"), resource


def test_no_role_has_an_action_with_a_wildcard(templates):
    for template in templates.values():
        for statement in statements_of(template):
            assert not [action for action in actions_of(statement) if "*" in action], statement


def test_a_wildcard_resource_stands_only_where_the_api_takes_no_other(templates):
    for part, template in templates.items():
        for statement in statements_of(template):
            resources = statement["Resource"]
            if "*" in (resources if isinstance(resources, list) else [resources]):
                assert set(actions_of(statement)) <= WITHOUT_RESOURCE, (part, statement)


def test_a_role_is_passed_to_sagemaker_alone(templates):
    passing = [
        one for part in templates.values() for one in statements_of(part) if "iam:PassRole" in actions_of(one)
    ]
    assert passing
    for statement in passing:
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_only_approvals_of_our_own_versions_start_a_release_and_only_where_the_settings_say_so(
    dev, prod, of_type
):
    from local_aws.sagemaker.registry import STATE_CHANGE, TOLD

    (rule,) = of_type(prod["Release"], "AWS::Events::Rule")
    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.sagemaker"]
    assert pattern["detail-type"] == [STATE_CHANGE]
    assert pattern["detail"] == {
        "ModelPackageGroupName": ["recognition-prod-cnn", "recognition-prod-rnn"],
        "ModelApprovalStatus": ["Approved"],
    }
    assert set(pattern["detail"]) <= set(TOLD)
    assert of_type(dev["Release"], "AWS::Events::Rule") == []

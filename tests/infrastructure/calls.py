"""Reads from a template which calls a state machine makes and which its role allows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local_aws.sagemaker.integrations import PREFIX, SDK_CALLS

from .interpreter import called

# Actions that take no resource, or whose resource nobody can name before it exists (Service Authorization Reference),
# or must not name one: SageMaker's guide on CreateProcessingJob in a VPC.
WITHOUT_RESOURCE = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "application-autoscaling:DescribeScheduledActions",
    "cloudwatch:GetMetricData",
    "cloudwatch:GetMetricStatistics",
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
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
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
    "sagemaker:ListModelPackages",
    "sagemaker:ListTrainingJobs",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# Operations whose IAM action has another name, or another action beside it.
ACTIONS_OF = {
    ("s3", "HeadObject"): {"s3:GetObject"},
    ("s3", "CopyObject"): {"s3:GetObject", "s3:PutObject"},
    ("s3", "ListObjectsV2"): {"s3:ListBucket"},
    ("sagemaker-runtime", "InvokeEndpoint"): {"sagemaker:InvokeEndpoint"},
    ("stepfunctions", "ListExecutions"): {"states:ListExecutions"},
    ("stepfunctions", "StartExecution"): {"states:StartExecution"},
}
# What Step Functions needs to wait for a job's end and to stop it (its documentation's policies for SageMaker).
OF_JOBS = {"events:PutTargets", "events:PutRule", "events:DescribeRule", "iam:PassRole"}
# What an update of a stack takes of its caller: handing the role over, and the template's published values.
OF_UPDATES = {"iam:PassRole", "ssm:GetParameters"}
# Reading and writing encrypted objects, and telling a missing one from a forbidden one.
BESIDE_READING = {"kms:Decrypt", "kms:GenerateDataKey", "s3:ListBucket"}
SERVICES = (
    *("sagemaker:", "s3:", "cloudformation:", "cloudwatch:", "states:", "events:", "iam:", "kms:", "ssm:"),
    "ec2:",
)


def actions_of(statement: dict) -> list[str]:
    """A statement's actions as a list."""
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else actions


def resources_of(statement: dict) -> list:
    """A statement's resources as a list."""
    resources = statement["Resource"]
    return resources if isinstance(resources, list) else [resources]


def statements_of(template: dict) -> Iterator[dict]:
    """Every statement of every role's policies in a template."""
    for resource in template["Resources"].values():
        if not resource["Type"].startswith("AWS::IAM::"):
            continue
        properties = resource["Properties"]
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        if resource["Type"] == "AWS::IAM::Policy":
            documents.append(properties["PolicyDocument"])
        for document in documents:
            yield from document["Statement"]


def machines_of(template: dict) -> list[tuple[dict[str, Any], str]]:
    """Each state machine's definition, and the logical id of its role."""
    return [
        (definition_of(resource["Properties"]), resource["Properties"]["RoleArn"]["Fn::GetAtt"][0])
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    ]


def machine_of(template: dict) -> tuple[dict[str, Any], str]:
    """The only state machine."""
    (machine,) = machines_of(template)
    return machine


def definition_of(machine: dict) -> dict[str, Any]:
    """A state machine's definition; what CloudFormation alone knows is called `reference` in it."""
    definition = machine["DefinitionString"]
    if isinstance(definition, dict):
        separator, parts = definition["Fn::Join"]
        definition = separator.join(part if isinstance(part, str) else "reference" for part in parts)
    return json.loads(definition)


def allowed_to(template: dict, role: str) -> set[str]:
    """Every action that a role's policies allow."""
    return {
        action
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Policy" and {"Ref": role} in resource["Properties"]["Roles"]
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
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
        if "RoleARN" in state["Arguments"]:
            needed |= OF_UPDATES
    return needed


def missing_and_idle(template: dict, definition: dict[str, Any], role: str) -> tuple[set[str], set[str]]:
    """Actions of a machine's calls that its role does not allow, and allowed ones that no call needs."""
    needed = needed_by(definition)
    allowed = {action for action in allowed_to(template, role) if action.startswith(SERVICES)}
    return needed - allowed, allowed - needed - BESIDE_READING


def needlessly_wide(templates: dict[str, dict]) -> list[tuple[str, dict]]:
    """Statements about every resource, with their parts, although their actions take narrower ones."""
    return [
        (part, statement)
        for part, template in templates.items()
        for statement in statements_of(template)
        if "*" in resources_of(statement) and not set(actions_of(statement)) <= WITHOUT_RESOURCE
    ]


def not_embedded(definition: dict[str, Any]) -> set[str]:
    """The integrations of a machine's tasks that the embedded AWS does not have."""
    ours = {f"arn:aws:states:::aws-sdk:{name}:{call}" for name, _, calls in SDK_CALLS for call in calls}
    ours |= {f"{PREFIX}create{kind}Job.sync" for kind in ("Training", "Processing")}
    used = {state["Resource"] for state in definition["States"].values() if state["Type"] == "Task"}
    return used - ours

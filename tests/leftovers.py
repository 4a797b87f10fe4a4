"""Takes the deployment away as docs/releases.md says, and lists what of it is left that the page does not name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from cli.models.removal import remove_versions
from cli.shared.project import ROOT
from cli.shared.target import Target
from definitions.names import PROJECT
from local_aws.sagemaker.names import ACCOUNT

from .removals import MADE_UP

# How each service lists what the app may have there: service, operation, the list's member and the name's, if any.
LISTS = (
    ("apigateway", "get_rest_apis", "items", "name"),
    ("cloudformation", "list_exports", "Exports", "Name"),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("events", "list_rules", "Rules", "Name"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sagemaker", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    ("sagemaker", "list_endpoints", "Endpoints", "EndpointName"),
    ("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList", "ModelPackageGroupName"),
    ("sagemaker", "list_models", "Models", "ModelName"),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", None),
    ("ssm", "describe_parameters", "Parameters", "Name"),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
)
HEADING = "## What a destroy leaves"
# What `cdk bootstrap` made.
OF_THE_BOOTSTRAP = ("cdk-", "/cdk-bootstrap/", "CdkBootstrap")


def destroy(target: Target) -> None:
    """The stacks, in the order of the documents."""
    stacks = target.client("cloudformation")
    names = [
        stack["StackName"]
        for page in stacks.get_paginator("describe_stacks").paginate()
        for stack in page["Stacks"]
        if stack["StackName"].startswith(target.stack_name(""))
    ]
    first = target.stack_name("Inference")
    for name in sorted(names, key=lambda name: (name != first, name.endswith("Storage"))):
        stacks.delete_stack(StackName=name)
        waiter = stacks.get_waiter("stack_delete_complete")
        waiter.config.delay = 0.2
        waiter.config.max_attempts = 600
        waiter.wait(StackName=name)
        if name == first:
            remove_versions(target, lambda _: None)


def leftovers(target: Target) -> Iterator[str]:
    """The names of what is there of the app, without what a deployment makes up in them."""
    for service, operation, member, name in LISTS:
        for one in getattr(target.client(service), operation)().get(member, []):
            found = re.split(f"{ACCOUNT}[:/]", one[name] if name else one)[-1]
            is_ours = PROJECT in found.lower() or found.startswith(("/aws/", "StepFunctions"))
            if is_ours and not found.startswith(OF_THE_BOOTSTRAP):
                yield MADE_UP.sub("", found)
    for key in target.client("kms").list_keys()["Keys"]:
        described = target.client("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if described["KeyState"] != "PendingDeletion":
            yield described["Arn"]


def not_named(left: Iterable[str]) -> list[str]:
    """What no row of the documents' table stands for, in which `*` stands for anything."""
    page = (ROOT / "docs" / "releases.md").read_text()
    rows = page.partition(f"\n{HEADING}\n")[2].partition("\n## ")[0]
    patterns = [
        pattern
        for row in rows.splitlines()
        if row.startswith("|")
        for pattern in re.findall(r"`([^`]+)`", row.split("|")[1])
    ]
    return sorted(one for one in left if not any(fnmatchcase(one, pattern) for pattern in patterns))

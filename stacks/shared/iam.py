"""The permissions that several stacks give, statement by statement."""

from __future__ import annotations

import re

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.settings.container_images import Image
from stacks.shared.arns import arn_of
from stacks.shared.grants import ARCHIVES, LOG_STREAMS, NO_RESOURCE, OBJECTS, Grant

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def read_objects(bucket_arn: str, *prefixes: str) -> list[Grant]:
    """Reading below prefixes of a bucket."""
    return [
        Grant(["s3:GetObject"], [f"{bucket_arn}/{prefix}*" for prefix in prefixes or ("",)], OBJECTS),
        Grant(["s3:ListBucket"], [bucket_arn]),
    ]


def read_code(stack: Stack, bucket: str) -> list[Grant]:
    """Reading every source archive that was ever deployed: a run in flight reads the one that it began with."""
    arn = stack.format_arn(service="s3", region="", account="", resource=bucket)
    return [
        Grant(["s3:GetObject"], [f"{arn}/*.gz"], ARCHIVES),
        Grant(["s3:ListBucket"], [arn]),
    ]


def service_of_this_account(scope: Construct, service: str) -> iam.ServicePrincipal:
    """A service that may take a role for what is in this account alone (AWS, the confused deputy problem)."""
    own = {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    return iam.ServicePrincipal(f"{service}.amazonaws.com", conditions=own)


def never_read_objects(bucket_arn: str, *prefixes: str) -> iam.PolicyStatement:
    """Denies reading below prefixes to a role that may read the rest of the bucket."""
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=["s3:GetObject"],
        resources=[f"{bucket_arn}/{prefix}*" for prefix in prefixes],
    )


def write_objects(bucket_arn: str, *prefixes: str) -> Grant:
    """Writing below prefixes of a bucket."""
    return Grant(
        ["s3:PutObject", "s3:AbortMultipartUpload"],
        [f"{bucket_arn}/{prefix}*" for prefix in prefixes],
        OBJECTS,
    )


def use_key(key_arn: str) -> Grant:
    """Reading and writing what the key encrypts."""
    return Grant(["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"], [key_arn])


def use_key_for_volumes(key_arn: str) -> Grant:
    """Letting SageMaker attach encrypted volumes."""
    for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    return Grant(["kms:CreateGrant"], [key_arn], conditions=for_aws)


def pass_role(role_arn: str) -> Grant:
    """Handing a role to SageMaker's jobs."""
    to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    return Grant(["iam:PassRole"], [role_arn], conditions=to_sagemaker)


def pull_image(image: Image, region: str) -> list[Grant]:
    """Pulling one of AWS's containers."""
    account, repository = image.uri(region).split(".")[0], image.repository
    return [
        Grant(PULL, [f"arn:aws:ecr:{region}:{account}:repository/{repository}"]),
        Grant(["ecr:GetAuthorizationToken"], ["*"], NO_RESOURCE),
    ]


def pull_own_image(uri: str) -> Grant:
    """Pulling an image of a registry of one's own; the token that this takes too is `pull_image`'s."""
    # After the repository comes a tag or a digest.
    registry, repository = re.split("[:@]", uri)[0].split("/", 1)
    account, _, _, region = registry.split(".")[:4]
    return Grant(PULL, [f"arn:aws:ecr:{region}:{account}:repository/{repository}"])


def write_sagemaker_logs(stack: Stack, *log_groups: str) -> list[Grant]:
    """Writing the logs and metrics of jobs and endpoints; `log_groups` are names or, with /* at the end, beginnings."""
    groups = [arn_of(stack, "logs", "log-group", sagemaker_log_group(group)) for group in log_groups]
    return [
        Grant(
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            groups,
            LOG_STREAMS,
        ),
        # The condition holds it to SageMaker's namespaces.
        Grant(
            ["cloudwatch:PutMetricData"],
            ["*"],
            NO_RESOURCE,
            {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*"]}},
        ),
    ]


def sagemaker_log_group(group: str) -> str:
    """What a log group's ARN ends in: jobs write streams of one group, each endpoint and component has a group."""
    return f"/aws/sagemaker/{group}" if group.endswith("/*") else f"/aws/sagemaker/{group}:*"


def place_network_interfaces() -> Grant:
    """Putting jobs into subnets (SageMaker's execution role permissions).

    For CreateProcessingJob the guide forbids conditions and resource filters here: its checks fail with them.
    """
    return Grant(
        [
            "ec2:CreateNetworkInterface",
            "ec2:CreateNetworkInterfacePermission",
            "ec2:DeleteNetworkInterface",
            "ec2:DeleteNetworkInterfacePermission",
            "ec2:DescribeDhcpOptions",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
        ],
        ["*"],
        NO_RESOURCE,
    )


def bucket_arn(name: str) -> str:
    """The ARN of a bucket."""
    return f"arn:aws:s3:::{name}"


def let_budgets_use(key: kms.Key) -> None:
    """Lets AWS Budgets write to a topic under the key."""
    key.add_to_resource_policy(let_budgets(key, "kms:Decrypt", "kms:GenerateDataKey", resource="*"))


def let_budgets(scope: Construct, *actions: str, resource: str) -> iam.PolicyStatement:
    """What AWS Budgets may do for this account's budgets (its user guide, SNS topics for budget notifications)."""
    stack = Stack.of(scope)
    own = stack.format_arn(service="budgets", region="", resource="*", arn_format=ArnFormat.NO_RESOURCE_NAME)
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal("budgets.amazonaws.com")],  # pyright: ignore[reportArgumentType]  # jsii
        actions=list(actions),
        resources=[resource],
        conditions={
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": own},
        },
    )

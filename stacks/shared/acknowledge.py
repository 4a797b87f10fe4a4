"""The findings of cdk-nag that are right as they are, each with its reason; a test fails when one finds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import Acknowledgment, Stack, Validations

from definitions.names import MULTI_MODEL_PREFIX, endpoint_name, stack_name
from definitions.networks import KINDS
from stacks.settings import EnvironmentSettings
from stacks.shared.iam import sagemaker_log_group

OBJECTS = "The keys below this prefix are named when a job runs; the role can do nothing else in the bucket."
NO_RESOURCE = (
    "These actions have no resource that a policy could name (Service Authorization Reference), or SageMaker's guide "
    "forbids to name one (CreateProcessingJob in a VPC)."
)
LOG_STREAMS = "SageMaker names the streams, and an endpoint's group after it; nothing else has such groups."
RUNS = "A run's name ends in its id, which nobody knows before; the kind is named in full."
VERSIONS = "A version's number is known when it is registered; the group is named in full."
STACK_ID = "A stack's ARN ends in an id that CloudFormation chooses; the stack is named in full."
ARCHIVES = "A run in flight reads the archive that it began with; an archive is named after its content."


@dataclass(frozen=True)
class Finding:
    """One finding: where, which, and why it stands.

    Attributes:
        path: of the construct, below its stack.
        rule: the rule's id in full.
        reason: what a reviewer has to know.
    """

    path: str
    rule: str
    reason: str


def account(settings: EnvironmentSettings) -> str:
    """The region and account in the middle of an ARN."""
    return f"{settings.region}:<AWS::AccountId>"


def resource(arn: str) -> str:
    """The rule against a resource with a wildcard."""
    return f"AwsSolutions-IAM5[Resource::{arn}]"


def objects(bucket: str, prefix: str = "") -> str:
    """Objects below a prefix of a bucket, which is named by its parameter."""
    return resource(f"arn:aws:s3:::<{bucket}>/{prefix}*")


def sagemaker(settings: EnvironmentSettings, kind: str, name: str) -> str:
    """SageMaker's resources of a kind whose names begin so."""
    return resource(f"arn:aws:sagemaker:{account(settings)}:{kind}/{name}*")


def log_group(settings: EnvironmentSettings, name: str) -> str:
    """The streams of one of SageMaker's log groups, or groups that begin so; see `sagemaker_log_group`."""
    return resource(f"arn:aws:logs:{account(settings)}:log-group:{sagemaker_log_group(name)}")


def inference_stack(settings: EnvironmentSettings) -> str:
    """The stack of the endpoints."""
    name = stack_name(settings.name, "Inference")
    return resource(f"arn:aws:cloudformation:{account(settings)}:stack/{name}/*")


def versions(settings: EnvironmentSettings) -> list[str]:
    """The registered versions of every kind."""
    return [sagemaker(settings, "model-package", f"{endpoint_name(settings.name, kind)}/") for kind in KINDS]


def source_archives(settings: EnvironmentSettings) -> str:
    """The archives in the bucket of CDK's own bootstrap."""
    bucket = f"cdk-hnb659fds-assets-<AWS::AccountId>-{settings.region}"
    return resource(f"arn:aws:s3:::{bucket}/*.gz")


def copied(settings: EnvironmentSettings) -> tuple[str, ...]:
    """The prefix of the artefacts that a multi-model endpoint loads; none without one."""
    return (f"{MULTI_MODEL_PREFIX}/",) if settings.inference.multi_model else ()


def each(path: str, reason: str, *rules: str) -> list[Finding]:
    """Several rules at one construct, for one reason."""
    return [Finding(f"{path}/Resource", rule, reason) for rule in rules]


def acknowledge(stack: Stack, findings: Iterable[Finding]) -> None:
    """Acknowledges the findings of one stack, each at the construct that it is about."""
    for finding in findings:
        construct = stack
        for name in finding.path.split("/"):
            construct = construct.node.find_child(name)
        Validations.of(construct).acknowledge(Acknowledgment(id=finding.rule, reason=finding.reason))

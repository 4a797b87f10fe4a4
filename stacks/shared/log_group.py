"""A log of the app: its lines age, and none of them holds what a customer sent."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.shared.acknowledge import acknowledge


def add_log_group(
    scope: Construct, construct_id: str, retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH
) -> logs.LogGroup:
    """A log group that goes with its stack."""
    group = logs.LogGroup(scope, construct_id, retention=retention, removal_policy=RemovalPolicy.DESTROY)
    encrypted = "CloudWatch Logs encrypts it under a key of its own, and no line holds what a customer sent."
    acknowledge(group, encrypted, "NIST.800.53.R5-CloudWatchLogGroupEncrypted")
    return group

"""Says at a construct why a finding of cdk-nag's about it is right as it is; a test fails when one finds nothing."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct

INLINE = "NIST.800.53.R5-IAMNoInlinePolicy"
OWN_POLICY = "The policy is this role's alone and goes with it; a managed one could be attached to others."


def acknowledge(construct: IConstruct, reason: str, *rules: str) -> None:
    """Accepts what these rules, their ids in full, find at the construct or below it."""
    for rule in rules:
        Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))


def acknowledge_alarm(alarm: IConstruct) -> None:
    """An alarm of the app has no action of its own."""
    told = "EventBridge hears of it, and the watching stack's rule tells people; an action would tell them twice."
    acknowledge(alarm, told, "NIST.800.53.R5-CloudWatchAlarmAction")

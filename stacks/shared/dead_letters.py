"""Where what could not be delivered stays to be looked at: queues at the end of a way, with nothing behind them."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.shared.acknowledge import acknowledge, acknowledge_alarm

# SQS keeps a message no longer.
KEPT = Duration.days(14)


def add_dead_letter_queue(scope: Construct, construct_id: str) -> sqs.Queue:
    """A queue that people read, under SQS's own key."""
    queue = sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=KEPT,
        removal_policy=RemovalPolicy.DESTROY,
    )
    end = "This is where failures end: people read it, and nothing behind it can fail."
    acknowledge(queue, end, "AwsSolutions-SQS3", "Serverless-SQSRedrivePolicy")
    return queue


def lost_events(scope: Construct) -> sqs.Queue:
    """The stack's queue of events that EventBridge or a schedule could not deliver; an alarm tells of the first."""
    stack = Stack.of(scope)
    queue = stack.node.try_find_child("LostEvents")
    if isinstance(queue, sqs.Queue):
        return queue
    queue = add_dead_letter_queue(stack, "LostEvents")
    alarm = cloudwatch.Alarm(
        stack,
        "EventsAreLost",
        metric=queue.metric_approximate_number_of_messages_visible(statistic="Maximum"),
        threshold=0,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description="An event reached no target; it lies in the stack's queue LostEvents",
    )
    acknowledge_alarm(alarm)
    return queue

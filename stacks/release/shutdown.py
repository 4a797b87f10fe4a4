"""Scheduled shutdown: the machine, its role and its triggers: an hourly look for idle endpoints, and office hours."""

from __future__ import annotations

import json

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from definitions.names import endpoint_name, machine_name
from definitions.networks import KINDS
from definitions.parameters import SHUTDOWN_STATE_MACHINE
from stacks.release.record import records
from stacks.release.shutdown_state_machine import (
    SHUT_DOWN,
    SHUT_DOWN_IF_IDLE,
    START,
    ShutdownContext,
    definition,
)
from stacks.release.stack import ReleaseStack
from stacks.release.update_role import update_under
from stacks.settings import EnvironmentSettings
from stacks.settings.release import OfficeHours
from stacks.shared.arns import arn_of, parameter_arn
from stacks.shared.dead_letters import lost_events
from stacks.shared.grants import NO_RESOURCE, STACK_ID, Grant, allow
from stacks.shared.iam import service_of_this_account
from stacks.shared.parameters import publish
from stacks.shared.state_machine import add_machine, target

IDLE_HOURS = 24


class ScheduledShutdown(Construct):
    """What takes endpoints away and brings them back; in the release stack, whose machine starts them."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EnvironmentSettings,
        release: ReleaseStack,
    ) -> None:
        super().__init__(scope, construct_id)
        scheduled_shutdown = settings.scheduled_shutdown
        if scheduled_shutdown is None:
            raise ValueError(f"The environment '{settings.name}' takes no endpoint away.")
        self.stack, self.settings, self.update_role = release, settings, release.update_role
        shutdown_context = ShutdownContext(
            release=release.context,
            release_machine_arn=release.machine.state_machine_arn,
            version_arns={
                kind: arn_of(self, "sagemaker", "model-package", f"{endpoint_name(settings.name, kind)}/")
                for kind in KINDS
            },
            idle_hours=scheduled_shutdown.idle_hours or IDLE_HOURS,
        )
        machine = add_machine(
            self,
            "Machine",
            definition(shutdown_context),
            # It waits for a release that changes the stack.
            Duration.seconds(2 * 3600 + 2 * settings.inference.release_seconds),
            self.grants(shutdown_context),
            name=machine_name(settings.name, "shutdown"),
        )
        publish(self.stack, settings.name, SHUTDOWN_STATE_MACHINE, machine.state_machine_arn)
        if scheduled_shutdown.idle_hours:
            self.look_for_idle_ones(machine)
        if hours := scheduled_shutdown.office_hours:
            self.keep(hours, machine)

    def grants(self, context: ShutdownContext) -> list[Grant]:
        """The machine's calls, and what CloudFormation takes of whoever calls it."""
        return [
            Grant(
                ["cloudformation:DescribeStacks"],
                [arn_of(self, "cloudformation", "stack", f"{context.release.inference_stack}/*")],
                STACK_ID,
            ),
            *update_under(self.stack, self.settings, self.update_role),
            Grant(["cloudwatch:GetMetricStatistics"], ["*"], NO_RESOURCE),
            Grant(
                ["ssm:GetParameter"],
                [parameter_arn(self, name) for name in records(self.settings.name).values()],
            ),
            Grant(["states:StartExecution"], [context.release_machine_arn]),
        ]

    def look_for_idle_ones(self, machine: stepfunctions.StateMachine) -> None:
        """Every hour."""
        for kind in KINDS:
            events.Rule(
                self,
                f"{kind.title()}Idle",
                description=f"Takes the endpoint of the {kind} away when nobody asks it",
                schedule=events.Schedule.rate(Duration.hours(1)),
                targets=[target(self, machine, {"kind": kind, "action": SHUT_DOWN_IF_IDLE})],  # pyright: ignore[reportArgumentType]  # jsii
            )

    def keep(self, hours: OfficeHours, machine: stepfunctions.StateMachine) -> None:
        """By the clock of the place, which a rule of EventBridge does not know and a schedule does."""
        role = iam.Role(self, "ClockRole", assumed_by=service_of_this_account(self, "scheduler"))  # pyright: ignore[reportArgumentType]  # jsii
        lost = lost_events(self)
        grants = [
            Grant(["states:StartExecution"], [machine.state_machine_arn]),
            Grant(["sqs:SendMessage"], [lost.queue_arn]),
        ]
        allow(role, grants)
        for kind in KINDS:
            for part, action, hour in (
                ("Wake", START, hours.start_hour),
                ("Rest", SHUT_DOWN, hours.end_hour),
            ):
                schedule = scheduler.CfnSchedule(
                    self,
                    f"{kind.title()}{part}",
                    description=f"Office hours: {action} the {kind}",
                    schedule_expression=f"cron(0 {hour} ? * {hours.days} *)",
                    schedule_expression_timezone=hours.time_zone,
                    flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
                    target=scheduler.CfnSchedule.TargetProperty(
                        arn=machine.state_machine_arn,
                        role_arn=role.role_arn,
                        dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=lost.queue_arn),
                        input=json.dumps({"kind": kind, "action": action}),
                    ),
                )
                schedule.node.add_dependency(role)

"""Blue/green deployments: how an update shifts an endpoint's traffic to its new fleet, and what takes it back."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Protocol

from local_aws.sagemaker.errors import validation_error
from local_aws.sagemaker.model_servers import Answering
from local_aws.sagemaker.shapes import now

# On AWS the waits are minutes for alarms to notice; here this part of them is waited, and alarms notice at once.
WAIT_SCALE = 0.002
LOOK_SECONDS = 0.1
# Of the instances, in percent (CanarySize and LinearStepSize of TrafficRoutingConfig).
LIMITS = {"CANARY": ("CanarySize", 0, 50), "LINEAR": ("LinearStepSize", 10, 50)}


class RolledBack(Exception):
    """A deployment was given up while both fleets were there; the message is fit for a FailureReason."""


class AlarmWatch(Protocol):
    """What tells, during an update, for which alarms it is to be rolled back."""

    def tripped(self) -> list[str]:
        """The names of those alarms now."""
        ...


class NoAlarms:
    """Where there is no CloudWatch."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def tripped(self) -> list[str]:
        """None ever."""
        return []


@dataclass(frozen=True)
class Step:
    """A part of the traffic that the new fleet gets for a while.

    Attributes:
        share: of the requests, above 0 and up to 1.
        instances: of the new fleet that get them.
        wait_seconds: how long the alarms are looked at before the next step.
        wait: the name of that wait in the policy.
    """

    share: Fraction
    instances: int
    wait_seconds: int
    wait: str

    def message(self) -> str:
        """The VariantStatus of the step, as SageMaker words it."""
        capacity = "full" if self.share == 1 else "canary"
        return (
            f"Baking for {self.wait_seconds} seconds ({self.wait}) with traffic enabled on {capacity} capacity of "
            f"{self.instances} instance(s)."
        )


@dataclass(frozen=True)
class TrafficPlan:
    """What an update does with the traffic; without a DeploymentConfig all of it changes over at once.

    Attributes:
        steps: the last one has all of the traffic.
        alarms: the names of those that roll the update back.
        timeout_seconds: the most that the steps may take, beside the start of the fleet; None where nothing is said.
    """

    steps: tuple[Step, ...]
    alarms: tuple[str, ...] = ()
    timeout_seconds: int | None = None

    @staticmethod
    def of(wanted: dict[str, Any], instances: int) -> TrafficPlan:
        """By UpdateEndpoint's DeploymentConfig for a new fleet of so many instances.

        Raises:
            ServiceError: when SageMaker would refuse it, or it is a rolling update, which is not here.
        """
        if "RollingUpdatePolicy" in wanted:
            raise validation_error(
                "The embedded AWS deploys blue/green only: name a BlueGreenUpdatePolicy in the place of the "
                "RollingUpdatePolicy."
            )
        policy = wanted.get("BlueGreenUpdatePolicy", {})
        routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
        interval, last = "WaitIntervalInSeconds", "TerminationWaitInSeconds"
        steps = [
            Step(share, math.ceil(share * instances), routing[interval], interval)
            for share in shares_of(routing, instances)
        ]
        steps.append(Step(Fraction(1), instances, policy.get(last, 0), last))
        timeout = policy.get("MaximumExecutionTimeoutInSeconds")
        waits = sum(step.wait_seconds for step in steps)
        if timeout is not None and waits >= timeout:
            raise validation_error(
                f"MaximumExecutionTimeoutInSeconds is {timeout}, and the waits alone take {waits} seconds."
            )
        alarms = wanted.get("AutoRollbackConfiguration", {}).get("Alarms", [])
        return TrafficPlan(tuple(steps), tuple(alarm["AlarmName"] for alarm in alarms), timeout)


def shares_of(routing: dict[str, Any], instances: int) -> list[Fraction]:
    """The shares of a TrafficRoutingConfiguration's steps before the last one, which has all of the traffic.

    Raises:
        ServiceError: when the size of the steps is missing or out of bounds.
    """
    if routing["Type"] == "ALL_AT_ONCE":
        return []
    name, least, most = LIMITS[routing["Type"]]
    if name not in routing:
        raise validation_error(f"The traffic routing type {routing['Type']} needs {name}.")
    size = routing[name]
    whole = 100 if size["Type"] == "CAPACITY_PERCENT" else instances
    step = Fraction(size["Value"], max(whole, 1))
    if not least <= step * 100 <= most:
        raise validation_error(
            f"{name} is {float(step):.0%} of the instances; it has to be {least} to {most} %."
        )
    # One instance cannot be split.
    if instances == 1:
        return []
    count = 1 if routing["Type"] == "CANARY" else math.ceil(1 / step) - 1
    return [step * number for number in range(1, count + 1)]


@dataclass
class Pending:
    """An update from its start to its end, and its fleet.

    Attributes:
        config: the endpoint configuration that it brings.
        variants: its variant as DescribeEndpoint will have it once it is there alone.
        requested: the update's DeploymentConfig, empty where it has none.
        server: what answers for it, once it is up.
        step: what part of the traffic it gets; None before the first.
        asked: how many requests there were since the new fleet came up, for both fleets.
    """

    config: dict[str, Any]
    variants: list[dict[str, Any]]
    requested: dict[str, Any] = field(default_factory=dict)
    plan: TrafficPlan = field(default_factory=lambda: TrafficPlan.of({}, 1))
    server: Answering | None = None
    step: Step | None = None
    asked: int = 0
    started: datetime.datetime = field(default_factory=now)
    changed: datetime.datetime = field(default_factory=now)

    @property
    def share(self) -> Fraction:
        """Of the traffic, the part that the new fleet gets."""
        return self.step.share if self.step else Fraction(0)

    def enter(self, step: Step) -> None:
        """Begins a step."""
        self.step, self.changed = step, now()

    def takes_next(self) -> bool:
        """Whether the next request is the new fleet's: of any N in a row it gets its share, to within one."""
        before = math.floor(self.asked * self.share)
        self.asked += 1
        return math.floor(self.asked * self.share) > before

    def summary(self) -> dict[str, Any]:
        """DescribeEndpoint's PendingDeploymentSummary."""
        (variant,) = self.variants
        status = {"Status": "Creating", "StatusMessage": "Launching the new fleet."}
        if self.step:
            status = {"Status": "Baking", "StatusMessage": self.step.message()}
        shown = {
            **variant,
            "CurrentWeight": variant["DesiredWeight"] * float(self.share),
            "CurrentInstanceCount": self.step.instances if self.step else 0,
            "VariantStatus": [{**status, "StartTime": self.changed}],
        }
        return {
            "EndpointConfigName": self.config["EndpointConfigName"],
            "ProductionVariants": [shown],
            "StartTime": self.started,
        }


def shift(
    plan: TrafficPlan,
    enter: Callable[[Step], None],
    look: Callable[[], None],
    *,
    wait_scale: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Takes a plan's steps; both fleets are there until it returns.

    Args:
        plan: what to do.
        enter: hears of each step when it begins.
        look: called at least at the beginning and at the end of each step; raises when the update is to be given up.
        wait_scale: the part of each wait that is waited.
        clock: tells the time in seconds.
        pause: waits for so many seconds.

    Raises:
        RolledBack: when it takes longer than it may; and whatever `look` raises.
    """
    began = clock()
    for step in plan.steps:
        enter(step)
        until = clock() + step.wait_seconds * wait_scale
        while True:
            look()
            if plan.timeout_seconds is not None and clock() - began > plan.timeout_seconds:
                raise RolledBack(
                    f"The deployment took longer than its MaximumExecutionTimeoutInSeconds of {plan.timeout_seconds}."
                )
            if (left := until - clock()) <= 0:
                break
            pause(min(left, LOOK_SECONDS))

"""How an update's traffic is divided and who decides that it goes on: no request without exactly one fleet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_aws.sagemaker.deployments import Pending, RolledBack, Step, TrafficPlan, shift
from local_aws.sagemaker.endpoints import Endpoints
from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.model_servers import Answering
from local_aws.sagemaker.models import Models
from local_aws.sagemaker.names import Names


def blue_green(kind: str, **routing: Any) -> dict[str, Any]:
    """A DeploymentConfig of a type; sizes are a number of percent."""
    sizes = {name: {"Type": "CAPACITY_PERCENT", "Value": value} for name, value in routing.items()}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": 300, **sizes},
            "TerminationWaitInSeconds": 60,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "slow"}]},
    }


@pytest.mark.parametrize(
    ("wanted", "instances", "steps"),
    [
        (blue_green("ALL_AT_ONCE"), 4, [(1, 4, 60)]),
        (blue_green("CANARY", CanarySize=10), 4, [(0.1, 1, 300), (1, 4, 60)]),
        (blue_green("LINEAR", LinearStepSize=25), 4, [(0.25, 1, 300), (0.5, 2, 300), (0.75, 3, 300), (1, 4, 60)]),
        (blue_green("LINEAR", LinearStepSize=40), 5, [(0.4, 2, 300), (0.8, 4, 300), (1, 5, 60)]),
        (blue_green("CANARY", CanarySize=10), 1, [(1, 1, 60)]),
        ({}, 4, [(1, 4, 0)]),
    ],
)  # fmt: skip
def test_the_steps_of_each_traffic_routing_with_their_waits(wanted, instances, steps):
    plan = TrafficPlan.of(wanted, instances)
    assert [(float(step.share), step.instances, step.wait_seconds) for step in plan.steps] == steps
    assert plan.alarms == (("errors", "slow") if wanted else ())


def test_a_size_in_instances_is_a_part_of_the_fleet():
    wanted = blue_green("CANARY")
    routing = wanted["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    routing["CanarySize"] = {"Type": "INSTANCE_COUNT", "Value": 1}
    assert TrafficPlan.of(wanted, 3).steps[0].share == Fraction(1, 3)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (blue_green("CANARY"), "CANARY needs CanarySize"),
        (blue_green("CANARY", CanarySize=51), "51% of the instances; it has to be 0 to 50 %"),
        (blue_green("LINEAR", LinearStepSize=9), "9% of the instances; it has to be 10 to 50 %"),
        ({"RollingUpdatePolicy": {}}, "blue/green only"),
    ],
)
def test_what_cannot_be_deployed_so_is_refused_with_a_sentence(wanted, said):
    with pytest.raises(ServiceError, match=said):
        TrafficPlan.of(wanted, 4)


def test_waits_beyond_the_timeout_are_refused():
    wanted = blue_green("LINEAR", LinearStepSize=25)
    wanted["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 960
    with pytest.raises(ServiceError, match="is 960, and the waits alone take 960 seconds"):
        TrafficPlan.of(wanted, 4)


def pending(plan: TrafficPlan | None = None) -> Pending:
    """An update of the endpoint configuration `new`, for two instances."""
    counts = dict.fromkeys(("DesiredInstanceCount", "CurrentInstanceCount"), 2)
    weights = dict.fromkeys(("DesiredWeight", "CurrentWeight"), 1.0)
    config = {"EndpointConfigName": "new", "ProductionVariants": [{"VariantName": "v", "ModelName": "m"}]}
    return Pending(config, [{"VariantName": "v", **counts, **weights}], plan=plan or TrafficPlan.of({}, 2))


@given(percent=st.integers(1, 100), before=st.integers(0, 300), asked=st.integers(1, 300))
def test_of_any_requests_in_a_row_the_new_fleet_gets_its_share_to_within_one(percent, before, asked):
    update, share = pending(), Fraction(percent, 100)
    update.enter(Step(share, 1, 300, "WaitIntervalInSeconds"))
    for _ in range(before):
        update.takes_next()
    taken = sum(update.takes_next() for _ in range(asked))
    assert abs(taken - asked * share) < 1


def test_before_the_first_step_the_new_fleet_gets_nothing():
    update = pending()
    assert not any(update.takes_next() for _ in range(50))


class Clock:
    """A time that passes by pauses alone."""

    def __init__(self) -> None:
        self.moment, self.looks = 0.0, []

    def pause(self, seconds: float) -> None:
        self.moment += seconds

    def look(self) -> None:
        self.looks.append(round(self.moment, 6))


def run(plan: TrafficPlan, clock: Clock, look: Callable[[], None] | None = None) -> list[tuple[float, float]]:
    """Takes a plan's steps at a hundredth of their waits; the share of each, and when it began."""
    entered: list[tuple[float, float]] = []

    def enter(step: Step) -> None:
        entered.append((float(step.share), clock.moment))

    shift(
        plan,
        enter,
        look or clock.look,
        wait_scale=0.01,
        clock=lambda: clock.moment,
        pause=clock.pause,
    )
    return entered


def test_each_step_waits_its_part_of_the_time_and_is_watched_to_its_end():
    clock = Clock()
    entered = run(TrafficPlan.of(blue_green("CANARY", CanarySize=10), 4), clock)
    assert entered == [(0.1, 0.0), (1.0, pytest.approx(3.0))]
    assert clock.moment == pytest.approx(3.6)
    assert {0.0, 3.0, 3.6} <= set(clock.looks)
    assert max(later - look for look, later in zip(clock.looks, clock.looks[1:], strict=False)) < 0.11


def test_the_first_look_that_finds_something_ends_it():
    clock = Clock()

    def look() -> None:
        if clock.moment >= 1:
            raise RolledBack("An alarm.")

    with pytest.raises(RolledBack, match="An alarm"):
        run(TrafficPlan.of(blue_green("CANARY", CanarySize=10), 4), clock, look)
    assert clock.moment < 1.11


def test_a_deployment_that_takes_longer_than_it_may_is_given_up():
    wanted = blue_green("CANARY", CanarySize=10)
    wanted["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    clock = Clock()

    def look() -> None:
        clock.moment += 500

    with pytest.raises(RolledBack, match="longer than its MaximumExecutionTimeoutInSeconds of 600"):
        run(TrafficPlan.of(wanted, 4), clock, look)


class Fleet(Answering):
    """A model server without a process; whoever asks it after its end has found a mistake."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.stopped, self.dead, self.answers = name, False, False, 0

    @property
    def ended(self) -> bool:
        return self.dead

    def answer(self) -> str:
        assert not self.stopped, f"The {self.name} fleet was asked after it was ended."
        time.sleep(0.002)
        assert not self.stopped, f"The {self.name} fleet was ended before it had answered."
        with self.changed:
            self.answers += 1
        return self.name

    def stop(self) -> None:
        self.stopped = True


class Watch:
    """An alarm that goes off when the new fleet has answered so often."""

    def __init__(self, fleet: Fleet, limit: int) -> None:
        self.fleet, self.limit = fleet, limit

    def tripped(self) -> list[str]:
        return ["errors"] if self.fleet.answers >= self.limit else []


class Service:
    """An endpoint that serves the configuration `old`, and can be updated to `new`."""

    def __init__(self, *, limit: int = 1_000_000, wait_scale: float = 0.001) -> None:
        models = Models(Names(), None, Path("/nowhere"), None)
        self.endpoints = Endpoints(Names(), models, None, wait_scale)
        self.old, self.new = Fleet("old"), Fleet("new")
        self.endpoints.watch_alarms = lambda names: Watch(self.new, limit if names else 1_000_000)
        fleets = iter((self.old, self.new))
        models.start_one_or_many = lambda name, variant: next(fleets)
        models.create_model(
            {"ModelName": "m", "PrimaryContainer": {"Image": "image"}, "ExecutionRoleArn": "role"}
        )
        for name in ("old", "new"):
            variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 2}
            self.endpoints.create_config({"EndpointConfigName": name, "ProductionVariants": [variant]})
        self.endpoints.create_endpoint({"EndpointName": "e", "EndpointConfigName": "old"})
        self.settled()

    def describe(self) -> dict[str, Any]:
        return self.endpoints.describe_endpoint({"EndpointName": "e"})

    def update(self, wanted: dict[str, Any], config: str = "new", **members: Any) -> None:
        request = {"EndpointName": "e", "EndpointConfigName": config, "DeploymentConfig": wanted}
        self.endpoints.update_endpoint(request | members)

    def until(self, reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not reached():
            assert time.monotonic() < deadline, self.describe()
            time.sleep(0.002)

    def settled(self) -> dict[str, Any]:
        self.until(lambda: self.describe()["EndpointStatus"] not in ("Creating", "Updating"))
        return self.describe()

    def ask(self) -> str:
        with self.endpoints.asked("e") as (server, _, _):
            return server.answer()

    def ask_until_settled(self, wanted: dict[str, Any]) -> list[str]:
        """Who answered each of the requests of four callers, from before an update until after it."""
        over = threading.Event()

        def ask() -> list[str]:
            answers = []
            while not over.is_set():
                answers.append(self.ask())
            return answers

        with ThreadPoolExecutor(4) as callers:
            asked = [callers.submit(ask) for _ in range(4)]
            try:
                self.update(wanted)
                self.settled()
                late = [self.ask() for _ in range(5)]
            finally:
                over.set()
            return [answer for future in asked for answer in future.result()] + late


def test_in_an_update_every_request_is_answered_by_exactly_one_fleet():
    service = Service()
    answers = service.ask_until_settled(blue_green("LINEAR", LinearStepSize=50))
    assert service.describe()["EndpointConfigName"] == "new"
    assert len(answers) == service.old.answers + service.new.answers
    assert answers[-5:] == ["new"] * 5
    service.until(lambda: service.old.stopped)
    assert not service.new.stopped
    service.endpoints.close()


def test_an_alarm_brings_all_traffic_back_to_the_old_fleet_and_no_request_is_lost():
    service = Service(limit=3, wait_scale=0.1)
    answers = service.ask_until_settled(blue_green("CANARY", CanarySize=50))
    described = service.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "old")
    assert described["FailureReason"] == (
        "One or more auto-rollback alarms are in the ALARM state: errors. The endpoint keeps the configuration old."
    )
    assert "PendingDeploymentSummary" not in described
    assert described["ProductionVariants"][0]["CurrentWeight"] == 1
    assert len(answers) == service.old.answers + service.new.answers
    assert service.new.answers >= 3
    assert answers[-5:] == ["old"] * 5
    service.until(lambda: service.new.stopped)
    assert not service.old.stopped
    service.endpoints.close()


def test_an_alarm_that_is_on_before_the_update_starts_no_fleet():
    service = Service(limit=0)
    service.update(blue_green("CANARY", CanarySize=50))
    assert "ALARM state: errors" in service.settled()["FailureReason"]
    assert service.endpoints.models.start_one_or_many("e", {}) is service.new, "it was not started yet"


def test_an_update_shows_what_it_does_and_what_it_did():
    service = Service(wait_scale=0.1)
    wanted = blue_green("CANARY", CanarySize=50)
    service.update(wanted)
    service.until(lambda: service.endpoints.pending["e"].step is not None)
    with pytest.raises(ServiceError, match="in-progress"):
        service.update(wanted)
    described = service.describe()
    (old,), summary = described["ProductionVariants"], described["PendingDeploymentSummary"]
    (new,) = summary["ProductionVariants"]
    assert (described["EndpointConfigName"], summary["EndpointConfigName"]) == ("old", "new")
    assert (old["CurrentWeight"], new["CurrentWeight"], new["CurrentInstanceCount"]) == (0.5, 0.5, 1)
    assert new["VariantStatus"][0]["Status"] == "Baking"
    assert [service.ask() for _ in range(4)] == ["old", "new", "old", "new"]
    service.new.dead = True
    described = service.settled()
    assert described["FailureReason"].startswith("The container of the new fleet ended while it was baking.")
    assert described["LastDeploymentConfig"] == wanted
    assert service.ask() == "old"


def test_an_endpoint_that_is_deleted_in_the_middle_takes_both_fleets_with_it():
    service = Service(wait_scale=0.1)
    service.update(blue_green("CANARY", CanarySize=50))
    service.until(lambda: service.endpoints.pending["e"].step is not None)
    service.endpoints.delete_endpoint({"EndpointName": "e"})
    with pytest.raises(ServiceError, match="not found"):
        service.ask()
    service.until(lambda: service.old.stopped and service.new.stopped)
    assert not service.endpoints.pending


def test_a_retained_number_of_instances_is_the_fleet_that_is_split():
    service = Service(wait_scale=0.003)
    wanted = {"VariantName": "v", "DesiredInstanceCount": 4}
    service.endpoints.update_weights_and_capacities(
        {"EndpointName": "e", "DesiredWeightsAndCapacities": [wanted]}
    )
    service.update(blue_green("CANARY", CanarySize=50), RetainAllVariantProperties=True)
    steps = service.endpoints.pending["e"].plan.steps
    assert [step.instances for step in steps] == [2, 4]
    assert service.settled()["ProductionVariants"][0]["CurrentInstanceCount"] == 4


@pytest.mark.parametrize("dies", [False, True])
def test_a_shadow_comes_when_the_update_ended_well_and_goes_with_one_that_did_not(dies):
    service, shadow = Service(wait_scale=0.1 if dies else 0.001), Fleet("shadow")
    service.endpoints.models.start_server = lambda name, variant, place: shadow
    variants = [
        {"VariantName": name, "ModelName": "m", "InitialInstanceCount": 2} for name in ("v", "shadow")
    ]
    service.endpoints.create_config(
        {
            "EndpointConfigName": "shadowed",
            "ProductionVariants": variants[:1],
            "ShadowProductionVariants": variants[1:],
        }
    )
    service.update(blue_green("CANARY", CanarySize=50), "shadowed")
    service.until(lambda: "e" not in service.endpoints.pending or service.endpoints.pending["e"].step)
    service.new.dead = dies
    described = service.settled()
    assert ("ShadowProductionVariants" in described, "e" in service.endpoints.shadows.shadows) == (
        not dies,
        not dies,
    )
    if dies:
        service.until(lambda: shadow.stopped)
    service.endpoints.close()


def test_the_deployment_of_before_can_be_used_again_and_the_variants_name_must_stay():
    service = Service()
    wanted = blue_green("ALL_AT_ONCE")
    service.update(wanted)
    service.settled()
    variant = {"VariantName": "another", "ModelName": "m", "InitialInstanceCount": 2}
    service.endpoints.create_config({"EndpointConfigName": "third", "ProductionVariants": [variant]})
    request = {"EndpointName": "e", "EndpointConfigName": "third", "RetainDeploymentConfig": True}
    with pytest.raises(ServiceError, match="the same variant name"):
        service.endpoints.update_endpoint(request)


def test_a_real_time_endpoint_keeps_an_instance():
    service = Service()
    wanted = {"VariantName": "v", "DesiredInstanceCount": 0}
    with pytest.raises(ServiceError, match="needs an instance"):
        service.endpoints.update_weights_and_capacities(
            {"EndpointName": "e", "DesiredWeightsAndCapacities": [wanted]}
        )


def test_whatever_goes_wrong_an_update_ends():
    service = Service()

    def broken(name: str, variant: dict[str, Any]) -> Fleet:
        raise RuntimeError("Nobody thought of it.")

    service.endpoints.models.start_one_or_many = broken
    service.update(blue_green("CANARY", CanarySize=50))
    described = service.settled()
    assert described["EndpointStatus"] == "InService" and "Nobody thought of it" in described["FailureReason"]
    assert not service.endpoints.pending


def test_requests_that_the_new_fleet_answers_are_load_of_the_endpoint_too():
    service = Service(wait_scale=0.1)
    service.update(blue_green("CANARY", CanarySize=50))
    service.until(lambda: service.endpoints.pending["e"].step is not None)
    with service.endpoints.asked("e") as (first, _, _), service.endpoints.asked("e") as (second, _, _):
        assert (first.name, second.name) == ("old", "new")
        assert service.endpoints.load_of("e") == (2, 2)
    service.new.dead = True
    service.settled()


def test_an_endpoint_made_anew_in_the_middle_of_an_update_keeps_its_own_fleet():
    service, third = Service(wait_scale=0.1), Fleet("third")
    service.update(blue_green("CANARY", CanarySize=50))
    service.until(lambda: service.endpoints.pending["e"].step is not None)
    may_start = threading.Event()
    service.endpoints.models.start_one_or_many = lambda name, variant: may_start.wait(120) and third
    service.endpoints.delete_endpoint({"EndpointName": "e"})
    service.endpoints.create_endpoint({"EndpointName": "e", "EndpointConfigName": "old"})
    service.until(lambda: service.old.stopped and service.new.stopped)
    may_start.set()
    assert service.settled()["EndpointStatus"] == "InService"
    assert service.ask() == "third"
    assert not service.endpoints.pending


def test_an_update_that_is_refused_before_it_begins_leaves_the_endpoint_as_it_was():
    service = Service()
    asked = []

    def refuse(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        asked.append((name, before["EndpointConfigName"], after["EndpointConfigName"]))
        raise ServiceError("ValidationException", "Not while it scales.")

    service.endpoints.before_update = refuse
    with pytest.raises(ServiceError, match="Not while it scales"):
        service.update({})
    assert asked == [("e", "old", "new")]
    assert (service.describe()["EndpointStatus"], service.ask()) == ("InService", "old")

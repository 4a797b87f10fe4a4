"""A load test asks on time, tells what is held and what it costs, and refuses what could cost too much."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import pytest

from advisor.prices import PriceTable, price_table
from cli.load.endpoint import Fleet, asker, fleet_of, require_within
from cli.load.open_loop import ANSWERED, Step, ask_at, due_times
from cli.load.question import request_of
from cli.load.report import Wanted, facts, held_rate, instances_for, sentences
from cli.shared.errors import CommandFailed

from .stubbed_target import StubbedTarget

GPU = "ml.g4dn.xlarge"
FLEET = Fleet("recognition-dev-cnn", GPU, instances=2, most_instances=6, usd_per_hour=0.72)


def step(rate: float, *, milliseconds: float = 50.0, failed: int = 0, busy: float = 0.1) -> Step:
    asked = int(rate * 10)
    outcomes = Counter({ANSWERED: asked - failed, "429 ThrottlingException": failed})
    return Step(rate, asked, 10.0, outcomes, [milliseconds / 1000] * (asked - failed), busy)


def test_requests_are_due_at_the_rate_on_average():
    times = due_times(50.0, 100.0, random.Random(0))
    assert len(times) == pytest.approx(5_000, rel=0.05)
    assert times == sorted(times)
    assert times[-1] < 100.0


def test_a_slow_answer_does_not_hold_the_next_requests_back():
    together, most, lock = 0, 0, threading.Lock()
    enough = threading.Event()

    def ask() -> str:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
            if together == 5:
                enough.set()
        enough.wait(30)
        return ANSWERED

    found = ask_at(ask, 100.0, 0.5, connections=100, grace_seconds=60)
    assert most >= 5
    assert found.outcomes == {ANSWERED: found.asked}


def test_who_waits_for_a_free_connection_waits_in_the_latency():
    def ask() -> str:
        time.sleep(0.05)
        return ANSWERED

    found = ask_at(ask, 100.0, 0.3, connections=1, grace_seconds=60)
    assert found.asked > 10
    assert max(found.latencies) >= 0.05 * found.asked - 0.3


def test_what_is_not_answered_in_time_is_told_apart_from_errors():
    never = threading.Event()
    outcomes = iter([ANSWERED, "500 ModelError"])

    def ask() -> str:
        if outcome := next(outcomes, None):
            return outcome
        never.wait(30)
        return ANSWERED

    try:
        found = ask_at(ask, 100.0, 0.2, connections=4, grace_seconds=0.1)
    finally:
        never.set()
    assert found.outcomes == {ANSWERED: 1, "500 ModelError": 1}
    assert found.unanswered == found.asked - 2 > 0


def test_a_fault_in_asking_is_not_swallowed():
    def ask() -> str:
        raise ValueError("a fault of our own")

    with pytest.raises(ValueError, match="a fault of our own"):
        ask_at(ask, 50.0, 0.2, connections=2)


def test_the_held_rate_is_below_the_first_that_was_too_much():
    steps = [step(40), step(10), step(20, milliseconds=900)]
    assert held_rate(steps, Wanted(200)) == 10


@pytest.mark.parametrize(("failed", "held"), [(0, 100), (1, 100), (2, None)])
def test_a_rate_with_more_than_a_thousandth_failed_is_not_held(failed, held):
    assert held_rate([step(100, failed=failed)], Wanted(200)) == held


def test_a_target_needs_instances_that_are_used_as_autoscaling_uses_them():
    assert instances_for(140.0, held=20.0, instances=1) == 10
    assert instances_for(140.0, held=20.0, instances=2) == 20
    assert instances_for(141.0, held=20.0, instances=1) == 11


def test_a_thousand_answers_cost_the_fleets_time_for_them():
    # 2 instances at 0.72 an hour answer 100 a second: 10 s of 2 × 0.0002 US dollars a second.
    assert FLEET.usd_per_thousand(100.0, 0.05) == pytest.approx(0.004)


def test_a_thousand_answers_of_a_serverless_endpoint_cost_their_own_time():
    serverless = Fleet("e", None, instances=1, most_instances=5, usd_per_hour=0.144)
    assert serverless.usd_per_thousand(100.0, 0.05) == pytest.approx(0.144 / 3600 * 0.05 * 1000)


def test_a_load_may_cost_what_all_that_may_start_costs_until_it_goes():
    usd = FLEET.most_usd(600)
    assert usd == pytest.approx(0.72 / 3600 * (6 * 600 + 4 * 4_500))
    require_within(FLEET, 600, usd + 0.01)
    with pytest.raises(CommandFailed, match="may cost 4.32 US dollars, above the limit of 1.00"):
        require_within(FLEET, 600, 1.0)


def test_no_limit_can_be_kept_where_the_price_is_unknown():
    with pytest.raises(CommandFailed, match="unknown, so no limit can be kept"):
        require_within(Fleet("e", "ml.x", 1, 1, None), 1, 1_000)


def test_the_report_counts_instances_and_says_what_stands_in():
    target = StubbedTarget(is_embedded=True)
    found = facts([step(10), step(20, milliseconds=900)], FLEET, Wanted(200, target_rate=70))
    said = " ".join(sentences(found, target))
    assert found["held_rate"] == 10
    assert found["instances_for_target"] == 20
    assert f"70 requests a second need 20 × {GPU}" in said
    assert f"This machine stands in for the {GPU}" in said


def test_the_report_says_when_the_asking_machine_was_the_limit():
    found = facts([step(10, busy=0.95)], FLEET, Wanted(200))
    assert any("busy with asking" in sentence for sentence in sentences(found, StubbedTarget()))


def test_a_captured_load_is_said_to_be_in_what_the_drift_job_reads():
    found = facts([step(10)], Fleet("e", GPU, 1, 1, 0.7, captures=True), Wanted(200))
    assert any("drift job" in sentence for sentence in sentences(found, StubbedTarget()))


def described(
    target: StubbedTarget, variant: dict, *, status: str = "InService", most: int | None = None
) -> None:
    """Lets the stubs tell of an endpoint with this variant, which scales to so many instances."""
    name, when = "recognition-dev-cnn", "2026-11-30"
    arn = "arn:aws:sagemaker:us-east-1:111122223333"
    target.stubs["sagemaker"].add_response(
        "describe_endpoint",
        {
            "EndpointName": name,
            "EndpointArn": f"{arn}:endpoint/{name}",
            "EndpointConfigName": "configuration",
            "EndpointStatus": status,
            "ProductionVariants": [{"VariantName": "primary", "CurrentInstanceCount": 2}],
            "CreationTime": when,
            "LastModifiedTime": when,
        },
        {"EndpointName": name},
    )
    target.stubs["sagemaker"].add_response(
        "describe_endpoint_config",
        {
            "EndpointConfigName": "configuration",
            "EndpointConfigArn": f"{arn}:endpoint-config/configuration",
            "ProductionVariants": [{"VariantName": "primary", **variant}],
            "CreationTime": when,
        },
        {"EndpointConfigName": "configuration"},
    )
    scalable = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{name}/variant/primary",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 1,
        "MaxCapacity": most,
        "RoleARN": "arn:aws:iam::111122223333:role/scaling",
        "CreationTime": when,
    }
    target.stubs["application-autoscaling"].add_response(
        "describe_scalable_targets", {"ScalableTargets": [scalable] if most else []}
    )


def test_the_fleet_may_grow_to_what_autoscaling_allows():
    target = StubbedTarget()
    described(target, {"InstanceType": GPU, "ModelName": "m"}, most=5)
    fleet = fleet_of(target, "cnn", price_table("us-east-1"))
    assert (fleet.instances, fleet.most_instances) == (2, 5)
    assert fleet.usd_per_hour == pytest.approx(0.736, rel=0.01)


def test_a_serverless_place_is_paid_for_by_its_memory():
    target = StubbedTarget()
    described(target, {"ModelName": "m", "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}})
    fleet = fleet_of(target, "cnn", price_table("us-east-1"))
    assert (fleet.instance_type, fleet.most_instances) == (None, 5)
    assert fleet.usd_per_hour == pytest.approx(2 * 3600 * 0.00002)


def test_a_changing_endpoint_is_not_measured():
    target = StubbedTarget()
    described(target, {"InstanceType": GPU, "ModelName": "m"}, status="Updating")
    with pytest.raises(CommandFailed, match="is Updating. Wait until it is InService"):
        fleet_of(target, "cnn", PriceTable([], "us-east-1"))


def test_an_endpoint_that_is_not_there_wants_a_release():
    target = StubbedTarget()
    target.stubs["sagemaker"].add_client_error(
        "describe_endpoint", "ValidationException", 'Could not find endpoint "x".'
    )
    target.stubs["sagemaker"].add_response("list_model_packages", {"ModelPackageSummaryList": []})
    with pytest.raises(
        CommandFailed, match=r"(?s)no version is released\..*train cnn.*release cnn.*--from FOLDER"
    ):
        fleet_of(target, "cnn", PriceTable([], "us-east-1"))


def test_a_file_of_the_other_network_is_refused_before_anything_is_asked(tmp_path):
    (tmp_path / "review.txt").write_text("A fine film.")
    assert request_of("rnn", tmp_path / "review.txt")["ContentType"] == "text/plain"
    with pytest.raises(CommandFailed, match="the cnn reads image/png"):
        request_of("cnn", tmp_path / "review.txt")


def test_an_error_of_the_endpoint_is_an_outcome():
    target = StubbedTarget()
    target.stubs["sagemaker-runtime"].add_client_error(
        "invoke_endpoint", "ThrottlingException", http_status_code=429
    )
    ask = asker(target, FLEET, request_of("cnn", None), connections=1)
    assert ask() == "429 ThrottlingException"

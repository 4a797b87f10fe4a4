"""Updates of an endpoint by real servers: what a canary and steps do, and what brings the old model back."""

from __future__ import annotations

import uuid
from typing import Any

import psutil
import pytest

from .endpoint import Endpoint

# At the embedded AWS's pace seven seconds, which no test waits out but the one whose update succeeds.
LONGEST_WAIT = 3_600
FAILING = """

def input_handler(data, context):
    raise RuntimeError("This version answers nobody.")
"""


def half(
    kind: str, *alarms: str, wait_seconds: int = LONGEST_WAIT, last_seconds: int = LONGEST_WAIT
) -> dict[str, Any]:
    """A DeploymentConfig whose first step is half of the traffic."""
    size = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}[kind]
    routing = {
        "Type": kind,
        "WaitIntervalInSeconds": wait_seconds,
        size: {"Type": "CAPACITY_PERCENT", "Value": 50},
    }
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": last_seconds}
    watched = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}
    return {"BlueGreenUpdatePolicy": policy, **(watched if alarms else {})}


@pytest.fixture(scope="module")
def endpoint(client, bucket, artefact) -> Endpoint:
    """An endpoint of two instances whose model answers with the text's length."""
    made = Endpoint(client, bucket)
    made.old = made.configure(artefact(1.0), instances=2)
    made.sagemaker.create_endpoint(EndpointName=made.name, EndpointConfigName=made.old)
    assert made.settled()["EndpointStatus"] == "InService"
    return made


def update(endpoint: Endpoint, config: str, wanted: dict[str, Any]) -> None:
    """Begins an update."""
    endpoint.sagemaker.update_endpoint(
        EndpointName=endpoint.name, EndpointConfigName=config, DeploymentConfig=wanted
    )


def share_of_new(description: dict[str, Any]) -> float:
    """The part of the traffic that a pending fleet gets."""
    variants = description.get("PendingDeploymentSummary", {}).get("ProductionVariants", [])
    return sum(variant["CurrentWeight"] for variant in variants)


def put_alarm(client: Any, metric: str, dimensions: dict[str, str], namespace: str) -> str:
    """An alarm like the inference stack's on a metric; its name."""
    name = f"alarm-{uuid.uuid4().hex[:8]}"
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=2,
        DatapointsToAlarm=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    return name


def test_server_errors_of_a_new_version_set_off_the_alarm_and_the_old_one_stays(
    client, endpoint, artefact, callers
):
    dimensions = {"EndpointName": endpoint.name, "VariantName": "primary"}
    alarm = put_alarm(client, "Invocation5XXErrors", dimensions, "AWS/SageMaker")

    def ask() -> float | str:
        try:
            return endpoint.score(b"ab")
        except endpoint.runtime.exceptions.ModelError as error:
            return str(error.response["OriginalStatusCode"])

    with callers(ask) as got:
        update(endpoint, endpoint.configure(artefact(1.0, also=FAILING), instances=2), half("CANARY", alarm))
        description = endpoint.settled()
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", endpoint.old)
    assert alarm in description["FailureReason"]
    assert set(got) == {2.0, "500"}, (
        "each got the old model's answer or the new one's error, and nothing else"
    )
    assert [endpoint.score(b"ab") for _ in range(4)] == [2.0] * 4
    description = client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    assert description[0]["StateValue"] == "ALARM"


def test_an_alarm_that_is_on_already_lets_no_new_version_in(client, endpoint):
    alarm = put_alarm(client, "Broken", {}, "Recognition/Tests")
    client("cloudwatch").put_metric_data(
        Namespace="Recognition/Tests", MetricData=[{"MetricName": "Broken", "Value": 1}]
    )
    update(endpoint, endpoint.configure(b"never looked at", instances=2), half("CANARY", alarm))
    description = endpoint.settled()
    assert (description["EndpointConfigName"], description["FailureReason"].count(alarm)) == (endpoint.old, 1)


def test_steps_follow_each_other_and_a_fleet_that_dies_gives_the_traffic_back(aws, endpoint, artefact):
    config = endpoint.configure(artefact(10.0), instances=2)
    update(endpoint, config, half("LINEAR", wait_seconds=500))
    assert share_of_new(endpoint.once(lambda description: share_of_new(description) > 0)) == 0.5
    endpoint.once(lambda description: share_of_new(description) == 1)
    assert endpoint.score(b"ab") == 20.0
    servers = [
        child
        for child in psutil.Process(aws.process_id).children(recursive=True)
        if endpoint.name in " ".join(child.cmdline()) and "local_aws.serving" in child.cmdline()
    ]
    max(servers, key=lambda server: server.create_time()).kill()
    description = endpoint.settled()
    assert (description["EndpointStatus"], description["EndpointConfigName"]) == ("InService", endpoint.old)
    assert "ended while it was baking" in description["FailureReason"]
    assert endpoint.score(b"ab") == 2.0


def test_a_canary_gets_its_part_of_the_requests_and_then_all_of_them(endpoint, artefact):
    config, wanted = (
        endpoint.configure(artefact(10.0), instances=2),
        half("CANARY", wait_seconds=2_500, last_seconds=0),
    )
    update(endpoint, config, wanted)
    description = endpoint.once(lambda description: share_of_new(description) > 0)
    scores = [endpoint.score(b"ab") for _ in range(6)]
    (old,), (new,) = (
        one["ProductionVariants"] for one in (description, description["PendingDeploymentSummary"])
    )
    assert (old["CurrentWeight"], new["CurrentWeight"], new["CurrentInstanceCount"]) == (0.5, 0.5, 1)
    assert sorted(scores) == [2.0] * 3 + [20.0] * 3
    description = endpoint.settled()
    assert (description["EndpointConfigName"], "FailureReason" in description) == (config, False)
    assert description["LastDeploymentConfig"] == wanted
    assert endpoint.score(b"ab") == 20.0

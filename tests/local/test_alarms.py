"""An alarm on the embedded AWS sees the metric of its own dimensions alone, and EventBridge hears when it changes."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from .conftest import ROLE

NAMESPACE = "Recognition/Tests"


@pytest.fixture
def alarms(client) -> dict[str, str]:
    """An alarm on the same metric of two endpoints; their names."""
    names = {kind: f"{kind}-{uuid.uuid4().hex[:8]}" for kind in ("cnn", "rnn")}
    for name in names.values():
        client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            Namespace=NAMESPACE,
            MetricName="Drift",
            Dimensions=[{"Name": "EndpointName", "Value": name}],
            Statistic="Maximum",
            Period=86_400,
            EvaluationPeriods=1,
            Threshold=0.25,
            ComparisonOperator="GreaterThanThreshold",
        )
    return names


def test_a_rule_on_an_alarm_starts_its_target_once_and_for_no_other_alarm(client, alarms, ended_execution):
    states, events = client("stepfunctions"), client("events")
    definition = {"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}}
    machine = states.create_state_machine(
        name=alarms["rnn"], definition=json.dumps(definition), roleArn=ROLE
    )["stateMachineArn"]
    pattern = {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": list(alarms.values()), "state": {"value": ["ALARM"]}},
    }
    events.put_rule(Name=alarms["rnn"], EventPattern=json.dumps(pattern))
    events.put_targets(Rule=alarms["rnn"], Targets=[{"Id": "1", "Arn": machine, "RoleArn": ROLE}])

    def measure(value: float) -> None:
        dimensions = [{"Name": "EndpointName", "Value": alarms["rnn"]}]
        datum = {"MetricName": "Drift", "Dimensions": dimensions, "Value": value}
        client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[datum])

    measure(0.1)
    measure(0.9)
    # It is in alarm already, so nothing changes.
    measure(0.8)
    described = client("cloudwatch").describe_alarms(AlarmNames=list(alarms.values()))["MetricAlarms"]
    assert {alarm["AlarmName"]: alarm["StateValue"] for alarm in described} == {
        alarms["rnn"]: "ALARM",
        alarms["cnn"]: "INSUFFICIENT_DATA",
    }
    deadline = time.monotonic() + 240
    while not (listed := states.list_executions(stateMachineArn=machine)["executions"]):
        assert time.monotonic() < deadline, "The rule started nothing."
        time.sleep(0.1)
    (execution,) = listed
    event = json.loads(ended_execution(states, execution["executionArn"])["input"])
    assert event["detail"]["alarmName"] == alarms["rnn"]
    assert event["detail"]["previousState"]["value"] == "OK"
    assert event["resources"] == [
        next(alarm["AlarmArn"] for alarm in described if alarm["AlarmName"] == alarms["rnn"])
    ]

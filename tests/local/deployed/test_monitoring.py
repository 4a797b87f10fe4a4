"""What is watched acts: an alarm of a drift starts the training machine, and labels told to the API are joined."""

from __future__ import annotations

import datetime
import json
import time

from stacks.monitoring.drift_state_machine import INPUT_DRIFT, LABELS, NAMESPACE

from .asking import client_of


def test_the_alarm_of_a_drift_starts_a_training_run_of_that_network_and_of_no_other(
    target, upgrade, ended_execution
):
    states, machine = target.client("stepfunctions"), target.parameter("training-state-machine-arn")

    def executions() -> set[str]:
        return {
            execution["executionArn"]
            for execution in states.list_executions(stateMachineArn=machine)["executions"]
        }

    before = executions()
    dimensions = [{"Name": "EndpointName", "Value": "recognition-dev-rnn"}]
    figure = {"MetricName": INPUT_DRIFT, "Dimensions": dimensions}
    cloudwatch = target.client("cloudwatch")
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[figure | {"Value": 0.1}])
    cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[figure | {"Value": 0.9}])
    deadline = time.monotonic() + 240
    while not (started := executions() - before):
        assert time.monotonic() < deadline, "No run began."
        time.sleep(0.2)
    (execution,) = started
    ended = ended_execution(states, execution)
    place = f"s3://{target.parameter('data-bucket')}/no-reviews-yet"
    assert json.loads(ended["input"]) == {"kind": "rnn", "data_s3_uri": place}
    # Its data is not there yet, which is all that keeps it from training.
    assert (ended["status"], "no-reviews-yet" in ended["cause"]) == ("FAILED", True)
    assert executions() - before == {execution}


def test_a_label_told_to_the_api_is_joined_by_the_daily_job_with_its_answer(
    target, upgrade, released, ended_execution
):
    client, states = client_of(target), target.client("stepfunctions")
    asked_at = datetime.datetime.now(datetime.UTC)
    answer = client.text_class("A wonderful film, number 7.")
    taken = client.labels("text-class", {answer.details["request_id"]: answer.results[0].label})
    (machine,) = (
        resource["PhysicalResourceId"]
        for resource in target.client("cloudformation").describe_stack_resources(
            StackName="Recognition-dev-Watching"
        )["StackResources"]
        if resource["ResourceType"] == "AWS::StepFunctions::StateMachine"
    )
    measured_at = asked_at + datetime.timedelta(days=taken["compared_after_days"])
    request = {"kind": "rnn", "time": f"{measured_at:%Y-%m-%dT%H:%M:%SZ}", "against": LABELS}
    execution = states.start_execution(stateMachineArn=machine, input=json.dumps(request))["executionArn"]
    ended = ended_execution(states, execution)
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    drift = json.loads(ended["output"])["drift"]
    assert (drift["samples"], drift["unread"], drift["unknown"]) == (1, 0, 0)
    assert drift["answered"] >= 1

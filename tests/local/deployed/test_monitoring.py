"""What is watched acts: the alarm of a drift starts the training machine, by the rule that the settings ask for."""

from __future__ import annotations

import json
import time

from stacks.monitoring.drift_state_machine import INPUT_DRIFT, NAMESPACE


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

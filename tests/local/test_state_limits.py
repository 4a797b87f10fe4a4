"""A state machine meets Step Functions' limits on the embedded AWS."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from local_aws import state_limits

from .conftest import ROLE

LARGE = state_limits.STATE_BYTES


@pytest.fixture
def run(client, ended_execution):
    """Runs a machine of one state to its end; returns the description of its execution."""

    def once(state: dict[str, Any], **others: Any) -> dict[str, Any]:
        states = client("stepfunctions")
        definition = {"QueryLanguage": "JSONata", "StartAt": "Only", "States": {"Only": state, **others}}
        machine = states.create_state_machine(
            name=f"limits-{uuid.uuid4().hex[:8]}", definition=json.dumps(definition), roleArn=ROLE
        )["stateMachineArn"]
        return ended_execution(states, states.start_execution(stateMachineArn=machine)["executionArn"])

    return once


@pytest.mark.parametrize(("bytes_", "status"), [(LARGE, "SUCCEEDED"), (LARGE + 1, "FAILED")])
def test_a_state_has_an_output_of_so_many_bytes(run, bytes_, status):
    # The two quotation marks count.
    grown = {"Type": "Pass", "Output": f"{{% $pad('', {bytes_ - 2}, 'x') %}}", "End": True}
    ended = run(grown)
    assert ended["status"] == status
    if status == "FAILED":
        assert ended["error"] == "States.DataLimitExceeded"


def test_no_catcher_of_all_errors_catches_a_result_that_is_too_large(run, client, bucket):
    client("s3").put_object(Bucket=bucket, Key="large", Body=b"x" * LARGE)
    read = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": bucket, "Key": "large"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        "End": True,
    }
    ended = run(read, Caught={"Type": "Succeed"})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")

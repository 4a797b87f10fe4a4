"""What Step Functions holds of an execution, and which of its errors a rule for all errors is not for."""

from __future__ import annotations

import pytest
from ministack.services import stepfunctions

from local_aws import state_limits


def test_a_history_is_full_at_25000_events_and_still_tells_the_end():
    execution = {"events": [{}] * 24_999}
    state_limits.add_event_within_limits(execution, "PassStateEntered")
    with pytest.raises(stepfunctions._ExecutionError) as ended:
        state_limits.add_event_within_limits(execution, "PassStateExited")
    assert "maximum number of history events (25000)" in ended.value.cause
    state_limits.add_event_within_limits(execution, "ExecutionFailed")
    assert len(execution["events"]) == 25_001


@pytest.mark.parametrize(
    ("error_equals", "error", "is_for_it"),
    [
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.TaskFailed"], "States.DataLimitExceeded", False),
        (["States.ALL"], "States.Runtime", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.ALL"], "States.TaskFailed", True),
        (["States.TaskFailed"], "SageMaker.AmazonSageMakerException", True),
    ],
)
def test_a_rule_for_all_errors_is_not_for_those_that_end_an_execution(error_equals, error, is_for_it):
    assert state_limits.matches(error_equals, error) is is_for_it

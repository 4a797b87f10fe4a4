"""What Step Functions holds: so many bytes between states, and so many events in an execution's history."""

from __future__ import annotations

from typing import Any

from ministack.services import stepfunctions

# Step Functions quotas: input or output of a task, state or execution, and the history of a Standard execution.
STATE_BYTES = 262_144
EVENTS = 25_000
# An execution's own end is told in any case.
ENDS = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
# Errors that States.ALL and States.TaskFailed do not stand for (Step Functions developer guide, Handling errors).
NOT_CAUGHT_BY_ALL = ("States.DataLimitExceeded", "States.Runtime")
TOO_LARGE = "States.DataLimitExceeded"

add_event, error_matches = stepfunctions._add_event, stepfunctions._error_matches


def install() -> None:
    """Takes the places of ministack's functions."""
    stepfunctions._add_event = add_event_within_limits
    stepfunctions._error_matches = matches


def add_event_within_limits(
    execution: dict[str, Any], event_type: str, details: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Adds an event to an execution's history, and ends what is too large or too long.

    Raises:
        _ExecutionError: as Step Functions ends a task, or the execution.
    """
    if event_type not in ENDS:
        if len(execution["events"]) >= EVENTS:
            raise stepfunctions._ExecutionError(
                "States.Runtime", f"The execution reached the maximum number of history events ({EVENTS})."
            )
        for told in (details or {}).values():
            for part in ("input", "output"):
                if len(str(told.get(part, "")).encode()) > STATE_BYTES:
                    raise stepfunctions._ExecutionError(
                        TOO_LARGE,
                        f"The state/task '{told.get('name') or told.get('resource')}' returned a result with a size "
                        f"exceeding the maximum number of bytes service limit ({STATE_BYTES}).",
                    )
    return add_event(execution, event_type, details)


def matches(error_equals: list[str], error: str) -> bool:
    """Whether a retrier or catcher is for an error."""
    return error in error_equals if error in NOT_CAUGHT_BY_ALL else error_matches(error_equals, error)

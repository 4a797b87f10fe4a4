"""The states that change a version parameter of the inference stack and follow the update to its end."""

from __future__ import annotations

from typing import Any

from definitions.names import version_parameter
from definitions.networks import KINDS
from stacks.shared.asl import choice, jsonata, lookup, retrier, task

# Between two looks: a twentieth of the time since the execution began, within these bounds. A first release is seen
# soon, and one that waits for half a day stays far below the 25,000 events of an execution (Step Functions quotas).
SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 3, 60
CONNECTION_ERROR = "CloudFormation.SdkClientException"
AGE_SECONDS = "(($millis() - $toMillis($states.context.Execution.StartTime)) / 1000)"


def wait(then: str) -> dict[str, Any]:
    """A pause before something is looked at again."""
    seconds = f"$max([{SHORTEST_WAIT_SECONDS}, $min([{LONGEST_WAIT_SECONDS}, $floor({AGE_SECONDS} / 20)])])"
    return {"Type": "Wait", "Seconds": jsonata(seconds), "Next": then}


def stack_update(
    inference_stack: str,
    name: str,
    version: str,
    *,
    before: str,
    refused: str,
    role_arn: str,
    first: str | None = None,
) -> dict[str, Any]:
    """The states that set the version parameter to `version` and follow the update to its end.

    Args:
        inference_stack: name of the stack.
        name: of the updating state; the others are named after it.
        version: the parameter's new value, as an expression.
        before: the state after an update that ended well.
        refused: the state after one that CloudFormation rolled back.
        role_arn: under which CloudFormation updates; it may do less than the one with which the stack was deployed.
        first: the state that decides, whenever the stack is free, whether to update it; the update itself by default.
    """
    parameter = lookup({kind: version_parameter(kind) for kind in KINDS})
    describe = "DescribeStack" if name == "Update" else f"DescribeFor{name}"
    stack = "$states.result.Stacks[0]"
    held = f"{stack}.Parameters[ParameterKey = {parameter}].ParameterValue"
    # What the endpoint goes back to is known before the first update alone.
    known = {"previous": f"$exists({held}) ? {held} : ''"} if name == "Update" else {}
    changed = f"{stack}.LastUpdatedTime"
    if first:
        known["changed"] = f"$exists({changed}) ? {changed} : {stack}.CreationTime"
    named = {"StackName": inference_stack}
    new = f"{{'ParameterKey': ParameterKey, 'ParameterValue': {version}}}"
    same = "{'ParameterKey': ParameterKey, 'UsePreviousValue': true}"
    return {
        describe: task(
            "cloudformation:describeStacks",
            named,
            {"status": f"{stack}.StackStatus", "parameters": f"{stack}.Parameters", **known},
            f"IsFreeFor{name}",
        ),
        f"IsFreeFor{name}": choice(first or name, ("$contains($status, 'IN_PROGRESS')", f"WaitFor{name}")),
        f"WaitFor{name}": wait(describe),
        name: {
            **task(
                "cloudformation:updateStack",
                {
                    **named,
                    "UsePreviousTemplate": True,
                    "RoleARN": role_arn,
                    "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
                    "ClientRequestToken": jsonata(f"$token & '-{name}'"),
                    "Parameters": jsonata(f"[$parameters.(ParameterKey = {parameter} ? {new} : {same})]"),
                },
                {},
                f"PauseAfter{name}",
                f"{name}Refused",
            ),
            # A refusal is looked at by the next state: what is wanted may be another thing after a look at the stack.
            "Retry": [retrier(CONNECTION_ERROR, interval_seconds=2, attempts=4)],
        },
        f"{name}Refused": choice(
            "Failed",
            # Another update came between the look and the call, or there are too many calls.
            ("$contains($states.input.Cause, /IN_PROGRESS|Throttling|Rate exceeded/)", f"WaitFor{name}"),
            ("$contains($states.input.Cause, 'No updates are to be performed')", before),
        ),
        f"PauseAfter{name}": wait(f"Follow{name}"),
        f"Follow{name}": task(
            "cloudformation:describeStacks", named, {"status": f"{stack}.StackStatus"}, f"{name}Ended"
        ),
        f"{name}Ended": choice(
            refused,
            ("$contains($status, 'IN_PROGRESS')", f"PauseAfter{name}"),
            ("$status = 'UPDATE_COMPLETE'", before),
        ),
    }

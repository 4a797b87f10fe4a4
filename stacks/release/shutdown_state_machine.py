"""The shutdown state machine: takes an unneeded endpoint away, and starts it with the version that it served.

CloudFormation stays the only writer: a shutdown is an update of the version parameter to nothing, a start is a release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from definitions.names import VARIANT, endpoint_name
from definitions.networks import KINDS
from stacks.release.record import records
from stacks.release.stack_update import stack_update
from stacks.release.state_machine import ReleaseContext
from stacks.shared.asl import choice, ended, fail, jsonata, lookup, task

ACTIONS = SHUT_DOWN, SHUT_DOWN_IF_IDLE, START = "shut down", "shut down if idle", "start"
HOUR_SECONDS = 3600


@dataclass(frozen=True)
class ShutdownContext:
    """What the machine refers to beside the release machine's context.

    Attributes:
        release: see there.
        release_machine_arn: what starts an endpoint.
        version_arns: of each kind's registered versions, up to the number that follows.
        idle_hours: without a request, after which an endpoint is idle.
    """

    release: ReleaseContext
    release_machine_arn: str
    version_arns: dict[str, str]
    idle_hours: int


def definition(context: ShutdownContext) -> dict[str, Any]:
    """The state machine; its input is `kind` and `action`, its output `endpoint` and `said`, a sentence."""
    environment = context.release.environment
    endpoints = {kind: endpoint_name(environment, kind) for kind in KINDS}
    shared, stack = context.release.shared_endpoint, context.release.inference_stack
    cost = "the endpoint goes with its last version" if shared else "the endpoint costs nothing"
    return {
        "Comment": "Takes an endpoint away that nobody needs now, or starts it with the version that it served.",
        "QueryLanguage": "JSONata",
        "StartAt": "Start",
        "States": {
            "Start": choice(
                "NotOurs",
                (f"$states.input.kind in {list(KINDS)} and $states.input.action in {list(ACTIONS)}", "Begin"),
            ),
            "NotOurs": fail(
                "NotChanged",
                f"\"Wanted are a 'kind' ({', '.join(KINDS)}) and an 'action' ({', '.join(ACTIONS)}). "
                'Nothing was changed."',
            ),
            "Begin": {
                "Type": "Pass",
                "Assign": {
                    "kind": jsonata("$states.input.kind"),
                    "action": jsonata("$states.input.action"),
                    "endpoint": jsonata(lookup(endpoints, "$states.input.kind")),
                    "token": jsonata("$replace($states.context.Execution.Name, /[^a-zA-Z0-9]+/, '-')"),
                },
                "Next": "DescribeStack",
            },
            **stack_update(
                context.release.inference_stack,
                "Update",
                "''",
                before="ShutDown",
                refused="NotChanged",
                role_arn=context.release.update_role_arn,
                first="ChooseAction",
            ),
            "ChooseAction": choice(
                "NothingToDo",
                (f"$action = '{START}' and $previous = ''", "ReadRecord"),
                (f"$action = '{SHUT_DOWN}' and $previous != ''", "Update"),
                (f"$action = '{SHUT_DOWN_IF_IDLE}' and $previous != ''", "IsNew"),
                said="It is as it was asked to be.",
            ),
            **idle_states(context),
            **start_states(context),
            "ShutDown": end(f"'Version ' & $previous & ' is shut down; {cost}.'"),
            "NothingToDo": end("$said"),
            "Failed": fail("NotChanged", "$states.input.Cause"),
            "NotChanged": fail(
                "NotChanged",
                f"'The update of {stack} ended as ' & $status & "
                "'; the endpoint is what it was. The events of the stack say why.'",
            ),
        },
    }


def idle_states(context: ShutdownContext) -> dict[str, Any]:
    """The states that find out whether anybody asked the endpoint; what was just released is not idle."""
    since = f"$millis() - {context.idle_hours * HOUR_SECONDS * 1000}"
    return {
        "IsNew": choice("CountRequests", (f"$toMillis($changed) > {since}", "ChangedLately")),
        "ChangedLately": end(f"'The stack was updated within the last {context.idle_hours} hours.'"),
        "CountRequests": task(
            "cloudwatch:getMetricStatistics",
            {
                "Namespace": "AWS/SageMaker",
                "MetricName": "Invocations",
                "Dimensions": [
                    {"Name": "EndpointName", "Value": context.release.endpoint},
                    {"Name": "VariantName", "Value": VARIANT},
                ],
                "StartTime": jsonata(f"$fromMillis({since})"),
                "EndTime": jsonata("$fromMillis($millis())"),
                "Period": HOUR_SECONDS,
                "Statistics": ["Sum"],
            },
            {"requests": "$count($states.result.Datapoints) > 0 ? $sum($states.result.Datapoints.Sum) : 0"},
            "WasIdle",
        ),
        "WasIdle": choice("InUse", ("$requests = 0", "Update")),
        "InUse": end(f"$string($requests) & ' requests within {context.idle_hours} hours.'"),
    }


def start_states(context: ShutdownContext) -> dict[str, Any]:
    """The states that find the last version that answered its release, and release it again."""
    recorded = "$parse($states.result.Parameter.Value)"
    return {
        "ReadRecord": task(
            "ssm:getParameter",
            {"Name": jsonata(lookup(records(context.release.environment)))},
            {"last": f"$exists({recorded}.version) ? {recorded}.version : ''"},
            "HasVersion",
        ),
        "HasVersion": choice("NothingToDo", ("$last != ''", "Release"), said="Nothing was ever released."),
        "Release": task(
            "sfn:startExecution",
            {
                "StateMachineArn": context.release_machine_arn,
                "Input": jsonata(f"$string({{'model_package_arn': {lookup(context.version_arns)} & $last}})"),
            },
            {},
            "Started",
        ),
        "Started": end("'The release of version ' & $last & ' has started.'"),
    }


def end(said: str) -> dict[str, Any]:
    """An end that says what was done, by an expression."""
    return ended(endpoint="$endpoint", said=said)

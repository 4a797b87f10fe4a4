"""The record of releases: looked at before a release, and written after its proof."""

from __future__ import annotations

from typing import Any

from definitions.names import parameter_name, verified_release
from definitions.networks import KINDS
from stacks.shared.asl import choice, ended, fail, jsonata, lookup, task

# The error of every execution that does not release its version.
NOT_RELEASED = "NotReleased"
# What the record says of a kind of which no version has answered yet.
NEVER = "1970-01-01T00:00:00.000Z"


def overtaken_states(environment: str, *, then: str) -> dict[str, Any]:
    """The states that end the release without a change when a later approval or release serves already.

    EventBridge may deliver an event late, or twice. What only waits behind this release does not count: it may fail.
    """
    recorded = "$parse($states.result.Parameter.Value)"
    second = "$floor($toMillis({}) / 1000)"
    overtaken = f"{second.format('$recorded.requested_at')} > {second.format('$requested_at')}"
    said = (
        "'Version ' & $version & ' was asked for at ' & $requested_at & ', before version ' & $recorded.version & "
        "', which was released meanwhile. Nothing was changed.'"
    )
    return {
        "ReadRecord": task(
            "ssm:getParameter",
            {"Name": jsonata(lookup(records(environment)))},
            {"recorded": f"$merge([{{'requested_at': '{NEVER}'}}, {recorded}])"},
            "IsOvertaken",
        ),
        # An event's time is in whole seconds.
        "IsOvertaken": choice(then, (f"{overtaken} and $recorded.version != $version", "SteppedAside")),
        "SteppedAside": ended(endpoint="$endpoint", version="$version", said=said),
    }


def records(environment: str) -> dict[str, str]:
    """By kind the name of the parameter whose history is the list of releases."""
    return {kind: parameter_name(environment, verified_release(kind)) for kind in KINDS}


def record_states(environment: str) -> dict[str, Any]:
    """The states after the proof: only what has answered is a version to go back to."""
    entry = "$string({'version': $version, 'requested_at': $requested_at})"
    return {
        "Record": task(
            "ssm:putParameter",
            {"Name": jsonata(lookup(records(environment))), "Value": jsonata(entry), "Overwrite": True},
            {},
            "Released",
            "NotRecorded",
        ),
        "NotRecorded": fail(
            NOT_RELEASED,
            "'Version ' & $version & ' of ' & $endpoint & ' serves and answers, but it was not recorded, so no "
            "rollback knows it: ' & $states.input.Cause & '. Release it again.'",
        ),
        "Released": {
            "Type": "Succeed",
            "Output": {"endpoint": jsonata("$endpoint"), "version": jsonata("$version")},
        },
    }

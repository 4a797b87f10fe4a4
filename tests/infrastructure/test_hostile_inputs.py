"""Whatever an execution is given ends in a sentence of the machine's own, and asks for nothing that it should not."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacks.monitoring.drift_state_machine import definition as drift_machine
from stacks.release.shutdown_state_machine import definition as shutdown_machine
from stacks.release.state_machine import definition as release_machine
from stacks.settings import load_settings
from stacks.settings.base import OF_CUSTOMERS

from .conftest import context
from .interpreter import Answer, TaskFailed, Walk, walk
from .release_runs import ARN
from .release_runs import CONTEXT as RELEASE
from .test_shutdown_machine import CONTEXT as SHUTDOWN
from .training_runs import CONTEXT as TRAINING
from .training_runs import INPUT, machine_with


def monitored() -> dict:
    environments = copy.deepcopy(context()["environments"])
    environments["dev"]["monitoring"] = {"capture": {}, "drift": {"labels": {}}}
    return drift_machine(load_settings("dev", environments), TRAINING)


# The machine, an input that is well, and the errors that it ends with by itself.
MACHINES = {
    "training": (machine_with(), INPUT, {"BadRequest", "JobFailed"}),
    "marker": (machine_with(), {"marker_key": "reviews/TRAIN.json"}, {"BadRequest", "JobFailed"}),
    "release": (
        release_machine(RELEASE),
        {"model_package_arn": ARN, "requested_at": "2026-11-25T20:59:58Z"},
        {"NotReleased"},
    ),
    "shutdown": (shutdown_machine(SHUTDOWN), {"kind": "rnn", "action": "start"}, {"NotChanged"}),
    "drift": (monitored(), {"kind": "rnn", "time": "2026-03-01T01:30:00Z"}, {"BadRequest", "JobFailed"}),
}
HOSTILE = st.sampled_from(
    [
        *(
            "",
            " ",
            "cat",
            "rnn\n",
            "\u202ernn",
            "a" * 300,
            "%s",
            "{% $states.input %}",
            "$x",
            "../",
            "/",
            "//",
        ),
        *("2026-99-99T99:99:99Z", "2026-02-31T00:00:00Z", "2026-01-01", "0000-00-00T00:00:00Z", "now"),
        *(
            "s3://data.of.dev",
            "s3://data.of.dev/",
            "s3://data.of.dev//",
            "s3://dataxofxdev/x",
            "s3:///x",
            "s3://",
        ),
        *(f"s3://data.of.dev/{prefix}" for prefix in OF_CUSTOMERS),
        *(ARN + "0" * 400, ARN.replace("us-east-1", "eu-west-1"), ARN.replace("1111", "9999"), ARN[:-1]),
    ]
)
ANYTHING = HOSTILE | st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def asked(draw, well: dict):
    """An input with one or two members that are something else, or none at all, or no input of an object."""
    changed = dict(well)
    for name in draw(
        st.lists(st.sampled_from([*well, "run_id", "minimum_accuracy"]), min_size=1, max_size=2)
    ):
        if draw(st.booleans()):
            changed[name] = draw(ANYTHING)
        else:
            changed.pop(name, None)
    return draw(st.just(changed) | ANYTHING.filter(lambda value: value is not None))


class Unavailable(dict):
    """Every service fails, so that a walk shows what the first request is that an input leads to."""

    def __missing__(self, state: str) -> Answer:
        def fails(*_: object) -> None:
            raise TaskFailed("Service.Exception", "It is not there.")

        return fails


@pytest.mark.parametrize("name", MACHINES)
@given(data=st.data())
@settings(max_examples=40)
def test_whatever_an_execution_is_given_ends_in_the_machines_own_sentence(name, data):
    machine, well, errors = MACHINES[name]
    done: Walk = walk(machine, data.draw(asked(well)), Unavailable())
    assert done.error in errors
    assert done.cause


@pytest.mark.parametrize(
    "body",
    ["", "{", "null", "[]", "[[1]]", '"text"', "7", "[null]", '{"kind": "cnn"', "\x00", '{"kind": null}'],
)
def test_a_marker_that_is_no_request_trains_nothing(body):
    machine = MACHINES["marker"][0]
    done = walk(machine, {"marker_key": "reviews/TRAIN.json"}, {"ReadMarker": lambda *_: {"Body": body}})
    assert done.error == "BadRequest"
    assert list(done.requests) == ["ReadMarker"]
    assert json.dumps(body) not in done.cause or not body

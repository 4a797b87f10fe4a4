"""The release machine: walked to each of its ends; in each that is no success the old model keeps answering."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image

from stacks.release.state_machine import KNOWN_INPUT, definition

from .interpreter import failing, reachable, walk
from .release_runs import ARN, KNOWN, MINE, PLACES, Aws
from .updates import update_to


def test_an_approved_version_becomes_the_parameter_and_nothing_else_changes():
    aws = Aws()
    done = aws.release()
    assert done.output == {"endpoint": "recognition-dev-rnn", "version": "7"}
    (update,) = aws.updates
    assert update == {**update, **update_to("7")}


def test_a_first_release_creates_the_endpoint():
    assert Aws(parameters={"RnnModelVersion": ""}).release().error is None


def test_a_version_that_is_there_already_is_only_asked():
    aws = Aws(parameters={"RnnModelVersion": "7"}, refusals=["No updates are to be performed."])
    done = aws.release()
    assert done.error is None
    assert "AskEndpoint" in done.states


def test_a_release_that_was_stopped_in_the_middle_is_finished_by_the_next():
    """The stopped execution's update went on without it, so the parameter holds the version already."""
    aws = Aws(
        statuses=["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"],
        parameters={"RnnModelVersion": "7"},
        refusals=["No updates are to be performed."],
    )
    done = aws.release()
    assert (done.output, aws.updates) == ({"endpoint": "recognition-dev-rnn", "version": "7"}, [])


@pytest.mark.parametrize("approval", ["Rejected", "PendingManualApproval"])
def test_an_approval_that_was_withdrawn_releases_nothing(approval):
    aws = Aws(approval=approval)
    assert aws.release().cause == (
        f"Version 7 of recognition-dev-rnn is {approval} by now. The endpoint keeps the model it had."
    )
    assert aws.updates == []


def test_a_version_without_its_artefact_never_touches_the_stack():
    aws = Aws(artefact_deleted=True)
    assert aws.release().cause == (
        "Version 7 of recognition-dev-rnn cannot be released, because its artefact "
        "s3://models/training/rnn-1/output/model.tar.gz cannot be read: Not Found. The endpoint keeps the model it had."
    )
    assert aws.updates == []


def test_of_two_approvals_the_later_one_waits_for_the_earlier():
    earlier = {"ExecutionArn": "arn:other", "StartDate": "2026-11-25T20:59:59.000Z"}
    later = {"ExecutionArn": "arn:third", "StartDate": "2026-11-25T21:30:00.000Z"}
    done = Aws(others=[[earlier, later], [earlier, later], [later]]).release()
    assert done.states.count("WaitForTurn") == 2
    assert done.error is None


def test_a_stack_that_is_being_updated_is_waited_for():
    aws = Aws(statuses=["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"])
    done = aws.release()
    assert (done.states.count("WaitForUpdate"), done.error) == (2, None)


def test_an_update_that_came_in_between_is_waited_for():
    busy = "Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated."
    done = Aws(refusals=[busy]).release()
    assert (done.states.count("WaitForUpdate"), done.error) == (1, None)


def test_an_update_that_was_rolled_back_says_the_first_reason():
    assert Aws(rolls_back=True).release().cause == (
        "The update of Recognition-dev-Inference to version 7 of recognition-dev-rnn ended as "
        "UPDATE_ROLLBACK_COMPLETE: RnnEndpoint: the model does not load. The endpoint keeps the model it had."
    )


def test_a_silent_roll_back_is_loud():
    cause = Aws(live="Config-OLD").release().cause
    assert "rolled recognition-dev-rnn back without a failure of the stack" in cause
    assert "config-old, and the stack asked for config-ab" in cause


def test_an_endpoint_that_is_still_updating_is_waited_for():
    done = Aws(endpoint_states=["Updating", "Updating", "InService"]).release()
    assert (done.states.count("WaitForEndpoint"), done.error) == (2, None)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"model_error": "Received client error (500)"}, "Received client error (500)"),
        ({"answering": "6"}, "it answered"),
        ({"label": "negative"}, "where positive is known"),
    ],
)
def test_a_version_that_does_not_answer_is_taken_back(fault, reason):
    aws = Aws(**fault)
    done = aws.release()
    assert reason in done.cause
    assert done.cause.endswith("Version 6 serves again.")
    assert aws.parameters["RnnModelVersion"] == "6"
    assert len({update["ClientRequestToken"] for update in aws.updates}) == 2


def test_a_version_is_asked_a_test_sample_that_its_evaluation_answered_rightly():
    aws = Aws()
    assert aws.release().error is None
    assert aws.asked == KNOWN["request"]


@pytest.mark.parametrize("fault", ["registered_by_hand", "nothing_known"])
def test_without_a_known_answer_any_answer_of_the_right_version_will_do(fault):
    aws = Aws(**{fault: True}, label="whatever")
    assert aws.release().error is None
    assert aws.asked == KNOWN_INPUT["rnn"]


@pytest.mark.parametrize("before", ["", "7"])
def test_without_another_version_before_there_is_nothing_to_go_back_to(before):
    aws = Aws(parameters={"RnnModelVersion": before}, model_error="it crashed")
    assert "it crashed. There is no version before it" in aws.release().cause
    assert len(aws.updates) == 1


def test_every_task_that_fails_ends_the_release_with_its_reason():
    machine, down = definition(PLACES), failing("Any.Exception", "the network is down")
    for name, state in machine["States"].items():
        if state["Type"] != "Task":
            continue
        aws = Aws(rolls_back=name == "ReadEvents", model_error="x" if "TakeBack" in name else None)
        done = walk(machine, {"model_package_arn": ARN}, {**aws.answers(), name: down}, execution=MINE)
        assert done.error == "NotReleased", name
        assert "the network is down" in done.cause, name


@pytest.mark.parametrize("kind", ["cnn", "rnn"])
def test_the_known_inputs_are_ones_that_the_container_takes(kind):
    from local_aws.serving import Context
    from model_code import inference

    context = Context("application/json", "application/json")
    passed = json.loads(inference.input_handler(io.BytesIO(KNOWN_INPUT[kind].encode()), context))
    (instance,) = passed["instances"]
    if kind == "cnn":
        assert Image.open(io.BytesIO(base64.b64decode(instance["image"]["b64"]))).size == (8, 8)


def test_every_state_can_be_reached():
    machine = definition(PLACES)
    assert reachable(machine) == set(machine["States"])

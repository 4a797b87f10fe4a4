"""The release machine: walked to each of its ends; in each that is no success the old model keeps answering."""

from __future__ import annotations

import base64
import io
import json

import pytest
from PIL import Image

from definitions.names import SEQUENCE_CHANNELS
from stacks.release.known_input import KNOWN_INPUT, KNOWN_STEPS
from stacks.release.stack_update import wait
from stacks.release.state_machine import definition

from .interpreter import STARTED, evaluate, failing, reachable, walk
from .release_runs import ARN, CONTEXT, KNOWN, MINE, Aws
from .updates import update_to

# Most would end the machine without a sentence; the last would be released, and its record refused for its length.
NO_INSTANTS = (
    *("yesterday", "2026-11-25", "2026-99-25T20:59:58Z", "2026-11-31T20:59:58Z", "2026-02-29T20:59:58Z"),
    *("0000-11-25T20:59:58Z", "2026-11-25T24:00:00Z", "2026-11-25T20:59:60Z", "2026-11-25T20:59:58+01:00"),
    f"2026-11-25T20:59:58.{'9' * 4096}Z",
)


def test_an_approved_version_becomes_the_parameter_and_nothing_else_changes():
    aws = Aws()
    done = aws.release()
    assert done.output == {"endpoint": "recognition-dev-rnn", "version": "7"}
    (update,) = aws.updates
    assert update == {**update, **update_to("7")}


def test_what_has_answered_is_recorded_with_the_instant_of_its_approval():
    aws = Aws()
    assert aws.release(requested_at="2026-11-25T20:59:58Z").error is None
    assert json.loads(aws.record) == {"version": "7", "requested_at": "2026-11-25T20:59:58Z"}


@pytest.mark.parametrize(
    "fault",
    [
        {"model_error": "it crashed"},
        {"rolls_back": True},
        {"live": "Config-OLD"},
        {"artefact_deleted": True},
        {"artefact_overwritten": True},
    ],
)
def test_what_has_not_answered_never_enters_the_record(fault):
    aws = Aws(**fault)
    assert aws.release().error == "NotReleased"
    assert json.loads(aws.record) == {}


def test_a_version_that_could_not_be_recorded_says_that_no_rollback_knows_it():
    aws, machine = Aws(), definition(CONTEXT)
    down = {"Record": failing("Ssm.ParameterLimitExceededException", "too many")}
    done = walk(machine, {"model_package_arn": ARN}, aws.answers() | down, execution=MINE)
    assert "serves and answers, but it was not recorded, so no rollback knows it: too many" in done.cause


@pytest.mark.parametrize(
    ("requested_at", "aside"),
    [
        ("2026-11-25T20:30:00Z", True),
        ("2026-11-25T20:40:00Z", False),
        ("2026-11-25T20:50:00Z", False),
    ],
)
def test_an_approval_from_before_the_one_that_was_released_meanwhile_steps_aside(requested_at, aside):
    """EventBridge may deliver an event late, or twice."""
    record = {"version": "8", "requested_at": "2026-11-25T20:40:00.250Z"}
    aws = Aws(record=record)
    done = aws.release(requested_at=requested_at)
    assert done.error is None
    assert ("said" in done.output, aws.updates == []) == (aside, aside)
    assert (json.loads(aws.record) == record) is aside


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"model_package_arn": 7},
        {"model_package_arn": ARN.replace("recognition-dev-", "recognition-prod-")},
        {"model_package_arn": f"{ARN}/1"},
        {"model_package_arn": ARN.replace("us-east-1", "eu-west-1")},
        {"model_package_arn": ARN.replace("111122223333", "999999999999")},
        {"model_package_arn": f"{ARN}\n"},
        {"model_package_arn": ARN.replace(":model-package/", ":x/recognition-dev-rnn/9:model-package/")},
        {"model_package_arn": ARN, "requested_at": 7},
        *({"model_package_arn": ARN, "requested_at": instant} for instant in NO_INSTANTS),
    ],
)
def test_what_is_no_version_of_the_environment_touches_nothing(asked):
    done = walk(definition(CONTEXT), asked, {}, execution=MINE)
    assert done.error == "NotReleased"
    assert "of a version of recognition-dev-cnn or recognition-dev-rnn" in done.cause


@pytest.mark.threat
def test_an_instant_that_is_still_to_come_keeps_no_later_approval_back():
    aws = Aws()
    assert aws.release(requested_at="9999-01-01T00:00:00Z").error is None
    assert json.loads(aws.record) == {"version": "7", "requested_at": STARTED}


@pytest.mark.parametrize("instant", ["2024-02-29T23:59:59Z", "2025-12-31T00:00:00.123456789Z"])
def test_any_instant_of_the_calendar_is_recorded(instant):
    aws = Aws()
    assert aws.release(requested_at=instant).error is None
    assert json.loads(aws.record)["requested_at"] == instant


def test_what_steps_aside_says_what_was_released_in_its_place():
    aws = Aws(record={"version": "8", "requested_at": "2026-11-25T20:40:00Z"})
    assert aws.release(requested_at="2026-11-25T20:30:00Z").output["said"] == (
        "Version 7 was asked for at 2026-11-25T20:30:00Z, before version 8, which was released meanwhile. "
        "Nothing was changed."
    )


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


@pytest.mark.threat
def test_an_artefact_written_anew_after_its_registration_never_touches_the_stack():
    aws = Aws(artefact_overwritten=True)
    assert "was written anew after it was measured and registered" in aws.release().cause
    assert aws.updates == []


def test_a_version_of_before_entity_tags_were_kept_can_still_be_released():
    aws = Aws(registered_without_etag=True, artefact_overwritten=True)
    assert aws.release().error is None
    assert len(aws.updates) == 1


def test_of_two_approvals_the_later_one_waits_for_the_earlier():
    earlier = {"ExecutionArn": "arn:other", "StartDate": "2026-11-25T20:59:59.000Z"}
    later = {"ExecutionArn": "arn:third", "StartDate": "2026-11-25T21:30:00.000Z"}
    done = Aws(others=[[earlier, later], [earlier, later], [later]]).release()
    assert done.states.count("WaitForTurn") == 2
    assert done.error is None


@pytest.mark.parametrize(("other", "waits"), [("arn:a", 1), ("arn:z", 0)])
def test_of_two_releases_that_began_in_one_instant_one_waits(other, waits):
    same = {"ExecutionArn": other, "StartDate": "2026-11-25T21:00:00.500Z"}
    done = Aws(others=[[same], []]).release()
    assert (done.error, done.states.count("WaitForTurn")) == (None, waits)


@pytest.mark.threat
def test_a_release_that_is_not_among_those_that_are_listed_waits():
    """The list may lag behind, and holds so many at most; another account's version is looked at nowhere."""
    theirs = {"model_package_arn": ARN.replace("111122223333", "999999999999")}
    assert walk(definition(CONTEXT), theirs, {}, execution=MINE).requests == {}

    aws = Aws(others=[[], []])
    mine, answers = aws.list_releases, aws.answers()

    def listed(request: dict, call: int) -> dict:
        assert request["MaxResults"] == 400
        return {"Executions": []} if call == 1 else mine(request, call)

    asked = {"model_package_arn": ARN}
    done = walk(definition(CONTEXT), asked, {**answers, "ListReleases": listed}, execution=MINE)
    assert (done.error, done.states.count("WaitForTurn"), len(aws.updates)) == (None, 1, 1)


def test_a_stack_that_is_being_updated_is_waited_for():
    aws = Aws(statuses=["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"])
    done = aws.release()
    assert (done.states.count("WaitForUpdate"), done.error) == (2, None)


@pytest.mark.parametrize(
    "refusal", ["Stack:arn is in UPDATE_IN_PROGRESS state and can not be updated.", "Rate exceeded"]
)
def test_an_update_that_is_refused_for_now_is_asked_for_again_after_another_look(refusal):
    done = Aws(refusals=[refusal]).release()
    assert (done.states.count("WaitForUpdate"), done.states.count("DescribeStack"), done.error) == (
        1,
        2,
        None,
    )


def test_an_update_that_was_rolled_back_says_the_first_reason():
    assert Aws(rolls_back=True).release().cause == (
        "The update of Recognition-dev-Inference to version 7 of recognition-dev-rnn ended as "
        "UPDATE_ROLLBACK_COMPLETE: RnnEndpoint: the model does not load. The endpoint keeps the model it had."
    )


def test_a_silent_roll_back_is_loud():
    cause = Aws(live="Config-OLD").release().cause
    assert "rolled recognition-dev-rnn back without a failure of the stack" in cause
    assert "config-old, and the stack asked for config-ab" in cause


def test_a_release_that_waits_for_half_a_day_stays_below_the_events_of_an_execution():
    """25,000 (Step Functions quotas); a look with its pause writes nine."""
    seconds, looks, age = wait("Next")["Seconds"], 0, 0.0
    now = "$millis()"
    while age < 12 * 3600:
        at = f"({age * 1000} + $toMillis($states.context.Execution.StartTime))"
        scope = {"context": {"Execution": {"StartTime": STARTED}}}
        pause = evaluate(seconds.replace(now, at), scope, {})
        assert pause == int(pause), "Step Functions takes whole seconds"
        age, looks = age + pause, looks + 1
    assert 9 * looks < 25_000 / 2


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


@pytest.mark.parametrize("fault", ["registered_by_hand", "nothing_known", "nothing_small_enough"])
def test_without_a_known_answer_any_answer_of_the_right_version_will_do(fault):
    aws = Aws(**{fault: True}, label="whatever")
    assert aws.release().error is None
    assert aws.asked == KNOWN_INPUT["rnn"]


@pytest.mark.parametrize("channels", [1, 6])
def test_a_version_of_sequences_without_an_evaluation_is_asked_a_sequence(channels):
    from local_aws.serving import Context
    from model_code import inference

    aws = Aws(registered_by_hand=True, properties={SEQUENCE_CHANNELS: str(channels)})
    assert aws.release().error is None
    context = Context("application/json", "application/json")
    (instance,) = json.loads(inference.input_handler(io.BytesIO(aws.asked.encode()), context))["instances"]
    assert instance == {"sequence": [[0] * channels] * KNOWN_STEPS}


@pytest.mark.parametrize("before", ["", "7"])
def test_without_another_version_before_there_is_nothing_to_go_back_to(before):
    aws = Aws(parameters={"RnnModelVersion": before}, model_error="it crashed")
    assert "it crashed. There is no version before it" in aws.release().cause
    assert len(aws.updates) == 1


def test_every_task_that_fails_ends_the_release_with_its_reason():
    machine, down = definition(CONTEXT), failing("Any.Exception", "the network is down")
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
    machine = definition(CONTEXT)
    assert reachable(machine) == set(machine["States"])

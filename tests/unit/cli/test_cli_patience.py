"""An answer that came is printed whatever becomes of the next, and what may be answered later is asked again."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import typer

from cli.recognize import request
from cli.recognize.subjects import subject_in_words
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from recognition_client import Reply, Unreachable, recognition

from ..lambdas.conftest import EXAMPLES

GOOD = Reply(200, {**EXAMPLES["text-sentiment"]["answer"], "latency_milliseconds": 1.0})
OWN = Reply(200, {**EXAMPLES["text-class"]["answer"], "latency_milliseconds": 1.0})
LOADING = Reply(503, {"error": {"code": "StandInLoading", "message": "It loads.", "field": None}}, 2.0)
IN_PROGRESS = Reply(
    409, {"error": {"code": "RequestInProgress", "message": "It goes on.", "field": None}}, 1.0
)
NOT_RELEASED = Reply(503, {"error": {"code": "ModelNotReleased", "message": "None is.", "field": None}})
TOO_LONG = Reply(413, {"error": {"code": "TextTooLong", "message": "It is too long.", "field": None}})
CLOSED = Unreachable("It hung up.")


@pytest.fixture
def recognized(monkeypatch, capsys):
    """Asks both services of a text, which answer in turn, the last for ever; no time passes but the client's."""

    def run(*answers: Reply | BaseException, as_json: bool = False):
        left, keys, slept = list(answers), [], []

        def send(_, path, query, body, headers) -> Reply:
            keys.append(headers["Idempotency-Key"])
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        monkeypatch.setattr(
            recognition, "time", SimpleNamespace(sleep=slept.append, monotonic=lambda: sum(slept))
        )
        monkeypatch.setattr(request.SignedTransport, "__call__", send)
        monkeypatch.setattr(request, "with_hint", lambda _, __, reply: reply)
        monkeypatch.setattr(Target, "api_url", lambda _: "http://api")
        is_well = request.recognize_and_show(Target("dev"), subject_in_words("A good film."), as_json=as_json)
        return is_well, capsys.readouterr().out, keys

    return run


@pytest.mark.parametrize("passing", [LOADING, IN_PROGRESS, CLOSED], ids=["loading", "in progress", "closed"])
def test_what_may_be_answered_later_is_asked_again_with_the_same_key(recognized, passing):
    is_well, printed, keys = recognized(passing, GOOD, OWN)
    assert is_well and "positive" in printed
    assert keys[0] == keys[1] != keys[2] and len(keys) == 3


def test_an_answer_is_printed_beside_the_failure_of_the_next(recognized):
    is_well, printed, _ = recognized(GOOD, CLOSED)
    assert not is_well
    assert "positive" in printed and "It hung up" in printed


def test_the_second_is_asked_where_the_first_gives_no_answer(recognized):
    is_well, printed, keys = recognized(*[CLOSED] * 10, OWN)
    assert not is_well
    assert "positive" in printed and "It hung up" in printed
    assert len(set(keys)) == 2


def test_the_document_of_a_failure_holds_the_answer_that_came(recognized):
    _, printed, _ = recognized(GOOD, CLOSED, as_json=True)
    document = json.loads(printed)
    assert document["ok"] is False and "Not every question was answered" in document["error"]["message"]
    answered, failed = document["result"]
    assert answered["results"][0]["label"] == "positive"
    assert (failed["operation"], failed["status"], failed["error"]["code"]) == (
        "text-class",
        None,
        "Unreachable",
    )


def test_an_interruption_prints_the_answer_that_had_come(recognized, capsys):
    with pytest.raises(typer.Exit) as ended:
        recognized(GOOD, KeyboardInterrupt())
    printed = capsys.readouterr().out
    assert ended.value.exit_code == 130
    assert "positive" in printed and "Stopped before" in printed


def test_an_interrupted_document_is_one_and_holds_the_answer_that_had_come(recognized, capsys):
    with pytest.raises(typer.Exit):
        recognized(GOOD, KeyboardInterrupt(), as_json=True)
    document = json.loads(capsys.readouterr().out)
    answered, stopped = document["result"]
    assert (document["ok"], answered["results"][0]["label"]) == (False, "positive")
    assert (stopped["operation"], stopped["status"], stopped["error"]["code"]) == (
        *("text-class", None),
        "Stopped",
    )


@pytest.mark.parametrize("answers", [(), [CLOSED] * 10], ids=["first question", "nothing came"])
def test_an_interruption_before_any_answer_prints_none(recognized, capsys, answers):
    with pytest.raises(KeyboardInterrupt):
        recognized(*answers, KeyboardInterrupt())
    assert capsys.readouterr().out == ""


def test_an_api_that_gives_no_answer_at_all_is_a_failure(recognized):
    with pytest.raises(CommandFailed, match="It hung up"):
        recognized(CLOSED)


@pytest.mark.parametrize("refusal", [NOT_RELEASED, TOO_LONG], ids=["not released", "too long"])
def test_a_refusal_that_stays_is_told_and_is_no_failure(recognized, refusal):
    is_well, printed, keys = recognized(GOOD, refusal)
    assert is_well and refusal.body["error"]["message"] in printed
    assert len(keys) == 2

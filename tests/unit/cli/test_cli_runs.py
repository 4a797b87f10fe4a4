"""The list of training runs, and what a network that was never released is told to do next."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cli.main import app
from cli.models import release
from cli.recognize import request
from cli.recognize.request import Question, Reply, with_hint
from cli.recognize.subjects import subject_in_words
from cli.shared.errors import CommandFailed
from cli.shared.target import Target
from lambdas.catalogue import examples
from recognition_client import Reply as Answered

HERE = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_REGION": "us-east-1"}
BELOW = "The accuracy of the cnn is 0.5000, which is 0.1500 below the gate of 0.6500. Nothing was registered."
RUNS = [
    {
        "name": "cnn-2",
        "kind": "cnn",
        "data": "s3://data/fashion_mnist",
        "state": "failed at the gate",
        "version": None,
        "reason": BELOW,
        "started": "2026-11-26T01:02:03+00:00",
        "ended": "2026-11-26T01:04:03+00:00",
        "seconds": 120,
        "job": "cnn-2",
    },
    {
        "name": "by a marker",
        "kind": None,
        "data": "photos/ready.json",
        "state": "registered",
        "version": "3",
        "reason": None,
        "started": "2026-11-25T01:02:03+00:00",
        "ended": None,
        "seconds": None,
        "job": None,
    },
]


class Deployed(Target):
    """The app is there."""

    def parameter(self, name: str) -> str:
        return name


@pytest.fixture
def told(monkeypatch):
    """What `runs` prints of given ones."""

    def of(response: list, columns: int = 300) -> str:
        monkeypatch.setattr("cli.shared.embedded.choose_target", lambda *_, **__: Deployed("dev", HERE))
        monkeypatch.setattr("console.watch.watch.runs", lambda *_: response)
        ended = CliRunner().invoke(app, ["runs"], env={"COLUMNS": str(columns)})
        assert ended.exit_code == 0, ended.output
        return ended.output

    return of


def test_each_run_is_told_with_its_data_and_what_became_of_it(told):
    first, second = told(RUNS).splitlines()[3:5]
    for words in ("cnn-2", "fashion_mnist", "120 s", "failed at the gate"):
        assert words in first
    for words in ("by a marker", "photos/ready.json", "registered as version 3"):
        assert words in second


@pytest.mark.parametrize("data", ["s3://", "s3://bucket", "s3://bucket/", "//", "photos"])
def test_a_run_that_was_refused_is_listed_whatever_it_was_told_of(data, told):
    assert f" {data} " in told([{**RUNS[0], "data": data}, *RUNS])


def test_the_reason_of_a_run_is_a_line_of_its_own_however_narrow_the_terminal_is(told):
    assert told(RUNS, columns=80).splitlines()[-1] == f"cnn-2: {BELOW}"


def test_the_name_of_a_run_is_whole_in_a_terminal_of_80_columns(told):
    name = "rnn-20261130-133238-d4dcf6"
    assert f" {name} " in told([{**RUNS[0], "name": name}], columns=80)


def test_what_became_of_a_run_is_in_whole_words_in_a_terminal_of_80_columns(told):
    long = {
        **RUNS[1],
        "name": "rnn-20261130-133238-d4dcf6",
        "data": "own/photos/a0d272a2d1bd",
        "seconds": 86_400,
    }
    shown = told([long], columns=80)
    for word in ("registered", "version"):
        assert word in shown


def test_before_any_run_the_command_that_starts_one_is_named(told):
    assert "Train: recognition train cnn" in told([])


NOT_RELEASED = Reply(503, {"error": {"code": "ModelNotReleased", "message": "None is released."}}, 0.1)


@pytest.mark.parametrize(
    ("path", "versions", "commands"),
    [
        ("/images/class", [{}], ["release cnn"]),
        ("/images/class", [], ["train cnn", "release cnn", "release --from FOLDER"]),
        ("/texts/class", [{}], ["release rnn"]),
        ("/sequences/class", [], ["train rnn", "release rnn", "release --from FOLDER"]),
    ],
)
def test_an_unreleased_network_is_answered_with_every_step_to_a_released_one(
    path, versions, commands, monkeypatch
):
    monkeypatch.setattr("cli.models.release.versions_of", lambda *_: versions)
    reply = with_hint(Target("dev"), Question(path, b"", "text/plain"), NOT_RELEASED)
    lines = reply.body["error"]["hint"].splitlines()
    assert [line.partition(": ")[2] for line in lines] == [f"recognition {words} --aws" for words in commands]


def test_only_a_group_that_is_not_there_has_no_versions(monkeypatch):
    def refuse(code: str, message: str) -> None:
        refused = ClientError({"Error": {"Code": code, "Message": message}}, "ListModelPackages")
        monkeypatch.setattr(release, "list_versions", Mock(side_effect=refused))

    refuse("ValidationException", "ModelPackageGroup recognition-dev-cnn does not exist.")
    assert release.versions_of(Target("dev"), "cnn") == []
    refuse("AccessDeniedException", "No.")
    with pytest.raises(ClientError, match="AccessDenied"):
        release.versions_of(Target("dev"), "cnn")


def test_the_command_that_helps_is_a_line_to_copy(monkeypatch, capsys):
    monkeypatch.setattr("cli.models.release.versions_of", lambda *_: [{}])
    monkeypatch.setattr(request, "ask", lambda *_: NOT_RELEASED)
    monkeypatch.setattr(request, "questions_about", lambda _: [Question("/texts/class", b"", "text/plain")])
    request.recognize_and_show(Target("prod"), subject_in_words("A film."))
    assert (
        "Release one: recognition release rnn --aws --environment prod"
        in capsys.readouterr().out.splitlines()
    )


ANSWER = {**examples()["text-class"]["answer"], "latency_milliseconds": 41.7}
NO_ENDPOINT = Reply(400, {"error": {"code": "NoSuchEndpoint", "message": "It asks none."}}, 0.1)


@pytest.mark.parametrize(
    ("endpoint", "setting"),
    [("asynchronous", "inference.asynchronous"), ("to-zero", "inference.scale_to_zero")],
)
def test_an_endpoint_that_is_not_there_says_which_setting_makes_it(endpoint, setting, monkeypatch):
    asked = []
    monkeypatch.setattr(request, "ask", lambda _, question, patience: asked.append(question) or NO_ENDPOINT)
    with pytest.raises(CommandFailed, match=f"It asks none. Set {setting} of 'dev' in cdk.json"):
        request.ask_own_and_show(Target("dev"), subject_in_words("A film."), endpoint)
    assert [(question.path, question.options) for question in asked] == [
        ("/texts/class", {"endpoint": endpoint})
    ]


def test_an_endpoint_without_an_instance_is_asked_until_it_answers(monkeypatch, capsys):
    answers = [(409, {"error": {"code": "RequestInProgress", "message": "Not yet."}}), (200, ANSWER)]
    keys = set()

    def send(_, path, query, body, headers):
        keys.add(headers["Idempotency-Key"])
        status, content = answers.pop(0)
        return Answered(status, content, 0.0)

    monkeypatch.setattr(request.SignedTransport, "__call__", send)
    monkeypatch.setattr(Target, "api_url", lambda _: "http://api")
    request.ask_own_and_show(Target("dev"), subject_in_words("A film."), "asynchronous")
    assert "positive" in capsys.readouterr().out and not answers and len(keys) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"results": []}, 0.1),
        Reply(503, {"error": {"code": "ServiceThrottled", "message": "Try again."}}, 0.1),
        Reply(403, {"message": "Forbidden"}, 0.1),
    ],
)
def test_no_other_answer_gets_a_hint(reply, monkeypatch):
    def refuse(*_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListModelPackages")

    monkeypatch.setattr("cli.models.release.versions_of", refuse)
    assert with_hint(Target("dev"), Question("/texts/class", b"", "text/plain"), reply) is reply

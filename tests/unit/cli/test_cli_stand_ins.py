"""After a deployment onto the embedded AWS, the stand-ins have their models before anybody asks."""

from __future__ import annotations

import base64
from types import SimpleNamespace

from botocore.exceptions import ClientError, ReadTimeoutError

from cli.shared.stand_ins import PICTURE, is_loading, wait_for_stand_ins
from cli.shared.target import Target
from local_aws.managed.pictures import read_image


class Recorder:
    """A client whose every operation fails, as where no weights can be had, and is written down."""

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    def __getattr__(self, operation: str):
        def fail(**_):
            self.asked.append(operation)
            raise ClientError({"Error": {"Code": "StandInNotReady", "Message": "No npm."}}, operation)

        return fail


def test_every_model_is_asked_for_and_none_that_cannot_be_had_stops_the_others(monkeypatch):
    asked: list[str] = []

    class Session:
        def client(self, *_, **__):
            return Recorder(asked)

    monkeypatch.setattr(Target, "session", lambda _: Session())
    wait_for_stand_ins(Target("dev", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}))
    assert asked == [
        *("detect_labels", "detect_faces", "compare_faces", "detect_text", "detect_moderation_labels"),
        *("detect_sentiment", "detect_dominant_language", "detect_pii_entities", "detect_toxic_content"),
    ]


def test_a_model_that_gives_no_answer_in_its_time_stops_no_deployment():
    def request() -> None:
        raise ReadTimeoutError(endpoint_url="http://127.0.0.1:1")

    assert not is_loading(request)


def test_a_model_that_still_loads_is_asked_for_until_it_is_there(monkeypatch):
    answers = iter(["StandInLoading", "StandInLoading", "StandInNotReady", *["StandInNotReady"] * 8])
    asked: list[str] = []

    class Loading(Recorder):
        def __getattr__(self, operation: str):
            def fail(**_):
                self.asked.append(operation)
                raise ClientError({"Error": {"Code": next(answers), "Message": "Loading."}}, operation)

            return fail

    session = SimpleNamespace(client=lambda *_, **__: Loading(asked))
    monkeypatch.setattr(Target, "session", lambda _: session)
    wait_for_stand_ins(Target("dev", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}))
    assert asked[:4] == ["detect_labels"] * 3 + ["detect_faces"]


def test_the_picture_asked_with_is_one_that_is_read():
    image = read_image("DetectLabels", {"Image": {"Bytes": base64.b64encode(PICTURE).decode()}})
    assert image.size == (80, 80)

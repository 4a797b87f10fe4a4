"""An endpoint of several models is asked for the released version by its path, which is looked up now and then."""

from __future__ import annotations

import io
import json

import pytest
from botocore.response import StreamingBody

from definitions.names import NOT_RELEASED
from lambdas.common import releases
from lambdas.custom import operations
from lambdas.custom.operations import RELEASED

from .conftest import REQUEST_ID

PARAMETER = "/recognition/dev/rnn-released-version"


@pytest.fixture(autouse=True)
def shared(monkeypatch):
    """The variables of a function whose networks share an endpoint; nothing was looked up yet."""
    monkeypatch.setenv("SHARED_ENDPOINT_NAME", "recognition-dev-multi-model")
    monkeypatch.setenv("RNN_RELEASED_VERSION_PARAMETER", PARAMETER)
    monkeypatch.setitem(RELEASED, "rnn", releases.ReleasedVersion("rnn"))


@pytest.fixture
def tell(service):
    """Says which version the next look finds released."""
    systems_manager = service("ssm")

    def told(version: str) -> None:
        response = {"Parameter": {"Name": PARAMETER, "Value": version}}
        systems_manager.add_response("get_parameter", response, {"Name": PARAMETER})

    return told


def answer_for(version: str) -> tuple[dict, dict]:
    """What the endpoint answers, and what it has to be asked."""
    content = json.dumps({"predictions": [{"probabilities": {"positive": 1.0}, "model_version": None}]})
    asked = {
        "EndpointName": "recognition-dev-multi-model",
        "TargetModel": f"rnn/{version}/model.tar.gz",
        "Body": b"A film.",
        "ContentType": "text/plain",
        "Accept": "application/json",
        "InferenceId": REQUEST_ID,
    }
    body = StreamingBody(io.BytesIO(content.encode()), len(content))
    return {"Body": body, "ContentType": "application/json"}, asked


def test_the_released_version_is_asked_and_named_and_the_next_after_the_next_look(call, service, tell):
    runtime = service("sagemaker-runtime")
    tell("3")
    for _ in range(2):
        runtime.add_response("invoke_endpoint", *answer_for("3"))
    for _ in range(2):
        status, body, _ = call("custom", "/texts/class", b"A film.", "text/plain")
        assert (status, body["model"]) == (200, {"name": "recognition-dev-rnn", "version": "3"})
    RELEASED["rnn"].checked -= releases.CHECK_SECONDS
    tell("4")
    runtime.add_response("invoke_endpoint", *answer_for("4"))
    assert call("custom", "/texts/class", b"A film.", "text/plain")[1]["model"]["version"] == "4"


def test_before_the_networks_first_release_nothing_is_asked(call, tell):
    tell(NOT_RELEASED)
    status, body, _ = call("custom", "/texts/class", b"A film.", "text/plain")
    assert (status, body["error"]["code"]) == (503, "ModelNotReleased")


def test_an_artefact_that_is_gone_is_a_sentence(call, service, tell):
    tell("3")
    service("sagemaker-runtime").add_client_error(
        "invoke_endpoint", "ValidationError", "Failed to download model data (bucket: b, key: k)."
    )
    status, body, _ = call("custom", "/texts/class", b"A film.", "text/plain")
    assert (status, body["error"]["code"]) == (503, "ModelFailed")
    assert "Release it again" in body["error"]["message"]
    assert operations.RELEASED["rnn"].version == "3"

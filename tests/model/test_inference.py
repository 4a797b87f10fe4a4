"""The container's hooks: each content type in, labelled predictions out, everything else refused with its status."""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import shutil
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_code import inference


def context(content_type: str | None = None, accept: str = "application/json"):
    """What the container tells its hooks."""
    return types.SimpleNamespace(request_content_type=content_type, accept_header=accept)


def sent(body: bytes, content_type: str) -> list:
    """The instances that TensorFlow Serving would get."""
    return json.loads(inference.input_handler(io.BytesIO(body), context(content_type)))["instances"]


def b64(content: bytes) -> dict[str, str]:
    """Bytes in TensorFlow Serving's JSON."""
    return {"b64": base64.b64encode(content).decode()}


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "application/x-image", "IMAGE/PNG; q=1"])
def test_an_images_bytes_are_passed_on(content_type):
    assert sent(b"\x89PNG\x00", content_type) == [{"image": b64(b"\x89PNG\x00")}]


def test_a_plain_text_is_passed_on_as_utf8():
    assert sent("naïve ☃".encode(), "text/plain; charset=utf-8") == [{"text": b64("naïve ☃".encode())}]


def test_json_instances_are_passed_on_in_their_order():
    body = json.dumps({"instances": [{"text": "good"}, {"text": "bad"}]}).encode()

    assert sent(body, "application/json") == [{"text": b64(b"good")}, {"text": b64(b"bad")}]


def test_json_lines_are_one_instance_each():
    body = json.dumps({"image": b64(b"one")}) + "\n\n" + json.dumps({"image": b64(b"two")}) + "\n"

    assert sent(body.encode(), "application/jsonlines") == [{"image": b64(b"one")}, {"image": b64(b"two")}]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_every_text_survives_json_and_json_lines(texts):
    expected = [{"text": b64(text.encode())} for text in texts]
    lines = "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)

    assert (
        sent(json.dumps({"instances": [{"text": text} for text in texts]}).encode(), "application/json")
        == expected
    )
    assert sent(lines.encode(), "application/jsonlines") == expected


@pytest.mark.parametrize(
    ("body", "content_type", "status", "sentence"),
    [
        (b"1,2", "text/csv", 415, "The content type is not one that the model takes"),
        (b"x", "", 415, "The content type is not one that the model takes"),
        (b"", "image/png", 400, "The request has an empty body."),
        (b"ab\xff", "text/plain", 400, "The body is not UTF-8: byte 2 is wrong."),
        (b"{", "application/json", 400, "The body is not JSON: "),
        (b"[1]", "application/json", 400, "The JSON body has to be an object"),
        (b'{"instances": []}', "application/json", 400, "There is no instance in the request."),
        (b'{"instances": [{"text": 1}]}', "application/json", 400, "instances[0] has to be"),
        (
            b'{"instances": [{"text": "\\ud800"}]}',
            "application/json",
            400,
            "instances[0] holds half of a surrogate",
        ),
        (
            b'{"instances": [{"image": {"b64": "%%"}}]}',
            "application/json",
            400,
            "instances[0] is not base64.",
        ),
        (b'{"text": "a"}\n{"text": ', "application/jsonlines", 400, "Line 2 is not JSON: "),
        (
            b'{"text": "a"}\n{"image": {"b64": "YQ=="}}',
            "application/jsonlines",
            400,
            "all images or all texts.",
        ),
        (b"[" * 100_000, "application/json", 400, "The body is nested too deeply."),
    ],
)
def test_what_the_model_does_not_take_is_refused_with_a_status(body, content_type, status, sentence):
    with pytest.raises(ValueError) as refusal:
        inference.input_handler(io.BytesIO(body), context(content_type))

    assert sentence in str(refusal.value)
    assert int(refusal.value.status[:3]) == status


@given(st.binary(min_size=1), st.sampled_from(["application/json", "application/jsonlines", "text/plain"]))
def test_any_body_is_taken_or_refused_without_being_repeated(body, content_type):
    """The container logs an error's text, so nothing that a customer sent may stand in it."""
    secret = b"customer-secret-7316"
    try:
        inference.input_handler(io.BytesIO(secret + body + secret), context(content_type))
    except inference.Refused as refusal:
        assert secret.decode() not in str(refusal)


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The hooks as they lie in the artefact, beside the labels."""
    monkeypatch.delenv("MODEL_VERSION", raising=False)
    (tmp_path / "code").mkdir()
    (tmp_path / "labels.json").write_text('["cat", "dog"]')
    shutil.copy(Path(inference.__file__), tmp_path / "code" / "inference.py")
    spec = importlib.util.spec_from_file_location("served_inference", tmp_path / "code" / "inference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(*predictions: dict, status: int = 200):
    """TensorFlow Serving's answer."""
    return types.SimpleNamespace(
        status_code=status, content=json.dumps({"predictions": predictions}).encode()
    )


ONE = {"label": "dog", "score": 0.75, "probabilities": [0.25, 0.75]}
LABELLED = {"label": "dog", "score": 0.75, "probabilities": {"cat": 0.25, "dog": 0.75}, "model_version": None}


def test_probabilities_leave_with_their_labels(served):
    body, content_type = served.output_handler(answer(ONE), context())

    assert json.loads(body) == {"predictions": [LABELLED]}
    assert content_type == "application/json"


def test_an_answer_names_the_version_that_the_container_was_given(served, monkeypatch):
    monkeypatch.setenv("MODEL_VERSION", "7")

    body, _ = served.output_handler(answer(ONE), context())

    assert json.loads(body) == {"predictions": [{**LABELLED, "model_version": "7"}]}


def test_json_lines_are_answered_in_kind(served):
    body, content_type = served.output_handler(answer(ONE, ONE), context(accept="application/jsonlines"))

    assert [json.loads(line) for line in body.splitlines()] == [LABELLED, LABELLED]
    assert content_type == "application/jsonlines"


def test_a_refusal_of_tensorflow_serving_keeps_its_words_and_status(served):
    response = types.SimpleNamespace(status_code=400, content=b'{"error": "Unknown image file format."}')

    with pytest.raises(served.Refused, match="Unknown image file format") as refusal:
        served.output_handler(response, context())
    assert refusal.value.status == "400"


def test_inside_the_container_a_refusal_is_an_error_of_its_web_framework(served, monkeypatch, tmp_path):
    """The container lets falcon's own errors through with their status; falcon is a stand-in here."""

    class HTTPError(Exception):
        def __init__(self, status, *, title=None, description=None):
            self.status, self.title, self.description = status, title, description

    monkeypatch.setitem(sys.modules, "falcon", types.SimpleNamespace(HTTPError=HTTPError))
    spec = importlib.util.spec_from_file_location("container_inference", tmp_path / "code" / "inference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    with pytest.raises(HTTPError) as refusal:
        module.input_handler(io.BytesIO(b"x"), context("text/csv"))
    assert refusal.value.status == "415 Unsupported Media Type"
    assert "it takes image/png" in refusal.value.description

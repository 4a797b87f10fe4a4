"""The container's hooks: each content type in, labelled predictions out, everything else refused with its status."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import io
import json
import math
import subprocess
import sys
import types

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.networks import NETWORKS
from model_code import inference
from model_code.export.hooks import write_hooks


def context(content_type: str | None = None, accept: str = "application/json"):
    """What the container tells its hooks."""
    return types.SimpleNamespace(request_content_type=content_type, accept_header=accept)


def sent(body: bytes, content_type: str) -> list:
    """The instances that TensorFlow Serving would get."""
    return json.loads(inference.input_handler(io.BytesIO(body), context(content_type)))["instances"]


def npy(values: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    """An array as NumPy writes it."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, values, version=version)
    return buffer.getvalue()


def b64(content: bytes) -> dict[str, str]:
    """Bytes in TensorFlow Serving's JSON."""
    return {"b64": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    "content_type", ["image/png", "image/jpeg", "image/jpg", "application/x-image", "IMAGE/PNG; q=1"]
)
def test_an_images_bytes_are_passed_on(content_type):
    assert sent(b"\x89PNG\x00", content_type) == [{"image": b64(b"\x89PNG\x00")}]


def test_a_plain_text_is_passed_on_as_utf8():
    assert sent("naïve ☃".encode(), "text/plain; charset=utf-8") == [{"text": b64("naïve ☃".encode())}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"])
def test_a_text_is_decoded_by_its_mark_or_the_charset_that_its_type_names(encoding):
    instance, charset = {"text": b64("Schön.".encode())}, encoding.removesuffix("-sig")
    inside_json = json.dumps({"text": "Schön."}, ensure_ascii=False)

    assert sent("Schön.".encode(encoding), f"text/plain; charset={charset}") == [instance]
    for kind in ("application/json", "application/jsonlines"):
        assert sent(inside_json.encode(encoding), f"{kind}; charset={charset}") == [instance]
        assert sent(inside_json.encode("utf-8-sig"), kind) == [instance]


@pytest.mark.parametrize(
    "written",
    [base64.encodebytes(b"\xfb\xff" * 60), base64.urlsafe_b64encode(b"\xfb\xff" * 60).rstrip(b"=")],
    ids=["lines", "URL-safe"],
)
def test_an_image_in_json_is_read_as_the_standards_of_base64_allow(written):
    body = json.dumps({"image": {"b64": written.decode()}}).encode()
    assert sent(body, "application/json") == [{"image": b64(b"\xfb\xff" * 60)}]


def test_json_instances_are_passed_on_in_their_order():
    body = json.dumps({"instances": [{"text": "good"}, {"text": "bad"}]}).encode()

    assert sent(body, "application/json") == [{"text": b64(b"good")}, {"text": b64(b"bad")}]


def test_json_lines_are_one_instance_each():
    body = json.dumps({"image": b64(b"one")}) + "\n\n" + json.dumps({"image": b64(b"two")}) + "\n"

    assert sent(body.encode(), "application/jsonlines") == [{"image": b64(b"one")}, {"image": b64(b"two")}]


def test_an_instance_may_stand_alone():
    assert sent(b'{"text": "good"}', "application/json") == [{"text": b64(b"good")}]
    assert sent(b'{"sequence": [[1, 2.5]]}', "application/json") == [{"sequence": [[1, 2.5]]}]


def test_whole_numbers_of_a_sequence_are_sent_as_floats():
    """TensorFlow Serving refuses a whole number above 16,777,215 where it reads floats."""
    (row,) = sent(b'{"sequence": [[16777217, -3]]}', "application/json")
    assert [type(value) for value in row["sequence"][0]] == [float, float]


def test_sequences_of_one_request_are_padded_behind_to_the_longest():
    body = b'{"sequence": [[1, 2]]}\n{"sequence": [[3, 4], [5, 6]]}'

    short, long = (one["sequence"] for one in sent(body, "application/jsonlines"))

    assert long == [[3, 4], [5, 6]]
    assert short[0] == [1, 2]
    assert len(short) == 2
    assert all(math.isnan(value) for value in short[1])


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", "<i2", ">i4", "|u1", "|i1"])
@pytest.mark.parametrize("shape", [(4, 3), (2, 4, 3), (1, 1)])
def test_a_numpy_file_is_one_sequence_or_several(kind, shape, version):
    values = (np.arange(np.prod(shape)).reshape(shape) * 3).astype(kind)

    rows = sent(npy(values, version), "application/x-npy")

    expected = values if len(shape) == 3 else values[None]
    np.testing.assert_array_equal([row["sequence"] for row in rows], expected)


@given(st.binary(max_size=60), st.integers(0, 80))
def test_a_damaged_numpy_file_is_taken_or_refused(garbage, cut):
    whole = npy(np.ones((2, 3), np.float32))

    for body in (b"\x93NUMPY" + garbage, whole[:cut] + garbage + whole[cut:], whole[: cut + 60]):
        with contextlib.suppress(inference.Refused):
            sent(body, "application/x-npy")


@given(
    st.lists(
        st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        min_size=1,
        max_size=5,
    )
)
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
        (b"\0\xd8", "text/plain; charset=utf-16le", 400, "The body is not UTF-16-LE: byte 0 is wrong."),
        (
            "Film".encode("utf-16-le"),
            "text/plain",
            400,
            "The body holds a zero character, which no text has.",
        ),
        (
            b"Film",
            "text/plain; charset=utf-7",
            415,
            "The charset of the content type is none that is decoded",
        ),
        (b"{", "application/json", 400, "The body is no JSON at character 1."),
        (b"[1]", "application/json", 400, "The JSON body has to be an object"),
        (b'{"instances": []}', "application/json", 400, "There is no instance in the request."),
        (b'{"instances": [{"text": 1}]}', "application/json", 400, "Instance 1 has to be"),
        (b'{"text": "a\\u0000b"}', "application/json", 400, "The body holds a zero character"),
        (b" ", "application/json", 400, "The body is empty, and so no JSON."),
        (
            b'{"instances": [{"text": "\\ud800"}]}',
            "application/json",
            400,
            "Instance 1 holds half of a surrogate",
        ),
        (
            b'{"instances": [{"image": {"b64": "%%"}}]}',
            "application/json",
            400,
            "Instance 1 is not base64.",
        ),
        (b'{"text": "a"}\n{"text": ', "application/jsonlines", 400, "Line 2 is no JSON at character 9."),
        (
            b'{"text": "a"}\n{"image": {"b64": "YQ=="}}',
            "application/jsonlines",
            400,
            "all images, all texts or all sequences.",
        ),
        (b"[" * 100_000, "application/json", 400, "The body is no JSON."),
        (b'{"sequence": [[' + b"9" * 5_000 + b"]]}", "application/json", 400, "The body is no JSON."),
        (b'{"sequence": []}', "application/json", 400, "has to be a list of at least one step"),
        (b'{"sequence": [1]}', "application/json", 400, "each a list of numbers."),
        (
            b'{"sequence": [[]]}',
            "application/json",
            400,
            "Step 1 of the sequence of The body has 0 channels.",
        ),
        (b'{"sequence": [[1], [1, 2]]}', "application/json", 400, "Step 2 of the sequence of The body has 2"),
        (b'{"sequence": [[1], [NaN]]}', "application/json", 400, "NaN is no number of JSON's."),
        (b'{"sequence": [[1e39]]}', "application/json", 400, "holds what is no number of 32 bits."),
        (b'{"sequence": [[true]]}', "application/json", 400, "holds what is no number of 32 bits."),
        (b'{"sequence": [["1"]]}', "application/json", 400, "holds what is no number of 32 bits."),
        (
            b'{"sequence": [[1]]}\n{"sequence": [[1, 2]]}',
            "application/jsonlines",
            400,
            "have to have the same number of channels.",
        ),
        (b"text", "application/x-npy", 400, "The body is no NumPy file."),
        (npy(np.ones(3)), "application/x-npy", 400, "has to have the shape [steps, channels]"),
        (npy(np.ones((0, 3))), "application/x-npy", 400, "none of them 0."),
        (npy(np.ones((2, 3)))[:-1], "application/x-npy", 400, "not as many bytes as its header says."),
        (npy(np.full((2, 3), np.inf)), "application/x-npy", 400, "Step 1 of the sequence of number 1"),
        (npy(np.ones((2, 3), complex)), "application/x-npy", 400, "has to be of 32- or 64-bit floats"),
        (npy(np.ones((2, 3)).T), "application/x-npy", 400, "row by row (C order)"),
    ],
)
def test_what_the_model_does_not_take_is_refused_with_a_status(body, content_type, status, sentence):
    with pytest.raises(ValueError) as refusal:
        inference.input_handler(io.BytesIO(body), context(content_type))

    assert sentence in str(refusal.value)
    assert int(refusal.value.status[:3]) == status


@given(st.binary(min_size=1), st.sampled_from(inference.TAKEN_TYPES))
def test_any_body_is_taken_or_refused_without_being_repeated(body, content_type):
    """The container logs an error's text, so nothing that a customer sent may stand in it."""
    secret = b"customer-secret-7316"
    try:
        inference.input_handler(io.BytesIO(secret + body + secret), context(content_type))
    except inference.Refused as refusal:
        assert secret.decode() not in str(refusal)


def test_the_registry_is_told_every_type_that_the_hooks_take():
    assert {content_type for network in NETWORKS.values() for content_type in network.content_types} == set(
        inference.TAKEN_TYPES
    )


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The hooks as they lie in the artefact, beside the labels."""
    monkeypatch.delenv("MODEL_VERSION", raising=False)
    (tmp_path / "labels.json").write_text('["cat", "dog"]')
    write_hooks(tmp_path)
    spec = importlib.util.spec_from_file_location("served_inference", tmp_path / "code" / "inference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_artefact_brings_all_that_its_hooks_import(tmp_path):
    """A container of several models has each one's `code/lib` on its path, and nothing else of the project."""
    write_hooks(tmp_path)
    program = (
        "import importlib.util, sys\n"
        "sys.path.append(sys.argv[1] + '/lib')\n"
        "spec = importlib.util.spec_from_file_location('inference', sys.argv[1] + '/inference.py')\n"
        "spec.loader.exec_module(module := importlib.util.module_from_spec(spec))\n"
        "print(module.media_type('IMAGE/JPG; q=1'))\n"
    )
    # -S: without the packages among which the project itself is installed.
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path / "code")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)

    assert (ended.returncode, ended.stdout.strip()) == (0, "image/jpeg"), ended.stderr


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


def test_a_numpy_file_is_answered_in_kind(served):
    other = {**ONE, "probabilities": [0.5, 0.5]}

    for accept in ("application/x-npy", "*/*", None):
        body, content_type = served.output_handler(answer(ONE, other), context("application/x-npy", accept))

        assert content_type == "application/x-npy"
        probabilities = np.load(io.BytesIO(body), allow_pickle=False)
        assert probabilities.dtype == np.float32
        np.testing.assert_array_equal(probabilities, [[0.25, 0.75], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("asked", "accepted", "answered"),
    [
        ("application/jsonlines", "*/*", "application/jsonlines"),
        ("application/jsonlines", None, "application/jsonlines"),
        ("application/jsonlines", "application/json", "application/json"),
        ("text/plain", "*/*", "application/json"),
        ("image/png", "text/html, application/x-npy;q=0.9", "application/x-npy"),
        ("image/png", "application/x-npy;q=0.1, application/json", "application/json"),
        ("image/png", "*/*;q=0.1, application/jsonlines; q=0.2", "application/jsonlines"),
        ("image/png", "application/json; q=0, application/jsonlines; q=1.000", "application/jsonlines"),
    ],
)
def test_the_caller_says_in_which_type_he_is_answered(served, asked, accepted, answered):
    assert served.output_handler(answer(ONE), context(asked, accepted))[1] == answered


def test_a_type_that_the_model_does_not_answer_in_is_refused_before_the_prediction():
    with pytest.raises(inference.Refused, match="The model answers in application/json, ") as refusal:
        inference.input_handler(io.BytesIO(b"good"), context("text/plain", "text/csv, application/json;q=0"))
    assert refusal.value.status == "406 Not Acceptable"


def test_a_refusal_of_tensorflow_serving_keeps_its_words_and_status(served):
    response = types.SimpleNamespace(status_code=400, content=b'{"error": "Unknown image file format."}')

    with pytest.raises(served.Refused, match="Unknown image file format") as refusal:
        served.output_handler(response, context())
    assert refusal.value.status == "400 Bad Request"


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

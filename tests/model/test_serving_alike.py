"""The server without TensorFlow reads samples, answers and refuses as the SavedModel behind the container's hooks."""

from __future__ import annotations

import base64
import functools
import io
import json
import shutil
import types
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from definitions.words import RULES
from local_aws.serving import Predictor, load_handlers
from model_code import inference
from model_code.data.image_files import network_file
from model_code.data.records import read_split
from model_code.networks.preprocessing import decode_images, encode_texts, pad_sequences, vocabulary_table
from serving import contract
from serving.contract import InferenceRequest
from serving.model import Model, ModelUnusable
from serving.preprocessing import MOST_PIXELS, Unreadable, reader_of

VOCABULARY = ["the", "film", "was", "good", ".", "!", "_", "ß", "don't", "σας"]
TABLE = vocabulary_table(VOCABULARY)
ENCODE = tf.function(
    lambda texts: encode_texts(texts, TABLE, 8), input_signature=[tf.TensorSpec([None], tf.string)]
)
DECODE = tf.function(
    lambda files: decode_images(files, 16), input_signature=[tf.TensorSpec([None], tf.string)]
)
READ_TEXT = reader_of(
    {"feature": "text", "sequence_length": 8, "word_rules": RULES, "vocabulary": VOCABULARY}
)
READ_IMAGE = reader_of({"feature": "image", "image_size": 16})
MARKED = "customer-secret-7316"


def file_of(image: Image.Image, kind: str, **options) -> bytes:
    """An image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def assert_nearly_equal(pixels: np.ndarray, expected: np.ndarray) -> None:
    """Equal but for the last bit of sums of a half, which decides how they are rounded; black and white has many."""
    difference = np.abs(pixels.astype(int) - expected.astype(int))
    assert difference.max() <= 1
    assert np.count_nonzero(difference) <= 16


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=40))
@example("The FILM was_good!<br />Don't\x85the\xa0film\x0b<BR\n/>\x1cthe")
@example("ΣΑΣ. İstanbul ½ ² Ⅷ 〇 ªº ﬁ 中文")
@example("the " * 20 + "good")
@example("")
@example("good\0film")
def test_a_text_becomes_the_same_word_numbers(text):
    np.testing.assert_array_equal(READ_TEXT(text), ENCODE(tf.constant([text.encode()])))


def test_an_artefact_that_names_no_rules_has_its_words_cut_as_it_learnt_them():
    read = reader_of({"feature": "text", "sequence_length": 4, "vocabulary": ["caf", "café", "服务"]})

    assert read("cafe\u0301 服务").tolist() == [[1, 1, 4, 0]]
    assert read("CAFÉ").tolist() == [[3, 0, 0, 0]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (31, 9), (9, 31), (200, 131)])
def test_a_png_of_any_mode_and_size_becomes_the_same_pixels(mode, size):
    shape = (size[1], size[0])
    generator = np.random.default_rng(0)
    if mode == "I;16":
        image = Image.fromarray(generator.integers(0, 65536, shape, dtype=np.uint16))
    else:
        image = Image.fromarray(generator.integers(0, 256, (*shape, 4), dtype=np.uint8)).convert(mode)
    content = file_of(image, "PNG")

    assert_nearly_equal(READ_IMAGE(content), DECODE(tf.constant([content])).numpy())


@pytest.mark.parametrize(
    ("mode", "transparent"),
    [("1", 1), ("L", 7), ("P", 3), ("P", bytes(range(256))), ("RGB", (5, 6, 7)), ("I;16", 7 * 256 + 9)],
)
def test_a_png_with_one_transparent_colour_or_an_opacity_of_each_has_it_on_white(mode, transparent):
    kind = np.uint16 if mode == "I;16" else np.uint8
    shape = (16, 16, 3) if mode == "RGB" else (16, 16)
    pixels = np.full(shape, 7 * 256 + 9 if mode == "I;16" else 7, kind)
    pixels[3:9, 2:] = (5, 6, 7) if mode == "RGB" else 3
    image = Image.fromarray(pixels).convert("1") if mode == "1" else Image.fromarray(pixels)
    if mode == "P":
        image = image.convert("P")
    content = file_of(image, "PNG", transparency=transparent)
    assert b"tRNS" in content

    read = READ_IMAGE(content)
    np.testing.assert_array_equal(read, DECODE(tf.constant([content])).numpy())
    assert read.max() > 240, "something shows the white behind it"


def test_half_transparent_black_is_grey_in_graph_server_and_what_is_imported():
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[..., 3] = np.arange(256).reshape(16, 16)
    expected = np.repeat(255 - pixels[..., 3:], 3, axis=2)
    content = file_of(Image.fromarray(pixels), "PNG")

    np.testing.assert_array_equal(READ_IMAGE(content)[0], expected)
    np.testing.assert_array_equal(DECODE(tf.constant([content])).numpy()[0], expected)
    imported = network_file(file_of(Image.fromarray(pixels), "WEBP", lossless=True, exact=True))
    np.testing.assert_array_equal(READ_IMAGE(imported)[0], expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0, "quality": 95}])
def test_a_jpeg_becomes_the_same_pixels(mode, options):
    noise = np.random.default_rng(0).integers(0, 256, (9, 12, 4), dtype=np.uint8)
    image = Image.fromarray(noise).resize((61, 40), Image.Resampling.BICUBIC).convert(mode)
    content = file_of(image, "JPEG", **options)

    assert_nearly_equal(READ_IMAGE(content), DECODE(tf.constant([content])).numpy())


@pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc0", b"\xff\xda", b"\xff\xd9"])
def test_a_jpeg_with_stray_bytes_before_a_segment_becomes_the_same_pixels(marker):
    content = file_of(Image.linear_gradient("L").resize((61, 40)).convert("RGB"), "JPEG")
    stray = content.replace(marker, b"stray" + marker, 1)

    np.testing.assert_array_equal(READ_IMAGE(stray), READ_IMAGE(content))
    assert_nearly_equal(READ_IMAGE(stray), DECODE(tf.constant([stray])).numpy())


def test_a_jpeg_with_a_broken_colour_profile_becomes_the_same_pixels():
    content = file_of(Image.linear_gradient("L").resize((61, 40)).convert("RGB"), "JPEG")
    profile = b"ICC_PROFILE\0\x01\x01broken"
    # The same part of it twice.
    segments = (b"\xff\xe2" + (len(profile) + 2).to_bytes(2) + profile) * 2
    broken = content.replace(b"\xff\xdb", segments + b"\xff\xdb", 1)

    np.testing.assert_array_equal(READ_IMAGE(broken), READ_IMAGE(content))
    assert_nearly_equal(READ_IMAGE(broken), DECODE(tf.constant([broken])).numpy())


@pytest.mark.parametrize("steps", [1, 5, 7])
def test_a_sequence_is_padded_alike(steps):
    read = reader_of({"feature": "sequence", "sequence_length": 7, "channels": 3})
    values = np.random.default_rng(0).normal(size=(steps, 3)).astype(np.float32)

    np.testing.assert_array_equal(read(values), pad_sequences(values[None], 7))


def test_an_image_that_would_fill_the_memory_is_refused_before_it_is_decoded():
    content = bytearray(file_of(Image.new("1", (16, 16)), "PNG"))
    content[16:24] = (20_000).to_bytes(4, "big") * 2
    # Its checksum has to fit, or the size would not be believed.
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")

    with pytest.raises(Unreadable, match=f"{MOST_PIXELS:,} pixels"):
        READ_IMAGE(bytes(content))


@functools.cache
def load(artefact: Path) -> Model:
    """The artefact as the server loads it."""
    return Model(artefact)


@functools.cache
def load_container(artefact: Path) -> types.SimpleNamespace:
    """The same artefact behind the container's hooks: a function from request to content and type."""
    predictor, handlers = Predictor(artefact), load_handlers(artefact)

    def answer(request: InferenceRequest) -> tuple[bytes | str, str]:
        question = handlers.input_handler(io.BytesIO(request.body), request)
        return handlers.output_handler(predictor.predict(question), request)

    return types.SimpleNamespace(answer=answer, handlers=handlers)


@pytest.fixture
def model(trained) -> Model:
    """The trained network's."""
    return load(trained.artefact)


@pytest.fixture
def container(trained) -> types.SimpleNamespace:
    """The trained network's."""
    return load_container(trained.artefact)


def bodies(split) -> list[InferenceRequest]:
    """A split's samples in every form in which they may be sent."""
    samples = split.samples[:6]
    if split.feature == "sequence":
        rows = [{"sequence": sample.tolist()} for sample in samples]
        same_length = np.stack([sample[:12] for sample in samples])
        npy = io.BytesIO()
        np.save(npy, same_length)
        raw = [(npy.getvalue(), "application/x-npy")]
        for kind in (">f8", "<f8"):
            other = io.BytesIO()
            np.save(other, samples[0].astype(kind))
            raw.append((other.getvalue(), "application/x-npy"))
    elif split.feature == "text":
        rows = [{"text": sample.decode()} for sample in samples]
        raw = [(sample, "text/plain; charset=utf-8") for sample in samples]
        raw += [(samples[0].decode().encode("utf-16"), "text/plain")]
    else:
        rows = [{"image": {"b64": base64.b64encode(sample).decode()}} for sample in samples]
        raw = [(sample, "image/png") for sample in samples]
    raw += [
        (json.dumps({"instances": rows}).encode(), "application/json"),
        (json.dumps(rows[0]).encode(), "application/json"),
        (json.dumps(rows[0]).encode("utf-8-sig"), "application/json"),
        (json.dumps(rows[0]).encode("utf-16-le"), "application/json; charset=utf-16le"),
        ("\n".join(json.dumps(row) for row in rows).encode() + b"\n\n", "application/jsonlines"),
    ]
    accepted = ("application/json", "application/jsonlines", "application/x-npy", "*/*")
    return [InferenceRequest(body, content_type, accept) for body, content_type in raw for accept in accepted]


def values(content: bytes | str, content_type: str) -> tuple[list, np.ndarray]:
    """An answer's parts: what has to be equal, and the numbers that have to be close."""
    if content_type == "application/x-npy":
        array = np.load(io.BytesIO(content), allow_pickle=False)
        return [array.dtype, array.shape], array
    if content_type == "application/jsonlines":
        text = content if isinstance(content, str) else content.decode()
        predictions = [json.loads(line) for line in text.split("\n")]
    else:
        predictions = json.loads(content)["predictions"]
    numbers = [[prediction.pop("score"), *prediction["probabilities"].values()] for prediction in predictions]
    return [
        (prediction | {"probabilities": list(prediction["probabilities"])}) for prediction in predictions
    ], np.array(numbers)


def test_every_form_of_request_is_answered_as_the_container_does(trained, model, container, monkeypatch):
    monkeypatch.setenv("MODEL_VERSION", "7")
    for request in bodies(read_split(trained.channels / "test", trained.kind)):
        content, content_type = answered(model, request, "7")
        expected, expected_type = container.answer(request)

        assert content_type == expected_type
        same, numbers = values(content, content_type)
        same_there, numbers_there = values(expected, expected_type)
        assert same == same_there
        np.testing.assert_allclose(numbers, numbers_there, atol=1e-4)


def answered(model: Model, request: InferenceRequest, version: str | None) -> tuple[bytes, str]:
    """The server's answer to a request."""
    asked = contract.read(model, request)
    rows = contract.predict(model, asked.samples)
    return contract.written(rows, model, version, asked.wanted), asked.wanted


def refusal(answer, request: InferenceRequest) -> tuple[int, str] | None:
    """Status and sentence of a refusal; None for an answer."""
    try:
        answer(request)
    except ValueError as error:
        return int(str(error.status).split()[0]), str(error)
    return None


ODD = [
    b"",
    b"\xff",
    b"{",
    b"[1]",
    b"{}",
    b'{"instances": []}',
    b'{"instances": {}}',
    b'{"instances": [{}]}',
    b'{"text": 1}',
    b'{"text": "\\ud800"}',
    b'{"text": "a", "more": 1}',
    b'{"image": {"b64": "%%"}}',
    b'{"sequence": [[1, 2, 3], [4, 5]]}',
    b'{"sequence": [[true, 2, 3]]}',
    b'{"sequence": [["1", "2", "3"]]}',
    b'{"sequence": [[1, 2, null]]}',
    b'{"sequence": [[1, 2, NaN]]}',
    b'{"sequence": [[1, 2, 1e39]]}',
    b'{"sequence": [[1, 2, 3]]}\n{"sequence": [[1, 2]]}',
    b'{"sequence": []}',
    b'{"sequence": 3}',
    b"[" * 100_000,
    b'{"sequence": [[' + b"9" * 5_000 + b"]]}",
    "Ä film.".encode("latin-1"),
    "Ä film.".encode("utf-16-le"),
    b"\x93NUMPY\x01\x00\x08\x00garbage!",
    b"\x93NUMPY\x09",
    b'{"text": "a"}\n{"text": ',
]


def by_contract(model: Model):
    """The server's answer to a request."""
    return lambda request: answered(model, request, None)


@pytest.mark.parametrize("body", ODD, ids=range(len(ODD)))
def test_what_the_containers_hooks_refuse_is_refused_in_the_same_words(model, container, body):
    encoded = (
        "text/plain; charset=utf-16le",
        "application/json; charset=latin-1",
        "text/plain; charset=utf-7",
    )
    for content_type in (*inference.TAKEN_TYPES, *encoded, "text/csv", None):
        for accept in ("*/*", "text/html"):
            request = InferenceRequest(body, content_type, accept)
            there = refusal(lambda one: container.handlers.input_handler(io.BytesIO(one.body), one), request)
            here = refusal(by_contract(model), request)
            if there:
                assert here == there


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=40), st.sampled_from(inference.TAKEN_TYPES))
def test_any_body_gets_an_answer_or_a_refusal_that_repeats_nothing(model, body, content_type):
    refused = refusal(by_contract(model), InferenceRequest(MARKED.encode() + body, content_type, "*/*"))

    assert refused is None or (400 <= refused[0] < 500 and MARKED not in refused[1])


def test_samples_of_another_kind_are_refused_with_what_the_model_takes(model):
    other = {"image": b'{"text": "a"}', "text": b'{"sequence": [[1]]}', "sequence": b'{"text": "a"}'}

    status, sentence = refusal(
        by_contract(model), InferenceRequest(other[model.feature], "application/json", None)
    )

    assert status == 400
    assert sentence.endswith(f"it takes {model.feature}s.")


def test_one_damaged_image_refuses_its_request_and_no_other(model, trained):
    if model.feature != "image":
        pytest.skip("texts and sequences cannot be damaged once they are read")
    whole = read_split(trained.channels / "test", trained.kind).samples[0]

    for damaged in (whole[:60], b"GIF89a" + whole, whole[:-20]):
        status, sentence = refusal(by_contract(model), InferenceRequest(damaged, "image/png", None))
        assert (status, sentence) == (400, "The image is no PNG or JPEG file that can be decoded.")
    assert refusal(by_contract(model), InferenceRequest(whole, "image/png", None)) is None


def test_a_sequence_that_does_not_fit_the_network_is_refused(model):
    if model.feature != "sequence":
        pytest.skip("only sequences have steps and channels")
    for steps, said in (
        ([[1, 2]], "sequences of 3 channels; this one has 2"),
        ([[1, 2, 3]] * 25, "most 24 steps"),
    ):
        body = json.dumps({"sequence": steps}).encode()
        assert said in refusal(by_contract(model), InferenceRequest(body, "application/json", None))[1]


def test_eight_bit_weights_answer_nearly_the_same(model, trained):
    small = Model(trained.artefact, precision="int8")
    request = bodies(read_split(trained.channels / "test", trained.kind))[-4]

    np.testing.assert_allclose(
        small.probabilities(contract.samples_of(request, small)),
        model.probabilities(contract.samples_of(request, model)),
        atol=0.05,
    )


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("labels.json", None),
        ("labels.json", '["one too few"]'),
        ("litert/float32.tflite", "damaged"),
        ("litert/preprocessing.json", "{}"),
    ],
)
def test_an_artefact_that_cannot_be_served_is_refused_with_a_reason(trained, tmp_path, file, content):
    for name in ("labels.json", "litert"):
        source = trained.artefact / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_text(content)

    with pytest.raises(ModelUnusable, match=r"The model in .+\."):
        Model(tmp_path)

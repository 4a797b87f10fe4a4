"""The served artefact gives the trained network's answers, through the very preprocessing that training used."""

from __future__ import annotations

import functools
import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from model_code.data.records import read_split
from model_code.networks.preprocessing import (
    FIRST_WORD,
    PADDING,
    UNKNOWN,
    build_vocabulary,
    decode_all_images,
    encode_all_texts,
    stack_sequences,
    vocabulary_table,
)

VOCABULARY = ["the", "film", "was", "good", ".", "!"]


@functools.cache
def load_signature(artefact: Path):
    """The exported serving signature, loaded as a server loads it."""
    loaded = tf.saved_model.load(str(artefact / "1"))
    function = loaded.signatures["serving_default"]
    function.keeps_alive = loaded
    return function


@pytest.fixture
def signature(trained):
    """The trained network's."""
    return load_signature(trained.artefact)


def stacked(split) -> tf.Tensor:
    """A split's samples as a client sends them."""
    return tf.constant(stack_sequences(split.samples) if split.feature == "sequence" else split.samples)


def test_the_artefact_answers_as_the_network_does(trained, signature):
    samples = stacked(read_split(trained.channels / "test", trained.kind))
    logits = trained.network(trained.task.preprocess(samples), training=False)
    expected = tf.nn.softmax(logits).numpy()

    answer = signature(**{trained.task.feature: samples})

    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    decided = (expected * [3.0, *[1.0] * (expected.shape[1] - 1)]).argmax(axis=1)
    assert (decided != expected.argmax(axis=1)).any()
    np.testing.assert_allclose(answer["score"], expected[np.arange(len(decided)), decided], atol=1e-5)
    names = [trained.task.labels[i].encode() for i in decided]
    assert answer["label"].numpy().tolist() == names


def test_serving_sees_what_training_saw(trained):
    """The arrays training read equal what the serving graph's preprocessing makes of the same bytes."""
    samples = stacked(read_split(trained.channels / "train", trained.kind))

    served = trained.task.preprocess(samples).numpy()

    np.testing.assert_array_equal(served, trained.task.train.inputs)


def test_the_served_graph_runs_without_a_gpu(trained, signature):
    functions = [signature.graph.as_graph_def(), *signature.graph.as_graph_def().library.function]
    operations = {
        node.op
        for function in functions
        for node in (function.node_def if hasattr(function, "node_def") else function.node)
    }

    assert len(operations) > 10
    assert not {operation for operation in operations if "cudnn" in operation.lower()}
    assert not {operation for operation in operations if operation in ("EagerPyFunc", "PyFunc")}


@pytest.mark.parametrize("length", [1, 12, 24])
def test_padding_behind_a_sequence_changes_no_answer(trained, signature, length):
    if trained.task.feature != "sequence":
        pytest.skip("only sensor sequences are masked")
    values = np.random.default_rng(0).normal(size=(1, length, 3)).astype(np.float32)
    behind = np.concatenate([values, np.full((1, 24 - length, 3), np.nan, np.float32)], axis=1)

    alone = signature(sequence=tf.constant(values))["probabilities"].numpy()
    padded = signature(sequence=tf.constant(behind))["probabilities"].numpy()

    assert np.isfinite(alone).all()
    np.testing.assert_array_equal(alone, padded)


def test_a_sequence_longer_than_the_network_reads_is_refused(trained, signature):
    if trained.task.feature != "sequence":
        pytest.skip("a long text keeps its beginning and end")

    with pytest.raises(
        tf.errors.InvalidArgumentError, match="The model reads sequences of at most 24 steps."
    ):
        signature(sequence=tf.zeros([1, 25, 3]))


def encode(texts: list[bytes], sequence_length: int = 8) -> np.ndarray:
    """Word numbers under VOCABULARY."""
    return encode_all_texts(texts, vocabulary_table(VOCABULARY), sequence_length)


def test_words_are_lower_cased_split_from_signs_and_numbered():
    numbers = {word: FIRST_WORD + i for i, word in enumerate(VOCABULARY)}

    (row,) = encode(["The film<br />was GOOD! Überraschend".encode()])

    expected = [numbers[word] for word in ("the", "film", "was", "good", "!")] + [UNKNOWN, PADDING, PADDING]
    assert row.tolist() == expected


def test_a_long_text_keeps_its_first_quarter_and_its_end():
    text = b" ".join([b"the"] * 50 + [b"film"] * 50 + [b"good"] * 6)

    (row,) = encode([text])

    the, good = FIRST_WORD, FIRST_WORD + VOCABULARY.index("good")
    assert row.tolist() == [the, the] + [good] * 6


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), min_size=1, max_size=4))
@example([b""])
@example([b"", b" ", b"\xff\xfe"])
@example([b"good " * 100_000])
def test_any_bytes_become_word_numbers(texts):
    rows = encode(texts)

    assert rows.shape == (len(texts), 8)
    assert rows.min() >= PADDING
    assert rows.max() < FIRST_WORD + len(VOCABULARY)
    for row in rows:
        words = np.flatnonzero(row)
        assert words.tolist() == list(range(len(words))), "padding stands behind the words"


@settings(deadline=None, max_examples=30)
@given(st.lists(st.binary(max_size=40), max_size=8))
@example([b"\xff", b"\xfe", b"\xc3(", b"\xff\xfe"])
def test_a_vocabulary_of_any_bytes_makes_a_table(texts):
    vocabulary = build_vocabulary([*texts, b"word"], 100)

    assert len(set(vocabulary)) == len(vocabulary)
    assert int(vocabulary_table(vocabulary).size()) == len(vocabulary)


def test_the_vocabulary_is_ordered_by_frequency_then_alphabet():
    assert build_vocabulary([b"b a c", b"c b", b"d c"], 3) == ["c", "b", "a"]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA"])
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (31, 9), (200, 300)])
def test_images_of_any_size_and_mode_become_squares_of_three_channels(mode, size):
    buffer = io.BytesIO()
    # The colour is one of the palette that mode P converts to, so nothing is dithered.
    Image.new("RGB", size, (204, 0, 51)).convert(mode).save(buffer, "PNG")

    images = decode_all_images([buffer.getvalue()], 16)

    assert images.shape == (1, 16, 16, 3)
    assert images.dtype == np.uint8
    assert np.ptp(images, axis=(0, 1, 2)).max() == 0, "one colour stays one colour"


def test_an_image_of_the_networks_size_is_passed_on_unchanged():
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")

    np.testing.assert_array_equal(decode_all_images([buffer.getvalue()], 16)[0], pixels)

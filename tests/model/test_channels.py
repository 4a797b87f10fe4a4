"""A channel is read whole, or refused with one sentence that says what is wrong and where."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from model_code.data.records import read_split, write_split
from model_code.failures import JobFailed
from model_code.hyperparameters import KINDS, build
from model_code.training.tasks import load_task


@pytest.fixture
def texts(tmp_path):
    """A small channel of texts."""
    write_split(
        tmp_path / "train", "text", [b"good", b"bad", b"", "naïve ☃".encode()], [1, 0, 1, 0], ["no", "yes"]
    )
    return tmp_path / "train"


def sentence_of(call) -> str:
    """The sentence with which a call fails."""
    with pytest.raises(JobFailed) as failure:
        call()
    return str(failure.value)


def test_what_was_written_is_read_back(texts):
    split = read_split(texts, "rnn")

    assert split.samples == [b"good", b"bad", b"", "naïve ☃".encode()]
    np.testing.assert_array_equal(split.targets, [1, 0, 1, 0])
    assert split.labels == ["no", "yes"]


def test_a_missing_channel_is_named(tmp_path):
    assert sentence_of(lambda: read_split(tmp_path / "train", "rnn")) == (
        f"The channel train is missing: there is no {tmp_path / 'train'}."
    )


def test_a_channel_without_shards_is_refused(texts):
    (texts / "part-00000.tfrecord").unlink()

    assert "holds no *.tfrecord file" in sentence_of(lambda: read_split(texts, "rnn"))


def test_a_channel_without_records_is_refused(texts):
    (texts / "part-00000.tfrecord").write_bytes(b"")

    assert "has shards but no record in them" in sentence_of(lambda: read_split(texts, "rnn"))


def test_a_label_that_no_class_has_is_named(tmp_path):
    write_split(tmp_path / "train", "text", [b"good", b"bad"], [1, 7], ["no", "yes"])

    assert sentence_of(lambda: read_split(tmp_path / "train", "rnn")) == (
        f"Record 1 of {tmp_path / 'train'} has the label 7, but labels.json names 2 classes, 0 to 1."
    )


def test_a_damaged_shard_is_named(texts):
    shard = texts / "part-00000.tfrecord"
    content = bytearray(shard.read_bytes())
    content[20] ^= 1
    shard.write_bytes(content)

    assert f"The shard {shard} cannot be read" in sentence_of(lambda: read_split(texts, "rnn"))


def test_images_in_a_channel_for_texts_are_refused(channels):
    sentence = sentence_of(lambda: read_split(channels["cnn"] / "train", "rnn"))

    assert "with the features 'text' or 'sequence' and 'label'" in sentence
    assert sentence.endswith("Write it again, or train the network that fits what it holds.")


@pytest.mark.parametrize("content", ["", "{}", '["one"]', '["same", "same"]', "[1, 2]"])
def test_labels_that_name_no_two_classes_are_refused(texts, content):
    (texts / "labels.json").write_text(content)

    assert "labels.json" in sentence_of(lambda: read_split(texts, "rnn"))


def small(kind: str, **values: str):
    """Hyperparameters for the tests' small channels."""
    return build(KINDS[kind], {"batch_size": "8", **values})


def test_a_class_without_a_training_sample_is_named(channels, tmp_path):
    shutil.copytree(channels["rnn"], tmp_path / "rnn")
    for split in ("train", "validation"):
        (tmp_path / "rnn" / split / "labels.json").write_text(json.dumps(["negative", "positive", "neutral"]))

    sentence = sentence_of(
        lambda: load_task(small("rnn"), tmp_path / "rnn" / "train", tmp_path / "rnn" / "validation")
    )

    assert sentence.startswith("The channel train has no sample of the class 'neutral'.")


def test_channels_that_name_other_classes_are_refused(channels, texts):
    sentence = sentence_of(lambda: load_task(small("rnn"), channels["rnn"] / "train", texts))

    assert sentence == "The channels train and validation name different classes in their labels.json."


def test_a_sample_that_is_no_image_is_refused(tmp_path, channels):
    write_split(tmp_path / "train", "image", [b"not an image"] * 9, [0, 1, 2] * 3, ["zero", "one", "two"])

    sentence = sentence_of(
        lambda: load_task(small("cnn"), tmp_path / "train", channels["cnn"] / "validation")
    )

    assert sentence.startswith("A sample is no PNG or JPEG image that can be decoded")

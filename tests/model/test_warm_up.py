"""TensorFlow Serving's warm-up: its protocol buffers read the requests, and the signature answers them."""

from __future__ import annotations

import shutil

import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

from model_code.export.warm_up import BATCHES, FILE, field, varint
from model_code.outputs import MODEL_FOLDER

# tensorflow/serving, tensorflow_serving/apis (prediction_log.proto, predict.proto, model.proto), checked on 2026-11-30;
# a map is a repeated entry of key and value. A tensor stays bytes here, which are the same on the wire.
MESSAGES = {
    "PredictionLog": {"predict_log": (6, "PredictLog")},
    "PredictLog": {"request": (1, "PredictRequest")},
    "PredictRequest": {"model_spec": (1, "ModelSpec"), "inputs": (2, "Entry")},
    "ModelSpec": {"name": (1, None), "signature_name": (3, None)},
    "Entry": {"key": (1, None), "value": (2, bytes)},
}
ONE = descriptor_pb2.FieldDescriptorProto


def prediction_log_class() -> type:
    """`PredictionLog` as far as it is used."""
    file = descriptor_pb2.FileDescriptorProto(name="warm_up.proto", package="serving", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for member, (number, kind) in fields.items():
            label = ONE.LABEL_REPEATED if member == "inputs" else ONE.LABEL_OPTIONAL
            added = message.field.add(name=member, number=number, label=label, type=ONE.TYPE_STRING)
            if kind is bytes:
                added.type = ONE.TYPE_BYTES
            elif kind:
                added.type, added.type_name = ONE.TYPE_MESSAGE, f".serving.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("serving.PredictionLog"))


def test_the_signature_answers_every_request_of_its_warm_up(trained):
    """TensorFlow Serving does not load a model whose warm-up fails."""
    kind = prediction_log_class()
    loaded = tf.saved_model.load(str(trained.artefact / "1"))
    records = [one.numpy() for one in tf.data.TFRecordDataset(str(trained.artefact / "1" / FILE))]
    counts = []
    for record in records:
        log = kind.FromString(record)
        assert log.SerializeToString() == record, "no field is unknown or in another place"
        request = log.predict_log.request
        (entry,) = request.inputs
        tensor = tf.constant(tf.make_ndarray(tensor_pb2.TensorProto.FromString(entry.value)))
        answer = loaded.signatures[request.model_spec.signature_name](**{entry.key: tensor})
        assert bool(tf.reduce_all(tf.math.is_finite(answer["score"])))
        counts.append(len(answer["label"]))
    assert tuple(counts) == BATCHES


def test_an_artefact_with_a_warm_up_gives_way_to_the_next(trained, tmp_path):
    shutil.copytree(trained.artefact, tmp_path, dirs_exist_ok=True)
    assert (tmp_path / "1" / FILE).is_file()
    MODEL_FOLDER.prepare(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(("value", "encoded"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02")])
def test_a_length_is_written_as_protocol_buffers_write_numbers(value, encoded):
    assert varint(value).hex() == encoded


def test_a_long_field_says_its_length_in_two_bytes():
    assert field(2, bytes(300)) == bytes.fromhex("12ac02") + bytes(300)

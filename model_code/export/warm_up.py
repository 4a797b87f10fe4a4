"""TensorFlow Serving's warm-up: requests that it answers while it loads a model, before anybody else asks.

Without them the first callers wait for what TensorFlow prepares at the first call. The format is TensorFlow Serving's
(its guide, SavedModel Warmup): TFRecords of `PredictionLog` in the SavedModel's `assets.extra`. Its Python package
wants a TensorFlow of its own, so the few fields are written here as its protocol buffers (tensorflow/serving,
tensorflow_serving/apis: prediction_log.proto, predict.proto, model.proto, checked on 2026-11-30) lay them out.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
SIGNATURE = "serving_default"
# One sample, as most requests have, and a few, which are computed by other means on some devices.
BATCHES = (1, 8)
# Networks refuse sequences that are longer than they read.
STEPS = 1
IMAGE_PIXELS = 32
# Numbers of fields.
PREDICT_LOG, REQUEST, MODEL_SPEC, INPUTS, KEY, VALUE, NAME, SIGNATURE_NAME = 6, 1, 1, 2, 1, 2, 1, 3
LENGTH_DELIMITED = 2


def write_warm_up(
    saved_model: Path, model_name: str, sample_spec: tf.TensorSpec, text: bytes = b"warm up"
) -> None:
    """Writes the requests into a SavedModel's folder.

    Args:
        saved_model: the folder with `saved_model.pb`.
        model_name: what the request says, which TensorFlow Serving does not read here.
        sample_spec: of the signature's input, with its name: string [N], or float32 [N, steps, channels].
        text: that a signature of texts is asked about.
    """
    file = saved_model / FILE
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as records:
        for count in BATCHES:
            records.write(prediction_log(model_name, sample_spec.name, samples(sample_spec, count, text)))


def samples(spec: tf.TensorSpec, count: int, text: bytes) -> tf.Tensor:
    """So many samples that every network of the signature takes."""
    if spec.dtype != tf.string:
        return tf.zeros([count, STEPS, spec.shape[-1]], spec.dtype)
    image = tf.io.encode_png(tf.zeros([IMAGE_PIXELS, IMAGE_PIXELS, 3], tf.uint8))
    return tf.fill([count], image if spec.name == "image" else tf.constant(text))


def prediction_log(model_name: str, name: str, tensor: tf.Tensor) -> bytes:
    """A `PredictionLog` of one request, whose one input is the tensor."""
    model = field(NAME, model_name.encode()) + field(SIGNATURE_NAME, SIGNATURE.encode())
    value = tf.make_tensor_proto(tensor).SerializeToString()
    entry = field(KEY, name.encode()) + field(VALUE, value)
    request = field(MODEL_SPEC, model) + field(INPUTS, entry)
    return field(PREDICT_LOG, field(REQUEST, request))


def field(number: int, content: bytes) -> bytes:
    """A field of bytes in the wire format of protocol buffers: its key, its length, itself."""
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first; all but the last have their highest bit set."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])

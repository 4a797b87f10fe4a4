"""A photo is turned as its EXIF says, in TensorFlow's graph as in the server without it, and by one reading."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from definitions import image_files
from model_code.networks.orientation import orientation_of
from model_code.networks.preprocessing import decode_images
from serving.preprocessing import reader_of

DECODED = tf.function(
    lambda files: decode_images(files, 16), input_signature=[tf.TensorSpec([None], tf.string)]
)
READ_IMAGE = reader_of({"feature": "image", "image_size": 16})


def photo(orientation: int | None = None, form: str = "JPEG", order: str = "<") -> bytes:
    """A small photo whose quarters differ, with that orientation in its EXIF, written in that order of bytes."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8, :8], pixels[8:, :8], pixels[:8, 8:] = 250, 160, 80
    buffer = io.BytesIO()
    head = {"<": b"II*\0", ">": b"MM\0*"}[order]
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation or 1, 0)
    other = struct.pack(f"{order}HHIHH", 0x0100, 3, 1, 6, 0)
    directory = struct.pack(f"{order}H", 2) + other + entry + bytes(4)
    exif = (
        {} if orientation is None else {"exif": b"Exif\0\0" + head + struct.pack(f"{order}I", 8) + directory}
    )
    Image.fromarray(pixels).save(buffer, form, **exif)
    return buffer.getvalue()


@pytest.mark.parametrize(("form", "order"), [("JPEG", "<"), ("JPEG", ">"), ("PNG", ">")])
def test_a_photo_is_seen_upright_by_graph_and_server(form, order):
    photos = [photo(orientation, form, order) for orientation in range(1, 9)]
    expected = [
        np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))).astype(int) for photo in photos
    ]

    for found in (DECODED(tf.constant(photos)).numpy(), np.concatenate(list(map(READ_IMAGE, photos)))):
        assert np.abs(found.astype(int) - np.stack(expected)).max() <= 3


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_photo_without_exif_is_left_as_it_is(form):
    assert orientation_of(photo(None, form)).numpy() == 1


@given(
    st.integers(0, 160),
    st.binary(max_size=8),
    st.sampled_from([photo(6), photo(8, order=">"), photo(3, "PNG")]),
)
@example(20, b"\xff\xff\xff\xff", photo(6))
@example(2, b"", b"\xff\xd8\xff\xe1\xff\xffExif\0\0II*\0\xff\xff\xff\xff\xff\xd9")
def test_a_damaged_exif_is_read_alike_by_graph_and_server(place, damage, content):
    damaged = content[:place] + damage + content[place + len(damage) :]
    try:
        image_files.read_header(damaged)
    except image_files.UnreadableImage:
        # Its pixels are not decoded either.
        orientation_of(damaged)
        return
    assert orientation_of(damaged).numpy() == image_files.orientation_of(damaged)

"""The stand-ins of Rekognition see a picture as its owner does, whatever kind of PNG or JPEG it is."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from local_aws.managed.pictures import read_image

GREY = Image.linear_gradient("L").resize((120, 90))
TURNED_TO_THE_RIGHT = 6


def read(image: Image.Image, kind: str = "PNG", **options) -> Image.Image:
    """What the stand-ins see of an image."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return read_image("DetectLabels", {"Image": {"Bytes": base64.b64encode(buffer.getvalue()).decode()}})


def test_grey_of_16_bits_is_seen_as_its_copy_of_8_bits():
    deep = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)
    assert deep.mode == "I;16"
    np.testing.assert_array_equal(np.asarray(read(deep)), np.asarray(GREY.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_black_on_transparent_is_seen_as_black_on_white(mode):
    image = Image.new("RGBA", (120, 90))
    ImageDraw.Draw(image).rectangle((20, 20, 60, 60), fill="black")
    seen = read(image.convert(mode))
    assert (seen.mode, seen.getpixel((5, 5)), seen.getpixel((40, 40))) == ("RGB", (255,) * 3, (0,) * 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_is_turned_as_its_exif_says(kind):
    exif = Image.Exif()
    exif[0x0112] = TURNED_TO_THE_RIGHT
    assert read(GREY, kind, exif=exif).size == (90, 120)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60).map(lambda tail: b"Exif\0\0" + tail) | st.just(b"Exif\0\0\0\x08\0\x02\x01\x12"))
def test_exif_that_cannot_be_read_changes_nothing(exif):
    np.testing.assert_array_equal(np.asarray(read(GREY, exif=exif)), np.asarray(GREY.convert("RGB")))

"""An image of any format, size and orientation becomes an upright PNG or JPEG file, or is named as no image."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from model_code.data.image_files import LARGEST_SIDE_PIXELS, NoImage, longer_side_of, network_file
from model_code.evaluation.importance import upright_pixels


def file_of(image: Image.Image, form: str, **options) -> bytes:
    """An image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    """The image of a file."""
    return Image.open(io.BytesIO(content))


def coloured(width: int = 12, height: int = 8) -> Image.Image:
    """An image whose corners differ."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = (250, 10, 10)
    pixels[height // 2 :, width // 2 :] = (10, 10, 250)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("form", ["WEBP", "GIF", "BMP", "TIFF"])
def test_a_format_that_no_network_decodes_becomes_a_png_with_the_same_pixels(form):
    content = network_file(file_of(coloured(), form, **({"lossless": True} if form == "WEBP" else {})))

    assert opened(content).format == "PNG"
    np.testing.assert_array_equal(np.asarray(opened(content)), np.asarray(coloured()))


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_small_upright_png_or_jpeg_stays_as_it_is(form):
    content = file_of(coloured(), form)

    assert network_file(content) == content


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_photo_is_stored_upright(orientation, form):
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = coloured(48, 32).transpose(Image.Transpose(turn))

    upright = opened(network_file(file_of(stored, form, exif=exif, quality=95)))

    assert upright.size == (48, 32)
    difference = np.abs(np.asarray(upright).astype(int) - np.asarray(coloured(48, 32)).astype(int))
    assert np.median(difference) < 5
    assert longer_side_of(file_of(stored, form, exif=exif)) == 48


@pytest.mark.parametrize("kind", [2, 7, 11])
def test_a_photo_is_turned_whatever_else_its_exif_is_damaged_in(kind):
    """The horizontal resolution is a fraction, and here of another type, with which Pillow writes no EXIF."""
    entries = struct.pack("<HHIIHHI4s", 0x0112, 3, 1, 6, 0x011A, kind, 1, b"\0\0\x80?")
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4)
    photo = file_of(coloured(48, 32), "JPEG")
    photo = photo[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif)) + exif + photo[2:]

    assert opened(network_file(photo)).size == upright_pixels(photo).shape[1::-1] == (32, 48)


def test_whatever_pillow_stumbles_over_leaves_one_picture_out(monkeypatch):
    def stumbles(*_, **__):
        raise TypeError("'IFDRational' object cannot be interpreted as an integer")

    monkeypatch.setattr(Image, "open", stumbles)
    for read in (network_file, longer_side_of):
        with pytest.raises(NoImage, match="decoded"):
            read(b"II*\0")


def test_a_large_photo_is_made_small_once():
    content = network_file(file_of(coloured(3000, 2000), "JPEG"))

    assert opened(content).size == (LARGEST_SIDE_PIXELS * 3 // 2, LARGEST_SIDE_PIXELS)
    assert len(content) < 100_000


def test_of_sixteen_bits_the_upper_ones_are_kept():
    levels = np.array([[0, 256, 65535]], np.uint16)

    pixels = np.asarray(opened(network_file(file_of(Image.fromarray(levels), "TIFF"))))

    assert pixels[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (file_of(coloured(), "PNG")[:60], "a.png", "is damaged"),
        (file_of(coloured(200, 200), "JPEG")[:900], "a.jpg", "is damaged"),
        (b"no image", "a.png", "is no image that can be decoded"),
        (b"", "a.png", "is no image that can be decoded"),
        (
            b"\0\0\0\x18ftypheic",
            "a.HEIC",
            "is of the format HEIC, which is not read here. Save it as JPEG or PNG",
        ),
        # Its ending lies, as when a phone's photo is renamed.
        (b"\0\0\0\x18ftypheic", "a.jpg", "is of the format HEIC, which is not read here"),
        (b"\0\0\0\x1cftypavif", "a.png", "is of the format AVIF, which is not read here"),
        (b"%PDF-1.7", "a.jpg", "is of the format PDF, which is not read here"),
        (b"MM\0*raw", "a.nef", "is of the format NEF, which is not read here"),
    ],
)
def test_what_cannot_be_decoded_whole_is_told_apart(content, name, reason):
    with pytest.raises(NoImage, match=reason):
        network_file(content, name)

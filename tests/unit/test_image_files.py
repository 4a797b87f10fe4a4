"""Headers of PNG and JPEG files, as decoders read them: stray bytes, missing ends, and which way is up."""

from __future__ import annotations

import base64
import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from definitions.image_files import (
    DamagedImage,
    ImageHeader,
    UnreadableImage,
    bare_jpeg,
    orientation_of,
    read_header,
    upright,
)

SIZE = (23, 17)
EXIF_OF_JPEG, LITTLE, BIG = b"\xff\xe1", "II*\0", "MM\0*"


def image_file(kind: str, orientation: int | None = None) -> bytes:
    """A picture without any symmetry, with EXIF data if an orientation is named."""
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    exif, buffer = Image.Exif(), io.BytesIO()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.fromarray(pixels).save(buffer, kind, exif=exif if orientation is not None else b"")
    return buffer.getvalue()


def with_exif(tiff: bytes) -> bytes:
    """A JPEG file with this EXIF data behind its first marker."""
    segment = b"Exif\0\0" + tiff
    content = image_file("JPEG")
    return content[:2] + EXIF_OF_JPEG + struct.pack(">H", len(segment) + 2) + segment + content[2:]


def tiff(order: str, orientation: int) -> bytes:
    """EXIF data with two entries, the second of which is the orientation."""
    sign = "<" if order == LITTLE else ">"
    entries = struct.pack(f"{sign}HHHIHHHHIHH", 2, 0x0100, 3, 1, 7, 0, 0x0112, 3, 1, orientation, 0)
    return order.encode() + struct.pack(f"{sign}I", 8) + entries


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a file of WebP, and neither"),
        (b"GIF87a\1\0", "a file of GIF, and neither"),
        (b"GIF89a\1\0", "a file of GIF, and neither"),
        (b"\0\0\0\x18ftypheic", "a file of HEIC, and neither"),
        (b"\0\0\0\x1cftypavif", "a file of AVIF, and neither"),
        (b"II*\0", "a file of TIFF, and neither"),
        (b"BM\x46\n\0\0\0\0\0\0\x36\0\0\0", "a file of BMP, and neither"),
        (b"BMW builds cars.", "The bytes are neither"),
        (b"words", "The bytes are neither"),
        (b"", "The bytes are neither"),
    ],
)
def test_a_picture_of_another_kind_is_named_with_what_to_do(content, kind):
    with pytest.raises(UnreadableImage, match=f"{kind} a PNG nor a JPEG file. Save the image as PNG or JPEG"):
        read_header(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_in_base64_is_named(kind):
    encoded = base64.b64encode(image_file(kind))
    for content in (encoded, b"data:image/png;base64," + encoded):
        with pytest.raises(UnreadableImage, match="base64 of an image"):
            read_header(content)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_size_stands_in_the_header(kind):
    assert read_header(image_file(kind)) == ImageHeader(f"image/{kind.lower()}", *SIZE)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("behind", [b"\0", b"more", b"IEND", b"\xff\xd8\xff\xe1\0\x08Exif", b"\0" * 5_000])
def test_bytes_behind_the_end_are_passed_over(kind, behind):
    assert read_header(image_file(kind) + behind) == ImageHeader(f"image/{kind.lower()}", *SIZE)


@pytest.mark.parametrize("marker", [b"\xff\xdb", b"\xff\xc0", b"\xff\xda"])
@pytest.mark.parametrize("stray", [b"\0", b"stray", b"\xff\xff\xff", b"\xff\0"])
def test_stray_bytes_before_a_segment_are_passed_over(marker, stray):
    content = image_file("JPEG").replace(marker, stray + marker, 1)
    assert Image.open(io.BytesIO(content)).convert("RGB").size == SIZE
    assert read_header(content) == ImageHeader("image/jpeg", *SIZE)


@pytest.mark.parametrize("stray", [b"", b"\0", b"stray", b"\xff\xff\xff", b"\xff\xfe\0\x06note"])
@pytest.mark.parametrize("orientation", [None, 6])
def test_a_bare_file_has_what_its_pixels_need(stray, orientation):
    content = image_file("JPEG", orientation)
    assert bare_jpeg(content.replace(b"\xff\xdb", stray + b"\xff\xdb", 1)) == image_file("JPEG")


def test_a_bare_file_keeps_what_tells_the_colours():
    buffer = io.BytesIO()
    Image.new("CMYK", SIZE, (200, 10, 30, 40)).save(buffer, "JPEG")
    content = buffer.getvalue()
    assert b"Adobe" in content
    assert bare_jpeg(content) == content


@pytest.mark.parametrize("marker", [b"\xff\xd8", b"\xff\xd9"])
def test_a_second_start_or_an_end_before_the_pixels_is_damage(marker):
    content = image_file("JPEG")
    with pytest.raises(DamagedImage):
        read_header(content[:2] + marker + content[2:])


@pytest.mark.parametrize(("kind", "end"), [("PNG", 12), ("JPEG", 2)])
def test_a_file_without_its_end_is_damaged(kind, end):
    content = image_file(kind)
    for length in (len(content) - end, len(content) // 2, 40, 12):
        with pytest.raises(DamagedImage):
            read_header(content[:length])


def test_an_end_inside_another_chunk_is_none():
    content = image_file("PNG")
    with pytest.raises(DamagedImage):
        read_header(content[:-12] + struct.pack(">I", 100) + b"tEXtIEND")


@pytest.mark.parametrize("content", [b"", b"RIFF\0\0\0\0WEBPVP8 ", b"GIF89a", b"\xff\xd8", b"\x89PNG"])
def test_other_files_are_no_images(content):
    with pytest.raises(UnreadableImage):
        read_header(content)
    assert orientation_of(content) == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_as_pillow_turns_it(kind, orientation):
    content = image_file(kind, orientation)
    with Image.open(io.BytesIO(content)) as stored:
        wanted = np.asarray(ImageOps.exif_transpose(stored))
        turned = upright(np.asarray(stored), orientation_of(content))
    assert orientation_of(content) == orientation
    assert np.array_equal(turned, wanted)


@pytest.mark.parametrize("order", [LITTLE, BIG])
def test_the_orientation_is_read_in_either_order_of_bytes(order):
    assert orientation_of(with_exif(tiff(order, 6))) == 6


# Behind the value come two bytes of filling.
@pytest.mark.parametrize("length", range(len(tiff(BIG, 6)) - 2))
def test_exif_that_ends_too_early_turns_nothing(length):
    assert orientation_of(with_exif(tiff(BIG, 6)[:length])) == 1


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_orientation_that_is_none_turns_nothing(value):
    assert orientation_of(with_exif(tiff(LITTLE, value))) == 1


def test_the_first_exif_counts():
    segment = with_exif(tiff(BIG, 3)).removesuffix(image_file("JPEG")[2:])
    assert orientation_of(segment + with_exif(tiff(BIG, 6))[2:]) == 3


@given(
    kind=st.sampled_from(["PNG", "JPEG"]),
    cut=st.integers(0, 400),
    flips=st.lists(st.tuples(st.integers(0, 399), st.integers(1, 255)), max_size=8),
)
def test_a_damaged_file_is_read_or_refused(kind, cut, flips):
    content = bytearray(image_file(kind, 6))
    for position, value in flips:
        content[position] ^= value
    read_or_refused(bytes(content[: len(content) - cut]))


@given(st.binary(max_size=200))
def test_any_bytes_behind_a_signature_are_read_or_refused(tail):
    for signature in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        read_or_refused(signature + tail)


def read_or_refused(content: bytes) -> None:
    """Looks at the header, which has pixels and a known way up or is refused."""
    try:
        header = read_header(content)
    except UnreadableImage:
        return
    assert min(header.width, header.height) > 0
    assert header.orientation in range(1, 9)

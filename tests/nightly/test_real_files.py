"""Real pictures and texts that packages and Python's own tests carry: read as decoders and codecs read them."""

from __future__ import annotations

import base64
import contextlib
import io
import sysconfig
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from definitions.image_files import UnreadableImage, read_header
from definitions.service_limits import SERVICE_LIMITS
from lambdas.common.content import text_body
from lambdas.common.errors import RequestRefused
from local_aws.managed.pictures import as_seen
from serving.preprocessing import Unreadable, decode

from .asked import status_of

# The last is what `make test-nightly` fetches: the test images of Pillow and the data of scikit-image.
PLACES = [
    Path(sysconfig.get_path("purelib")),
    Path(sysconfig.get_path("stdlib")) / "test",
    Path("build/nightly"),
]
# Pillow decodes these without their end; TensorFlow does not.
ENDLESS = {"png-truncated.png"}
FILES = sorted(
    {
        file.resolve()
        for place in PLACES
        for file in place.rglob("*")
        if file.suffix.lower() in (".png", ".jpg", ".jpeg") and file.is_file() and file.name not in ENDLESS
    }
)


def decodes(file: Path) -> bool:
    """Whether Pillow reads a file as a PNG or JPEG, to its end."""
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True


PICTURES = [file for file in FILES if decodes(file)]
DAMAGED = [file for file in FILES if file not in PICTURES]
TEXTS = sorted((PLACES[1] / "cjkencodings").glob("*-utf8.txt"))
# Python's codecs that are no encodings of the web.
NOT_DECODED = {"euc_jisx0213", "hz", "iso2022_kr", "johab", "shift_jisx0213"}
# Its file has syllables that are put together of eight bytes, which the Web reads apart.
COMPOSED = {"euc_kr"}
# As which kinds each picture is written again.
KINDS = {
    "progressive": ("RGB", "JPEG", {"progressive": True}),
    "grey": ("L", "JPEG", {}),
    "inks": ("CMYK", "JPEG", {}),
    "palette": ("P", "PNG", {}),
    "transparent": ("LA", "PNG", {}),
    "black and white": ("1", "PNG", {}),
    "deep": ("I;16", "PNG", {}),
    "turned": (
        "RGB",
        "JPEG",
        {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"},
    ),
}
picture = pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.name)


def variants(content: bytes) -> list[bytes]:
    """A picture as it is, and written again in each kind."""
    found = [content]
    stored = Image.open(io.BytesIO(content)).convert("RGB")
    # What it says of transparency does not fit the other kinds.
    stored.info.clear()
    for mode, kind, options in KINDS.values():
        buffer = io.BytesIO()
        copy = stored.convert("L").convert(mode) if mode == "I;16" else stored.convert(mode)
        copy.save(buffer, kind, **options)
        found.append(buffer.getvalue())
    return found


def test_there_are_pictures_and_texts():
    assert len(PICTURES) > 50
    assert len(TEXTS) > 10


@picture
def test_a_picture_that_pillow_decodes_is_read_with_its_size_and_way_up(file):
    for content in variants(file.read_bytes()):
        with Image.open(io.BytesIO(content)) as image:
            header = read_header(content)
            assert (header.width, header.height) == image.size
            assert as_seen(content).size == ImageOps.exif_transpose(image).size


@picture
def test_a_picture_is_decoded_for_our_networks_or_refused(file):
    for content in variants(file.read_bytes()):
        try:
            pixels = decode(content)
        except Unreadable:
            continue
        assert (pixels.ndim, pixels.shape[2]) == (3, 3)


@pytest.mark.parametrize("file", DAMAGED, ids=lambda file: file.name)
def test_a_file_that_pillow_does_not_decode_is_read_or_refused(file):
    for read in (read_header, as_seen, decode):
        with contextlib.suppress(UnreadableImage, Unreadable):
            read(file.read_bytes())


@picture
def test_a_picture_is_sent_to_the_service_exactly_when_it_is_within_its_limits(file, monkeypatch):
    limit = SERVICE_LIMITS["DetectLabels"]
    for content in variants(file.read_bytes()):
        header = read_header(content)
        sides = sorted((header.width, header.height))
        fits = limit.least_pixels <= sides[0] and sides[1] <= limit.most_pixels
        status = status_of(monkeypatch, "vision", "/images/labels", content, "image/png")
        assert status == (200 if fits else 400) or (status == 413 and len(content) > 4_000_000)


@picture
def test_a_picture_that_is_cut_anywhere_is_read_or_refused(file):
    content = file.read_bytes()
    for share in range(1, 20):
        try:
            read_header(content[: len(content) * share // 20])
        except UnreadableImage:
            continue


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_a_text_in_an_encoding_of_the_web_is_decoded(file):
    charset = file.name.removesuffix("-utf8.txt")
    content = file.with_name(f"{charset}.txt").read_bytes()
    headers = {"Content-Type": f"text/plain; charset={charset}"}
    event = {"headers": headers, "isBase64Encoded": True, "body": base64.b64encode(content).decode()}
    if charset in NOT_DECODED:
        with pytest.raises(RequestRefused, match="none that is decoded here"):
            text_body(event)
    else:
        assert text_body(event) == file.read_text(encoding="utf-8") or charset in COMPOSED

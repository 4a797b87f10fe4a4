"""Reads the size of a PNG or JPEG file from its header and notices a truncated one, without a library."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lambdas.common.errors import RequestRefused, bad_request

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND"
JPEG_SIGNATURE = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
# Start-of-frame markers hold the size; C4, C8 and CC in their range mean something else (ITU T.81, table B.1).
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True)
class ImageHeader:
    """Media type and size in pixels."""

    media_type: str
    width: int
    height: int


def read_header(content: bytes, field: str) -> ImageHeader:
    """The header of a PNG or JPEG file.

    Raises:
        RequestRefused: 400 when it is neither, is truncated, or has no pixels.
    """
    if content.startswith(PNG_SIGNATURE):
        header = png_header(content, field)
    elif content.startswith(JPEG_SIGNATURE):
        header = jpeg_header(content, field)
    else:
        raise bad_request("NotAnImage", "The bytes are neither a PNG nor a JPEG file.", field)
    if not (header.width and header.height):
        raise bad_request("NotAnImage", "The image has no pixels.", field)
    return header


def png_header(content: bytes, field: str) -> ImageHeader:
    """Size from IHDR; the file has to end in IEND (ISO/IEC 15948, 5.6)."""
    if len(content) < 33 or content[12:16] != b"IHDR" or PNG_END not in content[-12:]:
        raise truncated("PNG", field)
    width, height = struct.unpack(">II", content[16:24])
    return ImageHeader("image/png", width, height)


def jpeg_header(content: bytes, field: str) -> ImageHeader:
    """Size from the first start-of-frame segment; the file has to hold an end marker."""
    position = 2
    while position + 9 <= len(content):
        if content[position] != 0xFF:
            raise truncated("JPEG", field)
        marker = content[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in JPEG_BARE_MARKERS:
            position += 2
        elif marker in JPEG_FRAMES:
            if content.rfind(JPEG_END) < position:
                raise truncated("JPEG", field)
            height, width = struct.unpack(">HH", content[position + 5 : position + 9])
            return ImageHeader("image/jpeg", width, height)
        else:
            position += 2 + int.from_bytes(content[position + 2 : position + 4], "big")
    raise truncated("JPEG", field)


def truncated(kind: str, field: str) -> RequestRefused:
    """400 for a file that ends too early or is damaged."""
    return bad_request("DamagedImage", f"The {kind} file is truncated or damaged.", field)

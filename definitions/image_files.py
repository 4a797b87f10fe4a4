"""The one reader of a PNG or JPEG file's header: size in pixels, how it is to be turned, and whether its end is there.

It decodes no pixels. What Pillow and libjpeg pass over is passed over: bytes behind the end, stray bytes between a
JPEG's segments, an EXIF that cannot be read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

PNG, JPEG = "image/png", "image/jpeg"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
# Bytes before it are no marker's and are skipped, as libjpeg does.
JPEG_MARKER = re.compile(rb"\xff([^\x00\xff])", re.DOTALL)
# Start-of-frame markers hold the size; C4, C8 and CC in their range mean something else (ITU T.81, table B.1).
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
# A second start or an end before the pixels, at which libjpeg gives up.
JPEG_OUT_OF_PLACE = frozenset({0xD8, 0xD9})
JPEG_SCAN, JPEG_APP1 = 0xDA, 0xE1
# Comments, and what applications keep, such as broken colour profiles; but JFIF's and Adobe's segments, APP0 and APP14,
# tell what the colours are.
JPEG_WITHOUT_PIXELS = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xEE}
# Pictures that people send and no service takes, by how their specifications let them begin.
OTHER_KINDS = {
    "WebP": rb".{8}WEBP",
    "GIF": rb"GIF8[79]a",
    "HEIC": rb".{4}ftyp(heic|heix|mif1|msf1|hevc)",
    "AVIF": rb".{4}ftypavi[fs]",
    "TIFF": rb"II\*\0|MM\0\*",
    # Behind the file's size come four bytes that are reserved; two letters alone begin many a text.
    "BMP": rb"BM.{4}\0{4}",
    "PDF": rb"%PDF-",
    "SVG": rb"<svg",
}
# How base64 of a JPEG and of a PNG begins, and a data URI.
IN_BASE64 = (b"/9j/", b"iVBORw0KGgo", b"data:image/")
EXIF_HEAD = b"Exif\0\0"
BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
ORIENTATION_TAG, SHORT = 0x0112, 3
UPRIGHT = 1


class UnreadableImage(ValueError):
    """A file without a header that can be read; the message is a sentence that repeats nothing of the file."""


class DamagedImage(UnreadableImage):
    """A PNG or JPEG file that ends too early."""


@dataclass(frozen=True)
class ImageHeader:
    """What a file says of its image.

    Attributes:
        media_type: image/png or image/jpeg.
        width, height: in pixels as they are stored, before the image is turned.
        orientation: 1 to 8 as in EXIF 2.32, 4.6.4; 1 where the file says none.
    """

    media_type: str
    width: int
    height: int
    orientation: int = UPRIGHT


def read_header(content: bytes) -> ImageHeader:
    """The header of a PNG or JPEG file.

    Raises:
        DamagedImage: when it ends too early.
        UnreadableImage: when it is neither, or has no pixels.
    """
    if content.startswith(PNG_SIGNATURE):
        header = png_header(content)
    elif content.startswith(JPEG_SIGNATURE):
        header = jpeg_header(content)
    else:
        if content.startswith(IN_BASE64):
            raise UnreadableImage(
                "The bytes are base64 of an image, and not the image: send its file's bytes."
            )
        raise UnreadableImage(f"The bytes are {kind_of(content)}. Save the image as PNG or JPEG.")
    if not (header.width and header.height):
        raise UnreadableImage("The image has no pixels.")
    return header


def kind_of(content: bytes) -> str:
    """What a file that is neither PNG nor JPEG is by its first bytes, as a part of a sentence."""
    for name, beginning in OTHER_KINDS.items():
        if re.match(beginning, content, re.DOTALL):
            return f"a file of {name}, and neither a PNG nor a JPEG file"
    return "neither a PNG nor a JPEG file"


def png_header(content: bytes) -> ImageHeader:
    """Size from IHDR, which comes first, and a look at IEND, which comes last (ISO/IEC 15948, 5.6)."""
    chunks: dict[bytes, bytes] = {}
    for kind, inside in png_chunks(content):
        chunks.setdefault(kind, inside)
    if b"IHDR" not in chunks or b"IEND" not in chunks or len(chunks[b"IHDR"]) < 8:
        raise DamagedImage("The PNG file is truncated or damaged.")
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    return ImageHeader(PNG, width, height, orientation_of_tiff(chunks.get(b"eXIf", b"")))


def png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of each chunk up to IEND; of the pixels' own chunks no content."""
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        yield kind, b"" if kind == b"IDAT" else content[position + 8 : position + 8 + length]
        if kind == b"IEND":
            return
        position += 12 + length


def jpeg_header(content: bytes) -> ImageHeader:
    """Size from the first start-of-frame segment; behind the start of the pixels the file has to hold an end marker."""
    orientation, size, end = UPRIGHT, None, 0
    for marker, begin, end in jpeg_segments(content):
        segment = content[begin + 4 : end]
        if marker in JPEG_FRAMES and len(segment) >= 5 and size is None:
            size = struct.unpack_from(">HH", segment, 1)
        if marker == JPEG_APP1 and segment.startswith(EXIF_HEAD) and orientation == UPRIGHT:
            orientation = orientation_of_tiff(segment[len(EXIF_HEAD) :])
    if size is None or content.rfind(JPEG_END) < end:
        raise DamagedImage("The JPEG file is truncated or damaged.")
    return ImageHeader(JPEG, size[1], size[0], orientation)


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, begin and end of each segment up to the start of the pixels; what lies between them is stray.

    Raises:
        DamagedImage: when the file starts again or ends before its pixels.
    """
    position = 2
    while opening := JPEG_MARKER.search(content, position):
        marker, position = opening[1][0], opening.end()
        if marker in JPEG_BARE_MARKERS:
            continue
        if marker in JPEG_OUT_OF_PLACE:
            raise DamagedImage("The JPEG file is truncated or damaged.")
        begin, length = opening.start(), int.from_bytes(content[position : position + 2], "big")
        position += max(2, length)
        yield marker, begin, position
        if marker == JPEG_SCAN:
            return


def bare_jpeg(content: bytes) -> bytes:
    """A JPEG file with what its pixels need and nothing else, for decoders that are stricter than libjpeg.

    Raises:
        DamagedImage: as `jpeg_segments`.
    """
    parts, end = [content[:2]], 2
    for marker, begin, end in jpeg_segments(content):
        if marker not in JPEG_WITHOUT_PIXELS:
            parts.append(content[begin:end])
    return b"".join([*parts, content[end:]])


def orientation_of_tiff(exif: bytes) -> int:
    """The orientation in the first directory of EXIF data, which is a TIFF file; UPRIGHT where none can be read."""
    order = BYTE_ORDERS.get(exif[:4])
    if order is None:
        return UPRIGHT
    try:
        (directory,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, directory)
        for number in range(entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, directory + 2 + 12 * number)
            if (tag, kind) == (ORIENTATION_TAG, SHORT):
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        # It ends too early.
        return UPRIGHT
    return UPRIGHT


def orientation_of(content: bytes) -> int:
    """How a file says that its image is to be turned, 1 to 8; UPRIGHT for what is no whole PNG or JPEG file."""
    try:
        return read_header(content).orientation
    except UnreadableImage:
        return UPRIGHT


def upright(pixels: Any, orientation: int) -> Any:
    """An image turned as its orientation says.

    Args:
        pixels: an array [height, width, …], as NumPy has them.
        orientation: of the file, 1 to 8.

    Returns:
        A view of the array, with height and width exchanged from orientation 5 on.
    """
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def on_white(pixels: Any) -> Any:
    """Pixels that let light through, put on white, as what looks at them shows them on a page.

    Args:
        pixels: an array uint8 [height, width, 4] of red, green, blue and opacity, as NumPy has them.

    Returns:
        An array uint8 [height, width, 3]; opaque pixels are as they were.
    """
    colours, opacity = pixels[..., :3].astype("uint32"), pixels[..., 3:].astype("uint32")
    return ((colours * opacity + 255 * (255 - opacity) + 127) // 255).astype("uint8")

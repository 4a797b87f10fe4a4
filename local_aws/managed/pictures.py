"""Reads a request's image with Rekognition's limits, whatever kind of PNG or JPEG it is."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

import numpy as np
from PIL import Image

from definitions.image_files import UPRIGHT, ImageHeader, read_header, upright
from definitions.service_limits import SERVICE_LIMITS, Limit
from local_aws.managed.service import Refused

# Where Rekognition tells no most of a side: what the stand-ins' memory is made for.
MOST_AREA_PIXELS = 100_000_000


def read_image(operation: str, request: dict[str, Any], member: str = "Image") -> Image.Image:
    """The image of that name in a request for an operation, decoded: RGB, upright and opaque.

    Raises:
        Refused: with Rekognition's codes.
    """
    encoded = (request.get(member) or {}).get("Bytes")
    if not isinstance(encoded, str):
        raise Refused("InvalidParameterException", f"The stand-in takes an image as {member}.Bytes.")
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("InvalidParameterException", f"{member}.Bytes is not base64.") from error
    limit = SERVICE_LIMITS[operation]
    if len(content) > limit.most_bytes:
        raise Refused("ImageTooLargeException", f"The image has more than {limit.most_bytes} bytes.")
    try:
        header = read_header(content)
        # A decompression bomb is refused before it is decoded.
        require_size(limit, header)
        image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Refused("InvalidImageFormatException", "The bytes are no PNG or JPEG image.") from error
    return turned(in_colours(image), header.orientation)


def require_size(limit: Limit, header: ImageHeader) -> None:
    """Refuses an image whose sides are too short or too long.

    Raises:
        Refused: InvalidParameterException.
    """
    sides, most = (header.width, header.height), limit.most_pixels
    fits = max(sides) <= most if most else header.width * header.height <= MOST_AREA_PIXELS
    if not fits or min(sides) < limit.least_pixels:
        wanted = f"to {most}" if most else f"or more, {MOST_AREA_PIXELS} in all"
        raise Refused("InvalidParameterException", f"Each side needs {limit.least_pixels} {wanted} pixels.")


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The image turned as its file says, as Rekognition does; its boxes are those of the turned one."""
    return image if orientation == UPRIGHT else Image.fromarray(upright(np.asarray(image), orientation))


def in_colours(image: Image.Image) -> Image.Image:
    """The image as RGB of 8 bits: 16 bits lose their lower 8, and what is transparent is white."""
    if image.mode.startswith("I"):
        # Pillow cuts at 255 instead.
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image if image.mode == "RGB" else image.convert("RGB")

"""Reads a request's image with Rekognition's limits, whatever kind of PNG or JPEG it is."""

from __future__ import annotations

import base64
import binascii
import io
import struct
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from local_aws.managed.service import Refused

# Limits of Rekognition itself (Amazon Rekognition quotas).
IMAGE_BYTES = 5 * 1024 * 1024
SIDE_PIXELS_LEAST = 80
SIDE_PIXELS_MOST = 10_000


def read_image(request: dict[str, Any], member: str = "Image") -> Image.Image:
    """The request's image of that name, decoded: RGB, upright and opaque.

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
    if len(content) > IMAGE_BYTES:
        raise Refused("ImageTooLargeException", f"The image has more than {IMAGE_BYTES} bytes.")
    wrong_size = Refused(
        "InvalidParameterException", f"Each side needs {SIDE_PIXELS_LEAST} to {SIDE_PIXELS_MOST} pixels."
    )
    try:
        image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        # The size stands in the header: a decompression bomb is refused before it is decoded.
        if not all(SIDE_PIXELS_LEAST <= side <= SIDE_PIXELS_MOST for side in image.size):
            raise wrong_size
        image.load()
    except Image.DecompressionBombError as error:
        raise wrong_size from error
    except (OSError, SyntaxError, ValueError) as error:
        raise Refused("InvalidImageFormatException", "The bytes are no PNG or JPEG image.") from error
    return in_colours(upright(image))


def upright(image: Image.Image) -> Image.Image:
    """The image turned as its EXIF says, as Rekognition does; its boxes are those of the turned one.

    One whose EXIF cannot be read stays as it is.
    """
    unreadable = (SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, OSError, EOFError)
    with suppress(*unreadable, struct.error):
        # In place: a copy of 100 megapixels takes 400 MB.
        ImageOps.exif_transpose(image, in_place=True)
    return image


def in_colours(image: Image.Image) -> Image.Image:
    """The image as RGB of 8 bits: 16 bits lose their lower 8, and what is transparent is white."""
    if image.mode.startswith("I"):
        # Pillow cuts at 255 instead.
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image if image.mode == "RGB" else image.convert("RGB")

"""Reads a request's image with Rekognition's limits, whatever kind of PNG or JPEG it is."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

from PIL import Image

from definitions.image_files import ImageHeader, UnreadableImage, read_header
from definitions.service_limits import SERVICE_LIMITS, Limit
from local_aws.managed.service import Refused

# Of an object in S3 (Amazon Rekognition quotas); what a request carries has limits by operation.
OBJECT_BYTES = 15 * 1024 * 1024
# Where Rekognition tells no most of a side: what the stand-ins' memory is made for.
MOST_AREA_PIXELS = 100_000_000
# By the orientation that a file tells; 1 is upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(operation: str, request: dict[str, Any], member: str = "Image") -> Image.Image:
    """The image of that name in a request for an operation, decoded: RGB, upright and opaque.

    Raises:
        Refused: with Rekognition's codes.
    """
    given = request.get(member) or {}
    # The embedded AWS has put the object's content beside its name.
    encoded = given.get("S3Object", given).get("Bytes")
    if not isinstance(encoded, str):
        raise Refused("InvalidParameterException", f"An image is {member}.Bytes or {member}.S3Object.")
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("InvalidParameterException", f"{member}.Bytes is not base64.") from error
    limit = SERVICE_LIMITS[operation]
    most = OBJECT_BYTES if "S3Object" in given else limit.most_bytes
    if len(content) > most:
        raise Refused("ImageTooLargeException", f"The image has more than {most} bytes.")
    try:
        # A decompression bomb is refused before it is decoded.
        require_size(limit, read_header(content))
        return as_seen(content)
    except UnreadableImage as error:
        raise Refused("InvalidImageFormatException", "The bytes are no PNG or JPEG image.") from error


def as_seen(content: bytes) -> Image.Image:
    """A PNG or JPEG file's picture as its owner sees it: RGB, upright and opaque.

    Raises:
        UnreadableImage: when it is neither, is damaged, or has far more pixels than a photograph.
    """
    try:
        header = read_header(content)
        image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
        image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableImage("The bytes are no PNG or JPEG image that can be decoded.") from error
    image, turn = in_colours(image), TURNS.get(header.orientation)
    return image if turn is None else image.transpose(turn)


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


def in_colours(image: Image.Image) -> Image.Image:
    """The image as RGB of 8 bits: 16 bits lose their lower 8, and what is transparent is white."""
    if image.mode.startswith("I"):
        # Pillow cuts at 255 instead.
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.has_transparency_data:
        above = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", above.size, "white"), above)
    return image if image.mode == "RGB" else image.convert("RGB")

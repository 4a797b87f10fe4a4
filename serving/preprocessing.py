"""From samples to a LiteRT network's inputs without TensorFlow, as `model_code.networks.preprocessing` makes them."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from definitions.image_files import JPEG_SIGNATURE, bare_jpeg, on_white, orientation_of, read_header, upright
from definitions.words import LINE_BREAKS, RULES, words_of

PADDING, UNKNOWN, FIRST_WORD = 0, 1, 2
# Of artefacts of before `definitions.words`, which tore marks from letters and left unspaced scripts whole.
EARLIER_SIGN = re.compile(r"([^\w' ]|_)")
# A request of SageMaker's 6 MiB can hold a compressed image of gigabytes.
MOST_PIXELS = 50_000_000
TOO_LARGE = f"The image has more than {MOST_PIXELS:,} pixels."
DAMAGED = "The image is no PNG or JPEG file that can be decoded."
# Pillow decodes a PNG file whose last chunk was cut off; TensorFlow does not.
PNG_END = b"IEND\xaeB`\x82"

Reader = Callable[[Any], np.ndarray]


class Unreadable(ValueError):
    """A sample that cannot become an input; the message is a sentence that repeats nothing of the sample."""


def reader_of(specification: dict[str, Any]) -> Reader:
    """What turns a sample into the network's input with its batch dimension of 1.

    Args:
        specification: the artefact's litert/preprocessing.json.

    Raises:
        KeyError: when the specification lacks what its feature needs.
    """
    return {"image": image_reader, "text": text_reader, "sequence": sequence_reader}[
        specification["feature"]
    ](specification)


def image_reader(specification: dict[str, Any]) -> Reader:
    """PNG or JPEG bytes to float32 [1, size, size, 3]."""
    size = specification["image_size"]

    def read(content: bytes) -> np.ndarray:
        pixels = decode(content)
        if pixels.shape[:2] != (size, size):
            pixels = resize(pixels, size)
        return pixels[None].astype(np.float32)

    return read


def decode(content: bytes) -> np.ndarray:
    """The pixels of a PNG or JPEG file, turned as its EXIF says, uint8 [height, width, 3].

    Raises:
        Unreadable: when it is neither, is damaged, or has more than MOST_PIXELS.
    """
    try:
        if content.startswith(JPEG_SIGNATURE):
            return upright(decode_jpeg(content), orientation_of(content))
        if PNG_END not in content:
            raise Unreadable(DAMAGED)
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            check_size(image.width, image.height)
            return upright(colours(image), orientation_of(content))
    except Image.DecompressionBombError:
        raise Unreadable(TOO_LARGE) from None
    except Unreadable:
        raise
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
        raise Unreadable(DAMAGED) from None


def decode_jpeg(content: bytes) -> np.ndarray:
    """The pixels of a JPEG file, uint8 [height, width, 3].

    Raises:
        ValueError: when it cannot be decoded.
    """
    header = read_header(content)
    check_size(header.width, header.height)
    try:
        return jpeg_pixels(content)
    except ValueError:
        # Stray bytes and broken colour profiles, which libjpeg and TensorFlow pass over, it refuses even when it is not
        # strict.
        bare = bare_jpeg(content)
        if len(bare) == len(content):
            raise
        return jpeg_pixels(bare)


def jpeg_pixels(content: bytes) -> np.ndarray:
    """With the fast integer transform, as TensorFlow decodes: another one differs by up to 19 of 255 levels."""
    *_, colour_space, _ = simplejpeg.decode_jpeg_header(content, strict=False)
    if colour_space in ("CMYK", "YCCK"):
        inks = simplejpeg.decode_jpeg(content, "CMYK", fastdct=True, strict=False).astype(np.uint32)
        return (inks[..., :3] * inks[..., 3:] // 255).astype(np.uint8)
    return simplejpeg.decode_jpeg(content, "RGB", fastdct=True, strict=False)


def check_size(width: int, height: int) -> None:
    """Raises Unreadable for more than MOST_PIXELS."""
    if width * height > MOST_PIXELS:
        raise Unreadable(TOO_LARGE)


def colours(image: Image.Image) -> np.ndarray:
    """Red, green and blue as the graph has them: what is transparent is on white, 16 bits lose their lower 8."""
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.uint32)
        grey = (values >> 8).astype(np.uint8)
        if (transparent := image.info.get("transparency")) is not None:
            grey[values == transparent] = 255
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        return on_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def resize(pixels: np.ndarray, size: int) -> np.ndarray:
    """`tf.image.resize` to a square with antialiasing, rounded: a triangle as wide as one pixel of the result."""
    height, width = pixels.shape[:2]
    upright = gathered(pixels.reshape(height, -1), size).reshape(size, width, 3)
    across = gathered(upright.transpose(1, 0, 2).reshape(width, -1), size).reshape(size, size, 3)
    return np.clip(np.round(across.transpose(1, 0, 2)), 0, 255).astype(np.uint8)


def gathered(lines: np.ndarray, size: int) -> np.ndarray:
    """Weighted sums of lines [length, N] as float32 [size, N], added in TensorFlow's order: halves are rounded."""
    sums = np.zeros((size, lines.shape[1]), np.float32)
    for total, (start, weights) in zip(sums, triangle_weights(len(lines), size), strict=True):
        for line, weight in zip(lines[start:], weights, strict=False):
            total += line * weight
    return sums


def triangle_weights(length: int, size: int) -> list[tuple[int, np.ndarray]]:
    """For each pixel of the result the first pixel of the source and the weights from there on.

    The formula is that of TensorFlow's ScaleAndTranslate with its triangle kernel of radius 1.
    """
    step = np.float32(1) / (np.float32(size) / np.float32(length))
    radius = max(step, np.float32(1))
    windows = []
    for position in range(size):
        middle = (np.float32(position) + np.float32(0.5)) * step
        start = min(max(int(np.ceil(middle - radius - np.float32(0.5))), 0), length - 1)
        stop = min(max(int(np.floor(middle + radius - np.float32(0.5))), 0), length - 1) + 1
        distances = np.abs(np.arange(start, stop, dtype=np.float32) + np.float32(0.5) - middle) / radius
        weights = np.maximum(np.float32(0), 1 - distances)
        windows.append((start, weights * (np.float32(1) / sum(weights))))
    return windows


def text_reader(specification: dict[str, Any]) -> Reader:
    """A text to word numbers, int32 [1, length], padded behind; a long one keeps its first quarter and its end."""
    length = specification["sequence_length"]
    numbers = {word: FIRST_WORD + i for i, word in enumerate(specification["vocabulary"])}
    head = length // 4
    words_in = words_of if specification.get("word_rules") == RULES else earlier_words_of

    def read(text: str) -> np.ndarray:
        words = words_in(text)
        if len(words) > length:
            words = words[:head] + words[head - length :]
        row = np.full((1, length), PADDING, np.int32)
        row[0, : len(words)] = [numbers.get(word, UNKNOWN) for word in words]
        return row

    return read


def earlier_words_of(text: str) -> list[str]:
    """Words as an artefact learnt them that names no rules."""
    text = LINE_BREAKS.sub(" ", text.partition("\0")[0].lower())
    # Of white space ASCII's alone parts words, as in TensorFlow's split.
    return [word.decode() for word in EARLIER_SIGN.sub(r" \1 ", text).encode().split()]


def sequence_reader(specification: dict[str, Any]) -> Reader:
    """Steps [steps, channels] to float32 [1, length, channels], padded behind with NaN."""
    length, channels = specification["sequence_length"], specification["channels"]

    def read(steps: np.ndarray) -> np.ndarray:
        if steps.shape[1] != channels:
            raise Unreadable(
                f"The model reads sequences of {channels} channels; this one has {steps.shape[1]}."
            )
        if len(steps) > length:
            raise Unreadable(f"The model reads sequences of at most {length} steps.")
        row = np.full((1, length, channels), np.nan, np.float32)
        row[0, : len(steps)] = steps
        return row

    return read

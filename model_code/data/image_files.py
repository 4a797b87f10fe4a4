"""Finds the images in folders as people's machines leave them, and brings each to a file that the networks decode."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from definitions.image_files import ORIENTATION_TAG, UPRIGHT, on_white, orientation_of, upright
from model_code.data.splits import SPLIT_NAMES
from model_code.failures import JobFailed

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff")
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
# Photographs that Pillow alone does not decode.
OTHER_SUFFIXES = (".heic", ".heif", ".avif", ".jp2", ".jxl", ".psd", ".cr2", ".nef", ".arw", ".dng", ".raw")
# By how their files begin (ISO/IEC 14496-12 `ftyp` and the formats' own signatures): a file's ending often lies.
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"isom", b"mp41", b"mp42", b"qt  "), "video"),
}
SIGNATURES = (
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"8BPS", "Photoshop"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG"),
    (b"<!DOCTYPE html", "HTML"),
    (b"<html", "HTML"),
    (b"PK\x03\x04", "ZIP"),
)
# What systems and programs leave in folders, beside everything that begins with a dot (macOS's `._photo.jpg` too).
LEFT_BY_SYSTEMS = ("__macosx", "@eadir", "thumbs.db", "desktop.ini", "$recycle.bin")
# The largest `image_size`: what is larger costs time in every epoch and shows a network nothing more.
LARGEST_SIDE_PIXELS = 512
JPEG_QUALITY = 95
# TensorFlow does not decode a PNG file whose last chunk was cut off.
PNG_END = b"IEND\xaeB`\x82"


class NoImage(ValueError):
    """A file is no image that can be used; the message continues a sentence that begins with its name."""


def visible(folder: Path) -> list[Path]:
    """What a person put into a folder, in order.

    Raises:
        JobFailed: when it cannot be read.
    """
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        raise JobFailed(f"The folder {folder} cannot be read: {error.strerror}.") from error
    return [
        path
        for path in inside
        if not path.name.startswith(".") and path.name.casefold() not in LEFT_BY_SYSTEMS
    ]


def files_below(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Every visible file below a folder, in order, links to others included.

    Args:
        folder: the folder.
        above: the folders in which it lies, without links.

    Raises:
        JobFailed: at a link to a folder in which it lies, whose files would come again and again, and at a pipe or a
            device, which may have no end.
    """
    above = (*above, folder.resolve())
    for one in visible(folder):
        if one.is_dir():
            if one.resolve() in above:
                raise JobFailed(f"{one} is a link to a folder in which it lies. Remove it.")
            yield from files_below(one, above)
        elif one.exists() and not one.is_file():
            raise JobFailed(f"{one} is neither a file nor a folder. Remove it.")
        else:
            yield one


def folders_in(folder: Path) -> list[Path]:
    """The visible folders in a folder."""
    return [one for one in visible(folder) if one.is_dir()]


def parts_of(folder: Path) -> dict[str | None, Path]:
    """The folders of classes by the split that they are of; of None where there are no splits yet.

    `train/`, `val/` and `test/` are splits. A folder that holds nothing but one other, as archives unpack, is that one.

    Raises:
        JobFailed: when there is no folder in it.
    """
    inside = folders_in(folder)
    if not inside:
        raise JobFailed(f"{folder} holds no folder; give each class one, with its images in it.")
    names = [SPLIT_NAMES.get(one.name.casefold()) for one in inside]
    if all(names) and "train" in names and len(set(names)) == len(names):
        return dict(zip(names, inside, strict=True))
    if len(inside) == 1 and len(folders_in(inside[0])) > 1 and len(visible(folder)) == 1:
        return parts_of(inside[0])
    return {None: folder}


def network_file(content: bytes, name: str = "") -> bytes:
    """An image as an upright PNG or JPEG file whose shorter side has LARGEST_SIDE_PIXELS at most.

    A PNG or JPEG file that is so already stays as it is, byte for byte. Of several pictures the first counts;
    what is transparent is put on white, as the networks' own decoder does.

    Args:
        content: a file of one of FORMATS.
        name: of the file.

    Raises:
        NoImage: when it cannot be decoded whole.
    """
    from PIL import Image, UnidentifiedImageError

    if Path(name).suffix.lower() in OTHER_SUFFIXES:
        raise NoImage(other_format(format_of(content) or Path(name).suffix[1:].upper()))
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            form, stored = image.format, image.size
            scale = min(stored) / LARGEST_SIDE_PIXELS
            if scale > 1:
                # A JPEG file is decoded at a half, quarter or eighth of its size, not below the one that is wanted.
                image.draft("RGB", (-int(-stored[0] // scale), -int(-stored[1] // scale)))
            image.load()
            fits = form == "JPEG" or form == "PNG" and PNG_END in content
            if fits and scale <= 1 and orientation_of(content) == 1:
                return content
            turned = Image.fromarray(upright(np.asarray(eight_bits(image)), orientation_in(image, content)))
    except (Image.DecompressionBombError, UnidentifiedImageError) as error:
        raise NoImage(undecoded(content, error)) from error
    except Exception as error:
        raise NoImage(f"is damaged: it cannot be decoded whole ({type(error).__name__})") from error
    if scale > 1:
        factor = LARGEST_SIDE_PIXELS / min(turned.size)
        width, height = (max(1, round(side * factor)) for side in turned.size)
        turned = turned.resize((width, height), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    if form in ("JPEG", "MPO") or scale > 1:
        turned.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        turned.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def orientation_in(image: Image.Image, content: bytes) -> int:
    """How a file says that its image is to be turned, 1 to 8; UPRIGHT where that cannot be read.

    Pillow's own turning writes the EXIF anew, which fails where a part of it is damaged that turns nothing.
    """
    if image.format in ("PNG", "JPEG", "MPO"):
        return orientation_of(content)
    told = image.getexif().get(ORIENTATION_TAG)
    return told if isinstance(told, int) and 1 <= told <= 8 else UPRIGHT


def eight_bits(image: Image.Image) -> Image.Image:
    """An image in red, green and blue of 8 bits, on white; of 16 bits the upper ones."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    elif image.mode == "F":
        raise ValueError("floats are no colours")
    if image.has_transparency_data:
        return Image.fromarray(on_white(np.asarray(image.convert("RGBA"))))
    return image if image.mode == "RGB" else image.convert("RGB")


def longer_side_of(content: bytes) -> int:
    """An image's longer side in pixels by the file's header.

    Raises:
        NoImage: when it is no image.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return max(image.size)
    except Exception as error:
        raise NoImage(undecoded(content, error)) from error


def format_of(content: bytes) -> str:
    """The name of a format that is not read here, by how its files begin; empty where it is not known."""
    if content[4:8] == b"ftyp":
        return BRANDS.get(content[8:12], "")
    return next((name for signature, name in SIGNATURES if content.startswith(signature)), "")


def other_format(name: str) -> str:
    """Why a file of another format is left out, as the end of a sentence."""
    return f"is of the format {name}, which is not read here. Save it as JPEG or PNG"


def undecoded(content: bytes, error: Exception) -> str:
    """Why a file could not be decoded, as the end of a sentence."""
    found = format_of(content)
    return other_format(found) if found else f"is no image that can be decoded ({type(error).__name__})"

"""Shows what was recognised where: boxes and labels in a picture, entities in a text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from cli.shared.errors import CommandFailed
from definitions.image_files import UnreadableImage
from model_code.markup import visible
from model_code.outputs import written

if TYPE_CHECKING:
    from PIL import Image

# Left, top, right and bottom in pixels.
Rectangle = tuple[float, float, float, float]
FORMATS = (".png", ".jpg", ".jpeg")
COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")
# Line and letters grow with the picture, so that both stay readable when it is shown smaller.
LINE_SHARE, LETTER_SHARE = 1 / 250, 1 / 32
LETTER_PIXELS_LEAST = 11
STYLES = ("bold red", "bold green", "bold blue", "bold magenta", "bold cyan", "bold yellow")


def require_drawable(image: bytes, output: Path) -> None:
    """Refuses, before anybody is asked, a picture that could not be drawn afterwards.

    Raises:
        CommandFailed: when the output's ending names no format that is written here, its folder is not there, or the
            image cannot be read.
    """
    if output.suffix.lower() not in FORMATS:
        raise CommandFailed(f"--show writes {', '.join(FORMATS)}, and {output} ends otherwise.")
    if not output.parent.is_dir():
        raise CommandFailed(f"--show writes {output}, and there is no folder {output.parent}.")
    upright(image)


def upright(image: bytes) -> Image.Image:
    """The image as Rekognition sees it: turned as its EXIF says before boxes are measured, in RGB, opaque.

    Raises:
        CommandFailed: when it cannot be read.
    """
    from local_aws.managed.pictures import as_seen

    try:
        return as_seen(image)
    except UnreadableImage as error:
        raise CommandFailed(f"--show cannot draw on this image. {error}") from error


def draw(image: bytes, results: Sequence[Mapping[str, Any]], output: Path, *, overwrite: bool = False) -> int:
    """Draws each result that has a box, surest on top, their captions beside each other; the number of boxes.

    `require_drawable` says beforehand whether it can.

    Raises:
        OutputRefused: when the output is there and may not be replaced.
    """
    from PIL import ImageDraw, ImageFont

    picture = upright(image)
    size = max(picture.size)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(LETTER_PIXELS_LEAST, round(size * LETTER_SHARE)))
    labels = sorted({result["label"] for result in results})
    located = [result for result in results if "box" in result]
    step = max(2, round(size * LINE_SHARE))
    shown = []
    for result in located:
        colour = COLOURS[labels.index(result["label"]) % len(COLOURS)]
        shown.append((corners_of(result["box"], picture.size), colour, result))
    for corners, colour, _ in reversed(shown):
        pen.rectangle(corners, outline=colour, width=step)
    taken: list[Rectangle] = []
    for corners, colour, result in shown:
        caption = f"{visible(result['label'])} {result['score']:.2f}"
        width, height = pen.textbbox((0, 0), caption, font=font)[2:]
        place = free_place(corners, (width + 6, height + 4), picture.size, taken)
        taken.append(place)
        pen.rectangle(place, fill=colour)
        pen.text((place[0] + 3, place[1] + 1), caption, fill="white", font=font)
    with written(output, overwrite=overwrite) as unfinished:
        picture.save(unfinished)
    return len(located)


def free_place(
    corners: Rectangle, caption: tuple[float, float], size: tuple[int, int], taken: Sequence[Rectangle]
) -> Rectangle:
    """Where a caption of this size stands: above its box's corner, or in the nearest row below or above that is free.

    Where a picture is too full for all of its captions, those of the least sure cover others.
    """
    width, height = caption
    left = max(0.0, min(corners[0], size[0] - width))
    wanted = corners[1] - height if corners[1] >= height else corners[1]
    wanted = max(0.0, min(wanted, size[1] - height))
    rows = int(size[1] // (height + 1)) + 1
    tops = [wanted, *(wanted + way * row * (height + 1) for row in range(1, rows) for way in (1, -1))]
    places = [(left, top, left + width, top + height) for top in tops if 0 <= top <= max(0, size[1] - height)]
    return next((place for place in places if not any(overlap(place, other) for other in taken)), places[0])


def overlap(first: Rectangle, other: Rectangle) -> bool:
    """Whether two rectangles have a pixel in common."""
    return first[0] <= other[2] and other[0] <= first[2] and first[1] <= other[3] and other[1] <= first[3]


def corners_of(box: Mapping[str, float], size: tuple[int, int]) -> Rectangle:
    """A box's left, top, right and bottom in pixels, inside the picture."""
    width, height = size
    left, top = box["left"] * width, box["top"] * height
    right, bottom = left + box["width"] * width, top + box["height"] * height
    left, right = (min(max(edge, 0.0), width - 1) for edge in (left, right))
    top, bottom = (min(max(edge, 0.0), height - 1) for edge in (top, bottom))
    return left, top, max(left, right), max(top, bottom)


def highlighted(text: str, results: Sequence[Mapping[str, Any]]) -> Text:
    """The text with every span in its label's colour, the label behind it; of spans that overlap, the first."""
    labels = sorted({result["label"] for result in results})
    shown, position = Text(), 0
    spans = [result for result in results if "span" in result]
    for result in sorted(spans, key=lambda span: (span["span"]["begin"], -span["span"]["end"])):
        begin, end = result["span"]["begin"], result["span"]["end"]
        if begin < position:
            continue
        style = STYLES[labels.index(result["label"]) % len(STYLES)]
        shown.append(text[position:begin]).append(text[begin:end], style)
        shown.append(f" [{result['label']}]", "dim")
        position = end
    return shown.append(text[position:])

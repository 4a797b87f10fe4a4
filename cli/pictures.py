"""Shows what was recognised where: boxes and labels in a picture, entities in a text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from cli.errors import CommandFailed

FORMATS = (".png", ".jpg", ".jpeg")
COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#800000")
# Line and letters grow with the picture, so that both stay readable when it is shown smaller.
LINE_SHARE, LETTER_SHARE = 1 / 250, 1 / 32
LETTER_PIXELS_LEAST = 11
STYLES = ("bold red", "bold green", "bold blue", "bold magenta", "bold cyan", "bold yellow")


def draw(image: bytes, results: Sequence[Mapping[str, Any]], output: Path) -> int:
    """Draws each result that has a box, surest on top, and writes the picture; the number of boxes.

    Raises:
        CommandFailed: when the output's ending names no format that is written here.
    """
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    if output.suffix.lower() not in FORMATS:
        raise CommandFailed(f"--show writes {', '.join(FORMATS)}, and {output} ends otherwise.")
    # Rekognition turns a photograph as its EXIF says before it measures boxes.
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(image))).convert("RGB")
    size = max(picture.size)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(max(LETTER_PIXELS_LEAST, round(size * LETTER_SHARE)))
    labels = sorted({result["label"] for result in results})
    located = [result for result in results if "box" in result]
    for result in reversed(located):
        colour = COLOURS[labels.index(result["label"]) % len(COLOURS)]
        corners = corners_of(result["box"], picture.size)
        pen.rectangle(corners, outline=colour, width=max(2, round(size * LINE_SHARE)))
        caption = f"{result['label']} {result['score']:.2f}"
        write_caption(pen, caption, corners[:2], font, colour, picture.size)
    picture.save(output)
    return len(located)


def corners_of(box: Mapping[str, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """A box's left, top, right and bottom in pixels, inside the picture."""
    width, height = size
    left, top = box["left"] * width, box["top"] * height
    right, bottom = left + box["width"] * width, top + box["height"] * height
    left, right = (min(max(one, 0.0), width - 1) for one in (left, right))
    top, bottom = (min(max(one, 0.0), height - 1) for one in (top, bottom))
    return left, top, max(left, right), max(top, bottom)


def write_caption(
    pen: Any, caption: str, corner: tuple[float, float], font: Any, colour: str, size: tuple[int, int]
) -> None:
    """Writes a caption on its colour above the corner, or below where the picture ends."""
    _, _, width, height = pen.textbbox((0, 0), caption, font=font)
    left = max(0.0, min(corner[0], size[0] - width - 6))
    top = corner[1] - height - 4 if corner[1] >= height + 4 else corner[1]
    pen.rectangle((left, top, left + width + 6, top + height + 4), fill=colour)
    pen.text((left + 3, top + 1), caption, fill="white", font=font)


def highlighted(text: str, results: Sequence[Mapping[str, Any]]) -> Text:
    """The text with every span in its label's colour, the label behind it; of spans that overlap, the first."""
    labels = sorted({result["label"] for result in results})
    shown, position = Text(), 0
    spans = [result for result in results if "span" in result]
    for result in sorted(spans, key=lambda one: (one["span"]["begin"], -one["span"]["end"])):
        begin, end = result["span"]["begin"], result["span"]["end"]
        if begin < position:
            continue
        style = STYLES[labels.index(result["label"]) % len(STYLES)]
        shown.append(text[position:begin]).append(text[begin:end], style)
        shown.append(f" [{result['label']}]", "dim")
        position = end
    return shown.append(text[position:])

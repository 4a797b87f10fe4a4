"""Samples without labels, as people have them: the images below a folder, or a column of a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from model_code.data import image_files, tables
from model_code.data.columns import Columns, image_by_name, text_among, wanted
from model_code.data.image_files import NoImage, network_file
from model_code.data.samples import LeftOut
from model_code.data.tables import Table, read_table
from model_code.data.user_files import Unusable, image_content, text_content
from model_code.failures import JobFailed

Unlabelled = tuple[str, str, bytes]
"""Where it came from, its feature, and its content: an upright PNG or JPEG file, or a text in UTF-8."""


def unlabelled_in(source: Path, columns: Columns) -> Iterator[Unlabelled | LeftOut]:
    """Every sample of a folder of images or of a table, in order; what cannot be used is told in its place.

    Args:
        source: the folder or the table.
        columns: which hold the text or the image; found by their names and contents otherwise.

    Raises:
        JobFailed: when it is neither, or no column can be told to hold what is asked about.
    """
    if source.is_dir():
        yield from images_below(source)
        return
    if source.suffix.lower() not in tables.SUFFIXES:
        raise JobFailed(f"{source} is neither a folder of images nor one of {', '.join(tables.SUFFIXES)}.")
    table = read_table(source)
    image, text = content_columns(table, columns)
    for place, row in table.rows:
        try:
            if text is None:
                content = image_content(row.get(image or ""), source)
                content = content.read_bytes() if isinstance(content, Path) else content
                yield place, "image", network_file(content)
            else:
                yield place, "text", text_content(row.get(text))
        except (Unusable, NoImage) as reason:
            yield LeftOut(place, str(reason))


def images_below(folder: Path) -> Iterator[Unlabelled | LeftOut]:
    """The images in a folder and its folders; other files are passed over."""
    for file in image_files.files_below(folder):
        if file.suffix.lower() in (*image_files.SUFFIXES, *image_files.OTHER_SUFFIXES):
            place = str(file.relative_to(folder))
            try:
                yield place, "image", network_file(file.read_bytes(), file.name)
            except NoImage as reason:
                yield LeftOut(place, str(reason))


def content_columns(table: Table, columns: Columns) -> tuple[str | None, str | None]:
    """The column of the images or that of the texts; the other one is None."""
    text = wanted(table, columns.text, "text")
    image = wanted(table, columns.image, "image") or (None if text else image_by_name(table))
    if image is not None:
        return image, None
    text = text or text_among(table, table.columns, [])
    if text is None:
        raise JobFailed(
            f"{table.file} has no column that can be told to hold texts or images. Name it: --text or --image. It has: "
            f"{', '.join(table.columns) or 'none'}."
        )
    return None, text

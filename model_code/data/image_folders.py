"""Reads the images of folders of classes, with or without splits, and tells what else lies in them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from definitions.counts import counted
from model_code.data import image_files
from model_code.data.samples import LeftOut, Sample, UserData, sorted_out
from model_code.failures import JobFailed

FILES_NAMED = 5


def read_image_folders(folder: Path) -> UserData:
    """The images of folders of classes."""
    notes: list[str] = []
    samples, left_out = sorted_out(images_in(folder, notes), folder)
    return UserData(folder, "image", samples, tuple(left_out), tuple(notes))


def images_in(folder: Path, notes: list[str]) -> Iterator[Sample | LeftOut]:
    """Each image with its class; a note names the files that are no images."""
    others: list[Path] = []
    for split, place in image_files.parts_of(folder).items():
        classes = image_files.folders_in(place)
        if split and not classes:
            notes.append(f"{place} holds no folders of classes, so it was passed over.")
        for one in classes:
            images = []
            for file in image_files.files_below(one):
                suffix = file.suffix.lower()
                is_image = suffix in image_files.SUFFIXES or suffix in image_files.OTHER_SUFFIXES
                (images if is_image else others).append(file)
            if not images:
                raise JobFailed(
                    f"The class '{one.name}' is empty: {one} holds no image ({', '.join(image_files.SUFFIXES)})."
                )
            for file in images:
                yield image_sample(file, one.name, split)
    if others:
        named = ", ".join(str(file.relative_to(folder)) for file in others[:FILES_NAMED])
        more = " and others" if len(others) > FILES_NAMED else ""
        notes.append(
            f"{counted(len(others), 'file is no image', 'files are no images')}, passed over: {named}{more}."
        )


def image_sample(file: Path, label: str, split: str | None) -> Sample | LeftOut:
    """An image's file, if a look at its first bytes says that it is one."""
    if file.suffix.lower() in image_files.OTHER_SUFFIXES:
        return LeftOut(str(file), image_files.other_format(file.suffix[1:].upper()))
    if not file.stat().st_size:
        return LeftOut(str(file), "is empty")
    return Sample(file, label, None, str(file), split)

"""Turns the caller's data, as it was read, into labelled examples for a bake-off."""

from __future__ import annotations

from typing import Any

import numpy as np

from bakeoff.examples import Examples
from cli.advise import profiling
from cli.shared.errors import CommandFailed
from model_code.data.image_files import NoImage
from model_code.data.samples import LeftOut, Sample, image_of, require_few


def read_examples(measured: profiling.Profile) -> Examples:
    """The examples of measured data.

    A column or an array named `group` says what an example was taken from, a person for instance: examples of one
    group are never in two parts of a split.

    Raises:
        CommandFailed: naming the row or the file that cannot be used.
    """
    data = measured.data
    if measured.answers["task"] != "classification":
        raise CommandFailed(
            f"The label of {data.source} is a quantity with many values. A bake-off compares classifiers; make classes "
            "of it."
        )
    samples = data.samples
    contents: Any = [sample.content for sample in samples]
    if data.feature == "image":
        samples, contents = decoded(samples)
    targets, labels = classes_of([sample.label for sample in samples])
    sources = sources_of(samples)
    modality = measured.answers["modality"]
    is_timed = data.feature != "sequence" and all(sample.time is not None for sample in samples)
    times = np.array([sample.time for sample in samples], float) if is_timed else None
    if data.feature == "text":
        texts = [bytes(content).decode("utf-8", "replace") for content in contents]
        return Examples(modality, texts, targets, labels, sources, times=times)
    if data.feature == "table":
        numeric = tuple(column.is_numeric for column in data.columns)
        names = tuple(column.name for column in data.columns)
        return Examples(modality, np.stack(contents), targets, labels, sources, numeric, names, times)
    if data.feature == "sequence" and len({len(content) for content in contents}) == 1:
        contents = np.stack(contents)
    return Examples(modality, contents, targets, labels, sources, times=times)


def decoded(samples: list[Sample]) -> tuple[list[Sample], list[Any]]:
    """The images that can be decoded, and their files as the networks take them."""
    kept, files, left_out = [], [], []
    for sample in samples:
        try:
            files.append(image_of(sample))
            kept.append(sample)
        except NoImage as failure:
            left_out.append(LeftOut(sample.place, str(failure)))
    with profiling.sentences():
        require_few(left_out, len(samples))
    return kept, files


def sources_of(samples: list[Sample]) -> np.ndarray | None:
    """What each example was taken from, int [N]; None where no example has a group."""
    without = [sample for sample in samples if sample.group is None]
    if len(without) == len(samples):
        return None
    if without:
        raise CommandFailed(f"{without[0].place} has no group, but other samples have one.")
    return np.unique([str(sample.group) for sample in samples], return_inverse=True)[1]


def classes_of(names: list[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Positions of the classes, int32 [N], and their names in order."""
    labels, targets = np.unique(np.array(names), return_inverse=True)
    return targets.astype(np.int32), tuple(str(label) for label in labels)

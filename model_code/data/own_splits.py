"""Writes the splits of one's own data: shards with the places of their samples, a data card, and what fits the set."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data.image_files import NoImage
from model_code.data.profile import listed
from model_code.data.progress import report_progress
from model_code.data.samples import LeftOut, Sample, image_of, require_few
from model_code.data.splits import NAMES
from model_code.fitted import HYPERPARAMETERS_FILE, fitted_both
from model_code.light_import import import_tensorflow
from model_code.outputs import OutputFolder

# Of each sample of a split the file or row that it came from, and the group that it is of, where all have one.
PLACES_FILE, GROUPS_FILE = "places.json", "groups.json"
WRITTEN = ("part-*.tfrecord", "labels.json", PLACES_FILE, GROUPS_FILE)
# What is made of a data set; the card comes first.
FOLDER = OutputFolder(
    "data_card.json",
    (
        HYPERPARAMETERS_FILE,
        *(f"{split}/{name}" for split in NAMES for name in WRITTEN),
    ),
)
# Samples from one report of progress to the next.
REPORTED_SAMPLES = 200


def record_of(sample: Sample) -> bytes | np.ndarray:
    """What a record holds of a text or a sequence."""
    return sample.sequence if isinstance(sample.content, np.ndarray) else sample.encoded


def write(out: Path, card: dict[str, Any], splits: dict[str, list[Sample]], source: Path) -> dict[str, Any]:
    """Writes every split's shards with the places and groups of its samples, and the data card; returns the card."""
    import_tensorflow()
    from model_code.data.records import write_split

    FOLDER.prepare(out)
    # It marks the folder as ours from the start; what it counts is known at the end.
    (out / FOLDER.first).write_text(json.dumps(card), encoding="utf-8")
    labels, counts = card["classes"], {}
    left_out: list[LeftOut] = []
    folder = source if source.is_dir() else source.parent
    total, done = sum(map(len, splits.values())), itertools.count()
    for split, samples in splits.items():
        targets: list[int] = []
        used: list[Sample] = []

        def pairs(
            samples: Iterable[Sample] = samples,
            targets: list[int] = targets,
            used: list[Sample] = used,
            split: str = split,
        ) -> Iterator[tuple[bytes | np.ndarray, int]]:
            for sample in samples:
                if (position := next(done)) % REPORTED_SAMPLES == 0:
                    report_progress(
                        0.2 + 0.8 * position / total, f"writing {split}: {position:,} of {total:,}"
                    )
                try:
                    content = image_of(sample) if card["feature"] == "image" else record_of(sample)
                except NoImage as failure:
                    left_out.append(LeftOut(sample.place, str(failure)))
                    require_few(left_out, total)
                    continue
                targets.append(labels.index(sample.label))
                used.append(sample)
                yield content, targets[-1]

        contents, numbers = itertools.tee(pairs())
        write_split(
            out / split, card["feature"], (one for one, _ in contents), (one for _, one in numbers), labels
        )
        told = {PLACES_FILE: [sample.place.removeprefix(f"{folder}/") for sample in used]}
        if used and used[0].group is not None:
            told[GROUPS_FILE] = [str(sample.group) for sample in used]
        for name, content in told.items():
            (out / split / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        counts[split] = [targets.count(i) for i in range(len(labels))]
    profile = card["profile"]
    profile["left_out"] = [*profile["left_out"], *listed(left_out)]
    profile["left_out_count"] += len(left_out)
    card = {
        **card,
        "counts": {split: sum(numbers) for split, numbers in counts.items()},
        "counts_by_class": {
            split: dict(zip(labels, numbers, strict=True)) for split, numbers in counts.items()
        },
    }
    (out / FOLDER.first).write_text(json.dumps(card, indent=2, ensure_ascii=False), encoding="utf-8")
    (out / HYPERPARAMETERS_FILE).write_text(json.dumps(fitted_both(card), indent=2), encoding="utf-8")
    report_progress(1.0, "done")
    return card

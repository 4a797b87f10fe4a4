"""What is in labelled data: classes, sizes, scripts, groups, copies and contradicting labels, as facts and in words."""

from __future__ import annotations

import statistics
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from definitions.counts import counted
from definitions.words import words_of
from model_code.data.image_files import NoImage, longer_side_of
from model_code.data.samples import LeftOut, Sample, UserData, require_few

SAMPLES_LOOKED_AT = 500
LEFT_OUT_LISTED = 1_000
CLASSES_NAMED, LEFT_OUT_NAMED = 12, 10
# A script of fewer letters than this share is not named.
NINE_IN_TEN = 0.9
LEAST_SHARE_OF_A_SCRIPT = 0.02


def profile_of(data: UserData) -> dict[str, Any]:
    """The facts, which JSON can hold.

    `samples`, `classes` (samples of each), `groups`, `copies`, `contradictions` (contents with several labels),
    `left_out` (LEFT_OUT_LISTED at most), `left_out_count`, `notes`; by feature `image_sides`, `words`, `characters`,
    `most_words` (that nine in ten have at most), `scripts`, `steps`, `channels` or `columns`; of sizes the least, the
    median and the most.
    """
    labels = Counter(sample.label for sample in data.samples)
    groups = {sample.group for sample in data.samples} - {None}
    by_content: dict[bytes, set[str]] = defaultdict(set)
    for sample in data.samples:
        by_content[sample.digest].add(sample.label)
    return {
        "feature": data.feature,
        "samples": len(data.samples),
        "classes": {label: labels[label] for label in sorted(labels)},
        "groups": len(groups),
        "copies": len(data.samples) - len(by_content),
        "contradictions": sum(len(found) > 1 for found in by_content.values()),
        "left_out": listed(data.left_out),
        "left_out_count": len(data.left_out),
        "notes": list(data.notes),
        **sizes_of(data),
    }


def listed(left_out: Sequence[LeftOut]) -> list[str]:
    """The first samples that are left out, each as a sentence."""
    return [str(one) for one in left_out[:LEFT_OUT_LISTED]]


def sizes_of(data: UserData) -> dict[str, Any]:
    """What differs by feature: how large samples are, by some of all parts of the data."""
    some = data.samples[:: max(1, len(data.samples) // SAMPLES_LOOKED_AT)]
    if data.feature == "image":
        return {"image_sides": spread(longer_sides(some))}
    if data.feature == "text":
        texts = [as_text(sample) for sample in some]
        scripts = scripts_of("".join(texts))
        words = sorted(len(words_of(text)) for text in texts)
        return {
            "words": spread(words),
            "most_words": words[int(NINE_IN_TEN * (len(words) - 1))],
            "characters": spread(list(map(len, texts))),
            "scripts": scripts,
        }
    if data.feature == "sequence":
        lengths = [len(sample.sequence) for sample in data.samples]
        return {"steps": spread(lengths), "channels": int(data.samples[0].sequence.shape[1])}
    return {"columns": [column.name for column in data.columns]}


def as_text(sample: Sample) -> str:
    """A text sample's text."""
    return sample.encoded.decode("utf-8", "replace")


def longer_sides(samples: Sequence[Sample]) -> list[int]:
    """Of images, by their headers.

    Raises:
        JobFailed: naming those that are none, where they are too many.
    """
    sides, left_out = [], []
    for sample in samples:
        content = sample.encoded
        try:
            sides.append(longer_side_of(content))
        except NoImage as failure:
            left_out.append(LeftOut(sample.place, str(failure)))
    require_few(left_out, len(samples))
    return sides


def spread(numbers: Sequence[int]) -> list[int]:
    """Least, median and most; nothing of nothing."""
    return [min(numbers), int(statistics.median(numbers)), max(numbers)] if numbers else []


def scripts_of(text: str) -> list[str]:
    """The scripts of a text's letters, the most frequent first, as Unicode's names of characters begin."""
    counts: Counter[str] = Counter()
    for character, count in Counter(text).items():
        if character.isalpha():
            counts[unicodedata.name(character, "UNKNOWN").split(" ")[0].split("-")[0].title()] += count
    least = LEAST_SHARE_OF_A_SCRIPT * sum(counts.values())
    return [
        "Han" if name == "Cjk" else name for name, count in counts.most_common() if count >= max(least, 1)
    ]


def in_words(profile: dict[str, Any]) -> list[str]:
    """The facts as lines for a person."""
    classes = profile["classes"]
    named = ", ".join(f"{label} {count:,}" for label, count in list(classes.items())[:CLASSES_NAMED])
    more = f" and {len(classes) - CLASSES_NAMED} more" if len(classes) > CLASSES_NAMED else ""
    lines = [
        f"{counted(profile['samples'], 'sample')} of the feature '{profile['feature']}'{size_in_words(profile)}.",
        f"{counted(len(classes), 'class', 'classes')}: {named}{more}.",
    ]
    if profile["groups"]:
        lines.append(f"The samples are of {counted(profile['groups'], 'group')}.")
    if profile["copies"]:
        lines.append(
            f"{counted(profile['copies'], 'sample is a copy of another', 'samples are copies of others')}."
        )
    if profile["contradictions"]:
        lines.append(
            f"{counted(profile['contradictions'], 'content carries', 'contents carry')} more than one label."
        )
    if profile["left_out_count"]:
        lines.append(f"{profile['left_out_count']:,} left out:")
        lines += [f"  {one}" for one in profile["left_out"][:LEFT_OUT_NAMED]]
        if profile["left_out_count"] > LEFT_OUT_NAMED:
            lines.append(f"  and {profile['left_out_count'] - LEFT_OUT_NAMED:,} more.")
    return [*lines, *profile["notes"]]


def size_in_words(profile: dict[str, Any]) -> str:
    """How large the samples are, as the rest of a sentence."""

    def span(numbers: list[int]) -> str:
        return f"{numbers[0]:,}" if numbers[0] == numbers[-1] else f"{numbers[0]:,} to {numbers[-1]:,}"

    if profile.get("image_sides"):
        return f", {span(profile['image_sides'])} pixels on the longer side"
    if profile.get("words"):
        return f", {span(profile['words'])} words and signs{in_scripts(profile['scripts'])}"
    if profile.get("steps"):
        return f", {span(profile['steps'])} steps of {counted(profile['channels'], 'channel')}"
    return f", {counted(len(profile['columns']), 'column')}" if profile.get("columns") else ""


def in_scripts(scripts: Sequence[str]) -> str:
    """The scripts of texts, as the rest of a sentence."""
    if len(scripts) < 2:
        return f", in the script {scripts[0]}" if scripts else ""
    return f", in the scripts {', '.join(scripts[:-1])} and {scripts[-1]}"

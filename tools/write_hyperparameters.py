"""Writes docs/reference/hyperparameters.md from model_code.hyperparameters: `python -m tools.write_hyperparameters`."""

from __future__ import annotations

import dataclasses
import inspect
import re

from model_code.hyperparameters import (
    CnnHyperparameters,
    Hyperparameters,
    ImageHyperparameters,
    PretrainedHyperparameters,
    RnnHyperparameters,
)
from tools.arguments import refuse_arguments
from tools.markdown import REFERENCE, code, table

PAGE = REFERENCE / "hyperparameters.md"
HEAD = """# Hyperparameters

Written by `make generate` from [hyperparameters.py](../../model_code/hyperparameters.py). A job takes them as
`--name value`, `recognition train` as `--set name=value`. One that is unknown, of another type or out of its bounds is
refused before anything is started. [Public sets have values of their own](../../model_code/presets.py); a set of your
own has values that follow its data.

"""
SECTIONS = {
    "Of every network": (Hyperparameters, None),
    "Of images": (ImageHyperparameters, Hyperparameters),
    "Of the CNN": (CnnHyperparameters, ImageHyperparameters),
    "Of the CNN with `pretrained`": (PretrainedHyperparameters, ImageHyperparameters),
    "Of the RNN": (RnnHyperparameters, Hyperparameters),
}
"""A class of each section, and the one from which it has what is not told again."""
ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def meanings(kind: type) -> dict[str, str]:
    """What the docstrings of a class and of those that it inherits from say of each hyperparameter."""
    told: dict[str, str] = {}
    for parent in reversed(kind.__mro__[:-1]):
        told |= ENTRY.findall(inspect.getdoc(parent) or "")
    return {name: " ".join(words.split()) for name, words in told.items()}


def rows(kind: type, known: type | None) -> list[list[str]]:
    """A line for each hyperparameter that is new in a class, or has another default or other bounds there."""
    before = {field.name: field for field in dataclasses.fields(known)} if known else {}
    said = meanings(kind)
    return [
        [code(field.name), str(field.type), bounds(field), code(default(field)), said.get(field.name, "")]
        for field in dataclasses.fields(kind)
        if (default(field), bounds(field)) != told(before.get(field.name))
    ]


def told(field: dataclasses.Field | None) -> tuple[str, str] | None:
    """What was said of a hyperparameter already."""
    return (default(field), bounds(field)) if field else None


def default(field: dataclasses.Field) -> str:
    """As it is typed."""
    return str(field.default).lower() if field.type == "bool" else str(field.default)


def bounds(field: dataclasses.Field) -> str:
    """Which values are taken."""
    if "choices" in field.metadata:
        return ", ".join(map(code, field.metadata["choices"]))
    if "minimum" in field.metadata:
        return f"{field.metadata['minimum']:,} to {field.metadata['maximum']:,}"
    return code(field.metadata.get("pattern", "")) or "`true`, `false`"


def page() -> str:
    """The whole page."""
    titles = ("name", "type", "allowed", "default", "meaning")
    sections = [
        f"## {title}\n\n{table(titles, rows(kind, known))}" for title, (kind, known) in SECTIONS.items()
    ]
    return HEAD + "\n".join(sections)


if __name__ == "__main__":
    refuse_arguments(__doc__)
    PAGE.write_text(page(), encoding="utf-8")

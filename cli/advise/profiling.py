"""Measures a data set in a folder or a file and fills in the advisor's answers that can be measured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.shared.errors import CommandFailed
from definitions.counts import counted

if TYPE_CHECKING:
    from model_code.data.columns import Columns
    from model_code.data.samples import UserData

MODALITY_OF_FEATURE = {"image": "image", "text": "text", "sequence": "time_series", "table": "tabular"}
EXAMPLES_LEAST = 3


@dataclass(frozen=True)
class Profile:
    """What was measured.

    Attributes:
        answers: for `advisor.Problem`.
        notes: sentences that a reader should know before trusting a comparison on this data.
        data: what was read.
    """

    answers: dict[str, Any]
    notes: tuple[str, ...]
    data: UserData


def profile(path: Path, columns: Columns | None = None, window: int | None = None) -> Profile:
    """Measures labelled data that `model_code.data.user_files` reads.

    Args:
        path: the folder or file.
        columns: which the caller names.
        window: steps of the windows that recordings are cut into; None leaves them whole.

    Raises:
        CommandFailed: naming the row or the file that cannot be used, or when nothing can be learnt from the data.
    """
    from model_code.data.profile import in_words, profile_of
    from model_code.data.user_files import read_data
    from model_code.data.windows import windowed

    with sentences():
        data = read_data(path, columns, most_steps=None, as_recordings=window is not None)
        if window is not None:
            data = windowed(data, window)
        facts = profile_of(data)
    require_classes(data)
    examples = {"labelled_examples": facts["samples"]}
    if data.feature == "table" and data.has_quantities:
        answers = {"modality": "tabular", "task": "regression", **examples}
    else:
        answers = {"modality": MODALITY_OF_FEATURE[data.feature], "task": "classification", **examples}
        answers["classes"] = len(facts["classes"])
    for answer, fact in (
        ("image_side_pixels", "image_sides"),
        ("characters_per_item", "characters"),
        ("sequence_length", "steps"),
    ):
        if facts.get(fact):
            answers[answer] = max(1, facts[fact][1])
    return Profile(answers, tuple(in_words(facts)), data)


@contextmanager
def sentences() -> Iterator[None]:
    """Turns what the readers of `model_code.data` raise into CommandFailed."""
    from model_code.failures import JobFailed

    try:
        yield
    except JobFailed as failure:
        raise CommandFailed(str(failure)) from failure


def require_classes(data: UserData) -> None:
    """Refuses data from which nothing can be learnt.

    Raises:
        CommandFailed: when there is one class only, or hardly an example.
    """
    classes = len({sample.label for sample in data.samples})
    if classes < 2:
        raise CommandFailed(
            f"{data.source} holds {counted(classes, 'class', 'classes')}; at least two are needed to tell one from "
            "another."
        )
    if len(data.samples) < EXAMPLES_LEAST:
        raise CommandFailed(
            f"{data.source} holds {counted(len(data.samples), 'example')}, too few to say anything."
        )

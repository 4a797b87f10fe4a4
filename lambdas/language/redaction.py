"""Replaces personal data in a text, in the two ways of Comprehend's own redaction jobs."""

from __future__ import annotations

from collections.abc import Iterable

from lambdas.common.answers import Result

MASK = "MASK"
REPLACE = "REPLACE_WITH_PII_ENTITY_TYPE"


def redact(text: str, spans: Iterable[Result], mode: str, mask_character: str) -> str:
    """The text with every found span masked character by character, or replaced by its type in brackets.

    Spans that overlap are replaced together, under the type of the first.
    """
    pieces, position = [], 0
    for begin, end, label in united(spans):
        pieces.append(text[position:begin])
        pieces.append(mask_character * (end - begin) if mode == MASK else f"[{label}]")
        position = end
    return "".join(pieces) + text[position:]


def united(results: Iterable[Result]) -> list[tuple[int, int, str]]:
    """Begin, end and label of the spans in order, overlapping ones as one."""
    spans: list[tuple[int, int, str]] = []
    located = ((result.span["begin"], result.span["end"], result.label) for result in results if result.span)
    for begin, end, label in sorted(located):
        if spans and begin < spans[-1][1]:
            first_begin, first_end, first_label = spans[-1]
            spans[-1] = (first_begin, max(first_end, end), first_label)
        else:
            spans.append((begin, end, label))
    return spans

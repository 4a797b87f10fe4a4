"""The sentiment towards each thing that an English text mentions: that of the clause in which it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local_aws.managed import english

MARK = "VADER (MIT) over the clause that spaCy's small English model (MIT) finds; not Comprehend"
# The operation's types of what the model names; common nouns are OTHER.
TYPES = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "FACILITY",
    "ORG": "ORGANIZATION",
    "PRODUCT": "COMMERCIAL_ITEM",
    "EVENT": "EVENT",
    "DATE": "DATE",
    "TIME": "DATE",
}
# Relations to the word above that begin a clause of its own, where the word is a verb.
CLAUSES = frozenset({"ROOT", "conj", "advcl", "relcl", "ccomp", "parataxis"})
VERBS = frozenset({"VERB", "AUX"})


def targeted_sentiment(text: str, sentiment_of: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """DetectTargetedSentiment: mentions in the same words are one entity.

    Args:
        text: English.
        sentiment_of: a clause's sentiment and scores, as DetectSentiment has them.
    """
    document = english.read(text)
    performance = english.pipeline().meta["performance"]
    named = [
        (entity, TYPES.get(entity.label_, "OTHER"), performance["ents_per_type"][entity.label_]["p"])
        for entity in document.ents
    ]
    taken = {word.i for span, _, _ in named for word in span}
    things = [
        (noun_chunk, "OTHER", performance["dep_uas"])
        for noun_chunk in document.noun_chunks
        if noun_chunk.root.pos_ != "PRON" and taken.isdisjoint(word.i for word in noun_chunk)
    ]
    entities: dict[str, list[dict[str, Any]]] = {}
    for span, kind, score in sorted([*named, *things], key=lambda thing: thing[0].start):
        mention = {
            "Score": score,
            "GroupScore": 1.0,
            "Text": span.text,
            "Type": kind,
            "MentionSentiment": sentiment_of(clause_of(span)),
            **english.offsets(span),
        }
        entities.setdefault(span.text.casefold(), []).append(mention)
    return {
        "Entities": [{"DescriptiveMentionIndex": [0], "Mentions": entity} for entity in entities.values()]
    }


def clause_of(span: Any) -> str:
    """The words of the clause in which a span stands, in their order."""
    head = verb_of(span.root)
    return " ".join(word.text for word in span.sent if verb_of(word) == head)


def verb_of(word: Any) -> Any:
    """The verb that rules a word, or what the sentence hangs on where there is none."""
    while not (word.dep_ in CLAUSES and word.pos_ in VERBS) and word.head != word:
        word = word.head
    return word

"""Finds personal data in English texts with Presidio's patterns and spaCy's names, in Comprehend's shape."""

from __future__ import annotations

from typing import Any

from local_aws.managed import english
from local_aws.managed.service import loaded_once

MARK = "Presidio's patterns (MIT) and spaCy's small English model (MIT); not Comprehend"
# Presidio's types under Comprehend's names.
PATTERN_TYPES = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CREDIT_DEBIT_NUMBER",
    "IP_ADDRESS": "IP_ADDRESS",
    "IBAN_CODE": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "US_SSN": "SSN",
    "URL": "URL",
}
NAME_TYPES = {"PERSON": "NAME", "DATE": "DATE_TIME", "TIME": "DATE_TIME"}
# Below this a pattern alone says little: any nine digits could be a social security number.
LEAST_SCORE = 0.3

Found = tuple[float, int, int, str]


@loaded_once
def recognizers() -> tuple[Any, ...]:
    """Presidio's recognisers of patterns, made at first use."""
    import tldextract

    # It would fetch the list of public suffixes from the network at its first use; the one in the package does.
    tldextract.extract = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
    from presidio_analyzer import predefined_recognizers as predefined

    names = ("Email", "Phone", "CreditCard", "Ip", "Iban", "UsSsn", "Url")
    return tuple(getattr(predefined, f"{name}Recognizer")() for name in names)


def personal_data(text: str) -> dict[str, Any]:
    """DetectPiiEntities: in the order of the text; where two overlap, the surer one."""
    chosen: list[Found] = []
    for name in sorted([*patterns_in(text), *names_in(text)], key=lambda name: (-name[0], name[1] - name[2])):
        if all(name[2] <= kept[1] or kept[2] <= name[1] for kept in chosen):
            chosen.append(name)
    return {
        "Entities": [
            {"Score": score, "Type": kind, "BeginOffset": begin, "EndOffset": end}
            for score, begin, end, kind in sorted(chosen, key=lambda kept: kept[1])
        ]
    }


def patterns_in(text: str) -> list[Found]:
    """What has the form of an address, a number of a card, and the like."""
    return [
        (match.score, match.start, match.end, PATTERN_TYPES[match.entity_type])
        for recognizer in recognizers()
        for match in recognizer.analyze(text, recognizer.supported_entities, None) or ()
        if match.score >= LEAST_SCORE and match.entity_type in PATTERN_TYPES
    ]


def names_in(text: str) -> list[Found]:
    """People and dates."""
    precision = english.pipeline().meta["performance"]["ents_per_type"]
    return [
        (precision[entity.label_]["p"], entity.start_char, entity.end_char, NAME_TYPES[entity.label_])
        for entity in english.read(text).ents
        if entity.label_ in NAME_TYPES
    ]

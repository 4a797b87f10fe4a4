"""Comprehend's operations on texts: what is asked and what its answer means in our format. A row an operation."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import Any

from definitions.service_limits import SERVICE_LIMITS
from lambdas.common.answers import (
    Answer,
    BatchAnswer,
    Reading,
    Result,
    details_of,
    plain,
    retries_of,
    stand_in_of,
)
from lambdas.common.bodies import TextBody, TextRequest, TextsBody, read_text, read_texts, taken
from lambdas.common.clients import client, short_timeout
from lambdas.common.costs import cost_of, text_units
from lambdas.common.errors import RequestRefused
from lambdas.common.operations import Operation
from lambdas.common.options import Choice, Choices, Letter, read_options, request_members
from lambdas.common.policy import budget_shared_by
from lambdas.common.service_errors import reading_answer
from lambdas.common.spending import budgets_of, paid, price_to_hold, reserve
from lambdas.custom.operations import TEXT_CLASS
from lambdas.language.batches import ask_in_pieces, item_error
from lambdas.language.redaction import MASK, REPLACE, redact

BACKEND = "comprehend"
# What one request may hold, so that its calls fit into the function's time.
MOST_TEXTS = 250
UNIT = "100 characters"
UNIT_PRICE, PII_PRICE = "comprehend.unit", "comprehend.pii.unit"

ALL_LANGUAGES = ("en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW")
SYNTAX_LANGUAGES = ("en", "es", "fr", "de", "it", "pt")
PII_LANGUAGES = ("en", "es")
ENGLISH = ("en",)
PII_TYPES = (
    "BANK_ACCOUNT_NUMBER", "BANK_ROUTING", "CREDIT_DEBIT_NUMBER", "CREDIT_DEBIT_CVV", "CREDIT_DEBIT_EXPIRY", "PIN",
    "EMAIL", "ADDRESS", "NAME", "PHONE", "SSN", "DATE_TIME", "PASSPORT_NUMBER", "DRIVER_ID", "URL", "AGE", "USERNAME",
    "PASSWORD", "AWS_ACCESS_KEY", "AWS_SECRET_KEY", "IP_ADDRESS", "MAC_ADDRESS", "ALL", "LICENSE_PLATE",
    "VEHICLE_IDENTIFICATION_NUMBER", "UK_NATIONAL_INSURANCE_NUMBER", "CA_SOCIAL_INSURANCE_NUMBER",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER", "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER", "IN_PERMANENT_ACCOUNT_NUMBER",
    "IN_NREGA", "INTERNATIONAL_BANK_ACCOUNT_NUMBER", "SWIFT_CODE", "UK_NATIONAL_HEALTH_SERVICE_NUMBER",
    "CA_HEALTH_NUMBER", "IN_AADHAAR", "IN_VOTER_NUMBER",
)  # fmt: skip


def language_of(languages: tuple[str, ...]) -> Choice:
    """The option of an operation that knows these languages; a JSON body may name it too."""
    return Choice(
        name="language_code",
        member="LanguageCode",
        values=languages,
        default="en",
        description="The text's language; en unless said.",
    )


REDACTION_OPTIONS = (
    language_of(PII_LANGUAGES),
    Choice(
        name="mask_mode",
        member=None,
        values=(REPLACE, MASK),
        default=REPLACE,
        description="Put the kind of data in brackets in its place, or the mask character for each character.",
    ),
    Letter(
        name="mask_character",
        member=None,
        letters="*!#$%&@",
        default="*",
        description="What MASK writes.",
    ),
    Choices(
        name="pii_entity_types",
        member=None,
        values=PII_TYPES,
        default=["ALL"],
        description="Redact these kinds of data only.",
    ),
)


def sentiments(answer: dict[str, Any]) -> Reading:
    """All four sentiments with their scores."""
    return Reading([Result(name.lower(), score) for name, score in answer["SentimentScore"].items()])


def languages(answer: dict[str, Any]) -> Reading:
    """Language codes."""
    return Reading([Result(language["LanguageCode"], language["Score"]) for language in answer["Languages"]])


def spans_of(member: str) -> Callable[[dict[str, Any]], Reading]:
    """Reads a list of typed spans; the text in them is not repeated, the caller has it."""
    return lambda answer: Reading(
        [
            Result(entry.get("Type", "KEY_PHRASE"), entry["Score"], span=span(entry))
            for entry in answer[member]
        ]
    )


def span(entry: dict[str, Any]) -> dict[str, int]:
    """Where something stands in the text."""
    return {"begin": entry["BeginOffset"], "end": entry["EndOffset"]}


def targeted_sentiments(answer: dict[str, Any]) -> Reading:
    """The sentiment towards each mention; mentions of the same thing have the same `entity` in their details."""
    results = []
    for number, entity in enumerate(answer["Entities"]):
        for place, mention in enumerate(entity["Mentions"]):
            opinion = mention["MentionSentiment"]
            name = opinion["Sentiment"].capitalize()
            about = {
                "entity": number,
                # Whether this mention tells best what the thing is.
                "descriptive": place in entity.get("DescriptiveMentionIndex", ()),
                "type": mention["Type"],
                "mention_score": mention["Score"],
                "sentiment_scores": plain(opinion["SentimentScore"]),
                **details_of(
                    mention, "Score", "Text", "Type", "MentionSentiment", "BeginOffset", "EndOffset"
                ),
            }
            results.append(
                Result(name.lower(), opinion["SentimentScore"][name], span=span(mention), details=about)
            )
    return Reading(results)


def parts_of_speech(answer: dict[str, Any]) -> Reading:
    """Each word's part of speech (Universal Dependencies' tags)."""
    return Reading(
        [
            Result(
                syntax_token["PartOfSpeech"]["Tag"],
                syntax_token["PartOfSpeech"]["Score"],
                span=span(syntax_token),
            )
            for syntax_token in answer["SyntaxTokens"]
        ]
    )


def toxicity(answer: dict[str, Any]) -> Reading:
    """Kinds of toxic content in one segment, and how toxic it is altogether."""
    return toxic_segment(answer["ResultList"][0])


def toxic_segment(segment: dict[str, Any]) -> Reading:
    """One segment's kinds of toxic content."""
    kinds = [Result(kind["Name"], kind["Score"]) for kind in segment["Labels"]]
    return Reading(kinds, {"toxicity": segment["Toxicity"]})


def classes(answer: dict[str, Any]) -> Reading:
    """A custom classifier's classes, or labels when it gives several."""
    entries = answer.get("Classes") or answer.get("Labels") or []
    about = details_of(answer, "ResponseMetadata", "Classes", "Labels", "DocumentMetadata")
    return Reading([Result(entry["Name"], entry["Score"]) for entry in entries], about)


def read_request(operation: Operation, event: dict[str, Any]) -> tuple[TextRequest, dict[str, Any]]:
    """The event's text and the values of its options."""
    request = read_text(event, operation.body_as(TextBody))
    return request, options_with_language(operation, event, request.language_code)


def options_with_language(
    operation: Operation, event: dict[str, Any], language_code: str | None
) -> dict[str, Any]:
    """The values of an operation's options; the body's language counts where the operation has one."""
    has_language = any(option.name == "language_code" for option in operation.options)
    fields = {"language_code": language_code} if language_code and has_language else {}
    return read_options(operation.options, event, fields)


def recognize(operation: Operation, event: dict[str, Any]) -> Answer:
    """Asks Comprehend about the event's text.

    Raises:
        RequestRefused: when an option or the text is not one that Comprehend takes.
        ClientError: when Comprehend refuses.
    """
    request, options = read_request(operation, event)
    answer = ask(
        operation, **text_members(operation, request.text), **request_members(operation.options, options)
    )
    with reading_answer():
        reading = operation.reading_of(answer)
    return answer_of(operation, reading, answer, text_units(request.text))


def text_members(operation: Operation, text: str) -> dict[str, Any]:
    """The text as the operation takes it."""
    return {"TextSegments": [{"Text": text}]} if operation.api == "DetectToxicContent" else {"Text": text}


def ask(operation: Operation, **members: Any) -> dict[str, Any]:
    """Comprehend's answer."""
    return getattr(client(operation.service), operation.method)(**members)


def answer_of(operation: Operation, reading: Reading, answer: dict[str, Any], units: int) -> Answer:
    """A reading with who gave it and what it cost."""
    cost = cost_of(operation.price, operation.unit, units)
    return Answer(BACKEND, reading, operation.method, None, stand_in_of(answer), cost, retries_of(answer))


def classify(operation: Operation, event: dict[str, Any]) -> Answer:
    """Asks the deployment's custom classifier.

    Raises:
        RequestRefused: 501 when the deployment has none; else as `recognize`.
        ClientError: when Comprehend refuses.
    """
    arn = os.environ.get("DOCUMENT_CLASSIFIER_ENDPOINT_ARN")
    if not arn:
        raise RequestRefused(501, "NoClassifier", "This deployment has no custom classifier of Comprehend.")
    request, _ = read_request(operation, event)
    answer = ask(operation, Text=request.text, EndpointArn=arn)
    with reading_answer():
        reading = operation.reading_of(answer)
    return answer_of(operation, reading, answer, 1)


def redact_pii(operation: Operation, event: dict[str, Any]) -> Answer:
    """The event's text with its personal data replaced, as `redacted_text` in the details; errors as `recognize`."""
    request, options = read_request(operation, event)
    answer = ask(operation, Text=request.text, **request_members(operation.options, options))
    kinds = options["pii_entity_types"]
    with reading_answer():
        results = [
            result
            for result in operation.reading_of(answer).results
            if "ALL" in kinds or result.label in kinds
        ]
    redacted = redact(request.text, results, options["mask_mode"], options["mask_character"])
    reading = Reading(results, {"redacted_text": redacted})
    return answer_of(operation, reading, answer, text_units(request.text))


def recognize_batch(operation: Operation, event: dict[str, Any]) -> BatchAnswer:
    """Asks Comprehend about the event's texts; each has its own outcome, also when none is answered.

    Raises:
        RequestRefused: when the request as a whole is wrong.
    """
    request = read_texts(event, operation.body_as(TextsBody))
    members = request_members(
        operation.options, options_with_language(operation, event, request.language_code)
    )
    fit = {index: text for index, text in enumerate(request.texts) if request.refusals[index] is None}
    toxic = operation.api == "DetectToxicContent"
    limits = taken(operation.body)
    monthly_usd = budget_shared_by(operation)
    budgets = budgets_of(event, operation.spends_of, monthly_usd)

    def ask_piece(texts: list[str]) -> dict[str, Any]:
        listed = {"TextSegments": [{"Text": text} for text in texts]} if toxic else {"TextList": texts}
        if not budgets:
            return ask(operation, **listed, **members)

        def usd_of(some: list[str]) -> float:
            cost = cost_of(operation.price, operation.unit, sum(map(text_units, some)))
            return price_to_hold(cost.usd, cost.units, exact=monthly_usd is not None)

        usd = usd_of(texts)

        def charged(answer: dict[str, Any]) -> float:
            # What is in neither list of the answer may have been charged, and counts.
            with reading_answer():
                refused = [texts[error["Index"]] for error in answer.get("ErrorList", ())]
            return 0.0 if stand_in_of(answer) else usd * (1 + retries_of(answer)) - usd_of(refused)

        return paid(reserve(budgets, usd), usd, lambda: ask(operation, **listed, **members), charged)

    def readings_of(answer: dict[str, Any]) -> Iterator[tuple[int, Reading | RequestRefused]]:
        if toxic:
            yield from enumerate(toxic_segment(entry) for entry in answer["ResultList"])
            return
        yield from ((entry["Index"], operation.reading_of(entry)) for entry in answer["ResultList"])
        yield from ((entry["Index"], item_error(entry, limits)) for entry in answer["ErrorList"])

    size = SERVICE_LIMITS[operation.api].most_documents
    with short_timeout():
        by_index, stand_in, retries = ask_in_pieces(fit, size, limits, ask_piece, readings_of)
    documents = [request.refusals[index] or by_index[index] for index in range(len(request.texts))]
    answered = [index for index, document in enumerate(documents) if isinstance(document, Reading)]
    units = sum(text_units(request.texts[index]) for index in answered)
    cost = cost_of(operation.price, operation.unit, units)
    return BatchAnswer(BACKEND, documents, operation.method, None, stand_in, cost, retries)


def row(name: str, api: str, summary: str, read: Any, **more: Any) -> Operation:
    """An operation of Comprehend on one text."""
    defaults = {
        "body": TextBody(SERVICE_LIMITS[api].most_bytes),
        "options": (language_of(ALL_LANGUAGES),),
        "price": UNIT_PRICE,
        "unit": UNIT,
        "run": recognize,
        "path": f"texts/{name}",
    }
    return Operation(
        name=f"text-{name}", service="comprehend", api=api, summary=summary, read=read, **defaults | more
    )


def batch_of(single: Operation, api: str | None = None) -> Operation:
    """The operation on many texts at once."""
    api = api or f"Batch{single.api}"
    return dataclasses.replace(
        single,
        name=f"{single.name}-batch",
        path=f"{single.path}/batch",
        summary=f"{single.summary} Of up to {MOST_TEXTS} texts, each with its own outcome.",
        api=api,
        body=TextsBody(SERVICE_LIMITS[api].most_bytes, MOST_TEXTS),
        run=recognize_batch,
        own=None,
        spends_of=single.name if single.own else None,
    )


SENTIMENT = row(
    "sentiment",
    "DetectSentiment",
    "Positive, negative, neutral or mixed: the sentiment of a text.",
    sentiments,
    own=TEXT_CLASS,
)
TARGETED_SENTIMENT = row(
    "targeted-sentiment",
    "DetectTargetedSentiment",
    "The sentiment towards each thing that a text mentions.",
    targeted_sentiments,
    options=(language_of(ENGLISH),),
)
LANGUAGE = row(
    "language",
    "DetectDominantLanguage",
    "The languages that a text is in.",
    languages,
    options=(),
)
ENTITIES = row(
    "entities",
    "DetectEntities",
    "Persons, places, organisations, dates and the like in a text.",
    spans_of("Entities"),
)
KEY_PHRASES = row("key-phrases", "DetectKeyPhrases", "What a text is about.", spans_of("KeyPhrases"))
SYNTAX = row(
    "syntax",
    "DetectSyntax",
    "The part of speech of each word.",
    parts_of_speech,
    options=(language_of(SYNTAX_LANGUAGES),),
    price="comprehend.syntax.unit",
)
PII = row(
    "pii",
    "DetectPiiEntities",
    "Personal data in a text.",
    spans_of("Entities"),
    options=(language_of(PII_LANGUAGES),),
    price=PII_PRICE,
)
PII_REDACTION = dataclasses.replace(
    PII,
    name="text-pii-redaction",
    path="texts/pii/redaction",
    summary="A text with its personal data replaced, in `details.redacted_text`.",
    options=REDACTION_OPTIONS,
    run=redact_pii,
    # What is left of the text is the caller's, and so are the kinds of data that it did not want redacted.
    repeats_content=True,
)
TOXICITY = row(
    "toxicity",
    "DetectToxicContent",
    "Insults, threats, hate and the like in a text.",
    toxicity,
    options=(language_of(ENGLISH),),
    price="comprehend.toxicity.unit",
)
CLASSIFICATION = row(
    "classification",
    "ClassifyDocument",
    "The classes of a text by the deployment's custom classifier of Comprehend.",
    classes,
    options=(),
    # A classifier's endpoint is paid for by the second, whether it is asked or not.
    price=None,
    unit=None,
    run=classify,
)
SINGLE = (
    SENTIMENT,
    TARGETED_SENTIMENT,
    LANGUAGE,
    ENTITIES,
    KEY_PHRASES,
    SYNTAX,
    PII,
    PII_REDACTION,
    TOXICITY,
    CLASSIFICATION,
)
WITH_BATCH = (SENTIMENT, TARGETED_SENTIMENT, LANGUAGE, ENTITIES, KEY_PHRASES, SYNTAX)
OPERATIONS = (
    *SINGLE,
    *(batch_of(single) for single in WITH_BATCH),
    # DetectToxicContent itself takes several segments, and reads each in the light of those before it.
    batch_of(TOXICITY, "DetectToxicContent"),
)

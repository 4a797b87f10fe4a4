"""Stand-ins of Comprehend's operations on small open models, one text at a time or in batches."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from definitions.service_limits import SERVICE_LIMITS
from local_aws.managed import english, personal_data, targeted, toxic
from local_aws.managed.service import Refused, StandIn, loaded_once

LANGUAGES = frozenset({"en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"})
SENTIMENT_MARK = "VADER, a lexicon of English sentiment (MIT); not Comprehend"
LANGUAGE_MARK = "py3langid (BSD); not Comprehend"
# The code of a refusal that no service knows: its models read every language that they take.
OTHER_LANGUAGE = "LanguageNotReadByStandIn"
SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n+|<br\s*/?>")
# From the mean score of a text's sentences, -1 to 1, to the log-odds of positive against negative: a logistic
# regression on 1,200 IMDb reviews that no figure of this project is measured on (right in 0.74 of them).
SLOPE = 5.24
OFFSET = -0.55
# What a text without any opinion weighs against those two, and one of which half speaks for and half against.
NEUTRAL_WEIGHT = 3.0
MIXED_WEIGHT = 2.0


def stand_in() -> StandIn:
    """Comprehend's operations that are here."""
    single = {
        "DetectSentiment": (SENTIMENT_MARK, detect_sentiment),
        "DetectTargetedSentiment": (targeted.MARK, in_english("DetectTargetedSentiment", targeted_sentiment)),
        "DetectDominantLanguage": (LANGUAGE_MARK, detect_dominant_language),
        "DetectEntities": (english.MARK, in_english("DetectEntities", english.entities)),
        "DetectKeyPhrases": (english.MARK, in_english("DetectKeyPhrases", english.key_phrases)),
        "DetectSyntax": (english.MARK, in_english("DetectSyntax", english.syntax)),
        "DetectPiiEntities": (
            personal_data.MARK,
            in_english("DetectPiiEntities", personal_data.personal_data),
        ),
    }
    batches = {
        f"Batch{name}": (mark, in_batches(f"Batch{name}", run))
        for name, (mark, run) in single.items()
        if name != "DetectPiiEntities"
    }
    segments = {"DetectToxicContent": (toxic.MARK, detect_toxic_content)}
    models = (analyzer, identifier, english.pipeline, personal_data.recognizers, toxic.model)
    return StandIn("Comprehend", single | segments | batches, models)


def in_english(operation: str, read: Callable[[str], dict[str, Any]]) -> Callable[[dict], dict]:
    """An operation of a model that knows English only: another language of Comprehend's has no stand-in."""

    def run(request: dict[str, Any]) -> dict[str, Any]:
        text = read_text(operation, request)
        language = request.get("LanguageCode")
        if language not in LANGUAGES:
            raise Refused("UnsupportedLanguageException", "LanguageCode is none that Comprehend knows.")
        if language != "en":
            raise Refused(OTHER_LANGUAGE, "This stand-in of Comprehend reads English only.")
        return read(text)

    return run


def in_batches(operation: str, single: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict], dict]:
    """The batch operation: a result or an error for each text."""
    most_documents = SERVICE_LIMITS[operation].most_documents

    def run(request: dict[str, Any]) -> dict[str, Any]:
        texts = request.get("TextList")
        if not isinstance(texts, list) or not texts:
            raise Refused("InvalidRequestException", "TextList has to be a list of at least one text.")
        if len(texts) > most_documents:
            raise Refused("BatchSizeLimitExceededException", f"TextList takes {most_documents} texts.")
        results, errors = [], []
        for index, text in enumerate(texts):
            try:
                read_text(operation, {"Text": text})
                results.append({"Index": index, **single({**request, "Text": text})})
            except Refused as error:
                if error.code == OTHER_LANGUAGE:
                    raise
                errors.append({"Index": index, "ErrorCode": error.code, "ErrorMessage": error.message})
        return {"ResultList": results, "ErrorList": errors}

    return run


def detect_toxic_content(request: dict[str, Any]) -> dict[str, Any]:
    """DetectToxicContent, which reads English alone and takes several segments."""
    segments = request.get("TextSegments")
    if (
        not isinstance(segments, list)
        or not segments
        or not all(isinstance(segment, dict) for segment in segments)
    ):
        raise Refused("InvalidRequestException", "TextSegments has to be a list of at least one segment.")
    if len(segments) > (most := SERVICE_LIMITS["DetectToxicContent"].most_documents):
        raise Refused("InvalidRequestException", f"TextSegments takes {most} segments.")
    texts = [read_text("DetectToxicContent", segment) for segment in segments]
    if request.get("LanguageCode") != "en":
        raise Refused("UnsupportedLanguageException", "LanguageCode is not one of toxicity detection.")
    return toxic.toxic_content(texts)


def read_text(operation: str, request: dict[str, Any]) -> str:
    """The text of a request for an operation.

    Raises:
        Refused: with Comprehend's codes.
    """
    text = request.get("Text")
    if not isinstance(text, str) or not text:
        raise Refused("InvalidRequestException", "Text has to be a text of at least one character.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Refused("InvalidRequestException", "Text holds half of a surrogate pair.") from error
    if size > (most := SERVICE_LIMITS[operation].most_bytes):
        raise Refused("TextSizeLimitExceededException", f"Text has {size} bytes; at most {most} are taken.")
    return text


@loaded_once
def analyzer() -> Any:
    """The lexicon, read at first use."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def detect_sentiment(request: dict[str, Any]) -> dict[str, Any]:
    """DetectSentiment: four scores that sum to 1."""
    return in_english("DetectSentiment", sentiment_of)(request)


def targeted_sentiment(text: str) -> dict[str, Any]:
    """DetectTargetedSentiment, with the lexicon's view of a clause."""
    return targeted.targeted_sentiment(text, sentiment_of)


def sentiment_of(text: str) -> dict[str, Any]:
    """The surest of four sentiments, and the scores of all."""
    # A long text's words saturate the lexicon's score; the mean over its sentences does not.
    sentences = [sentence for sentence in SENTENCE_END.split(text) if sentence.strip()] or [text]
    compounds = [analyzer().polarity_scores(sentence)["compound"] for sentence in sentences]
    log_odds = SLOPE * sum(compounds) / len(compounds) + OFFSET
    positive, negative = (share(compounds, sign) for sign in (1, -1))
    weights = {
        "Positive": math.exp(log_odds / 2),
        "Negative": math.exp(-log_odds / 2),
        "Neutral": NEUTRAL_WEIGHT * (1 - positive - negative),
        "Mixed": MIXED_WEIGHT * min(positive, negative),
    }
    total = sum(weights.values())
    scores = {name: weight / total for name, weight in weights.items()}
    return {"Sentiment": max(scores, key=scores.__getitem__).upper(), "SentimentScore": scores}


def share(compounds: list[float], sign: int) -> float:
    """The share of sentences whose score has this sign."""
    return sum(sign * compound > 0 for compound in compounds) / len(compounds)


def detect_dominant_language(request: dict[str, Any]) -> dict[str, Any]:
    """DetectDominantLanguage: the most probable languages."""
    text = read_text("DetectDominantLanguage", request)
    ranked = identifier().rank(text)
    return {"Languages": [{"LanguageCode": code, "Score": float(score)} for code, score in ranked[:3]]}


@loaded_once
def identifier() -> Any:
    """The identifier with scores that are probabilities, read at first use."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

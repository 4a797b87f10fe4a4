"""Stand-ins of Comprehend's DetectSentiment and DetectDominantLanguage on small open models."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from local_aws.managed.service import Refused, StandIn

# Limits of Comprehend itself in bytes of UTF-8 (Amazon Comprehend quotas).
SENTIMENT_BYTES = 5_000
DOCUMENT_BYTES = 100_000
SENTIMENT_LANGUAGES = frozenset({"en", "es", "fr", "de", "it", "pt", "ar", "hi", "ja", "ko", "zh", "zh-TW"})
SENTIMENT_MARK = "VADER, a lexicon of English sentiment (MIT); not Comprehend"
LANGUAGE_MARK = "py3langid (BSD); not Comprehend"
# How fast the lexicon's compound score, -1 to 1, turns into certainty.
STEEPNESS = 3.0


def stand_in() -> StandIn:
    """Comprehend's operations that are here."""
    return StandIn(
        "Comprehend",
        {
            "DetectSentiment": (SENTIMENT_MARK, detect_sentiment),
            "DetectDominantLanguage": (LANGUAGE_MARK, detect_dominant_language),
        },
    )


def read_text(request: dict[str, Any], maximum_bytes: int) -> str:
    """The request's text.

    Raises:
        Refused: with Comprehend's codes.
    """
    text = request.get("Text")
    if not isinstance(text, str) or not text:
        raise Refused("InvalidRequestException", "Text has to be a text of at least one character.")
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > maximum_bytes:
        raise Refused(
            "TextSizeLimitExceededException", f"Text has {size} bytes; at most {maximum_bytes} are taken."
        )
    return text


@cache
def analyzer() -> Any:
    """The lexicon, read at first use."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def detect_sentiment(request: dict[str, Any]) -> dict[str, Any]:
    """DetectSentiment: four scores that sum to 1.

    The lexicon knows English only; other languages that Comprehend takes are answered too, by whatever words of
    theirs it knows, so mostly as neutral.
    """
    text = read_text(request, SENTIMENT_BYTES)
    if request.get("LanguageCode") not in SENTIMENT_LANGUAGES:
        raise Refused("UnsupportedLanguageException", "LanguageCode is not one of sentiment analysis.")
    polarity = analyzer().polarity_scores(text)
    # Softmax over the compound score; strong words on both sides make a text mixed.
    weights = {
        "Positive": math.exp(STEEPNESS * polarity["compound"]),
        "Negative": math.exp(-STEEPNESS * polarity["compound"]),
        "Neutral": math.exp(STEEPNESS * (polarity["neu"] - 0.5)),
        "Mixed": math.exp(STEEPNESS * (2 * min(polarity["pos"], polarity["neg"]) - 0.5)),
    }
    total = sum(weights.values())
    scores = {name: weight / total for name, weight in weights.items()}
    return {"Sentiment": max(scores, key=scores.get).upper(), "SentimentScore": scores}


def detect_dominant_language(request: dict[str, Any]) -> dict[str, Any]:
    """DetectDominantLanguage: the most probable languages."""
    text = read_text(request, DOCUMENT_BYTES)
    ranked = identifier().rank(text)
    return {"Languages": [{"LanguageCode": code, "Score": float(score)} for code, score in ranked[:3]]}


@cache
def identifier() -> Any:
    """The identifier with scores that are probabilities, read at first use."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

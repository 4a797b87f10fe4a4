"""What each operation of Rekognition and Comprehend takes at most, a row an operation, with where it is written."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
# What the guides call KB is taken as a thousand bytes, the less of the two.
KB = 1_000
REKOGNITION = "Amazon Rekognition Developer Guide, Guidelines and quotas, Set quotas"
COMPREHEND = "Amazon Comprehend Developer Guide, Guidelines and quotas, Real-time (synchronous) analysis"
COMPREHEND_CUSTOM = "Amazon Comprehend Developer Guide, Inputs for real-time custom analysis"


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What one operation takes.

    Attributes:
        most_bytes: of an image's file, or of a text in UTF-8.
        source: the document that says so.
        most_documents: that one call takes.
        least_pixels, most_pixels: of each side of an image; None where no most is told.
    """

    most_bytes: int
    source: str
    most_documents: int = 1
    least_pixels: int = 1
    most_pixels: int | None = None


def image(*, most_bytes: int = 5 * MIB, least_pixels: int = 80, most_pixels: int | None = None) -> Limit:
    """A row of Rekognition, for images that are sent as bytes."""
    return Limit(
        most_bytes=most_bytes, source=REKOGNITION, least_pixels=least_pixels, most_pixels=most_pixels
    )


def text(kilobytes: int, *, most_documents: int = 1, source: str = COMPREHEND) -> Limit:
    """A row of Comprehend."""
    return Limit(most_bytes=kilobytes * KB, source=source, most_documents=most_documents)


SERVICE_LIMITS = {
    "DetectLabels": image(most_pixels=10_000),
    "DetectText": image(),
    "DetectFaces": image(),
    "CompareFaces": image(),
    "DetectModerationLabels": image(most_pixels=10_000),
    "DetectProtectiveEquipment": image(most_bytes=4 * MIB, least_pixels=64, most_pixels=4_096),
    "RecognizeCelebrities": image(),
    "DetectSentiment": text(5),
    "DetectTargetedSentiment": text(5),
    "DetectDominantLanguage": text(100),
    "DetectEntities": text(100),
    "DetectKeyPhrases": text(100),
    "DetectSyntax": text(5),
    "DetectPiiEntities": text(100),
    "DetectToxicContent": text(1, most_documents=10),
    "ClassifyDocument": text(10, source=COMPREHEND_CUSTOM),
    "BatchDetectSentiment": text(5, most_documents=25),
    "BatchDetectTargetedSentiment": text(5, most_documents=25),
    "BatchDetectDominantLanguage": text(5, most_documents=25),
    "BatchDetectEntities": text(5, most_documents=25),
    "BatchDetectKeyPhrases": text(5, most_documents=25),
    "BatchDetectSyntax": text(5, most_documents=25),
}

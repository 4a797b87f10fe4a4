"""The managed service's stand-in on this machine, or the service itself with the caller's credentials.

It takes part only where its vocabulary has a word for each of the caller's classes.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bakeoff.errors import CandidateFailed
from bakeoff.tasks import Answers, Report, Trial, time_single_answers
from definitions.image_files import orientation_of, upright
from definitions.service_limits import SERVICE_LIMITS
from model_code.data.image_files import eight_bits

SENTIMENTS = {
    "positive": {"positive", "pos", "good", "favourable", "favorable", "+"},
    "negative": {"negative", "neg", "bad", "unfavourable", "unfavorable", "-"},
    "neutral": {"neutral", "none"},
    "mixed": {"mixed"},
}
# Other words for what Rekognition calls by one name.
SYNONYMS = {
    "airplane": {"airplane", "aeroplane", "plane", "aircraft"},
    "car": {"car", "automobile"},
    "boat": {"boat", "ship"},
    "bicycle": {"bicycle", "bike"},
    "motorcycle": {"motorcycle", "motorbike"},
    "person": {"person", "people", "human", "pedestrian"},
    "couch": {"couch", "sofa"},
    "monitor": {"monitor", "tv", "television"},
}
# Rekognition's labels want more to go by than the fewest pixels that it takes.
ENLARGED_PIXELS = 128


def operation_of(modality: str) -> str:
    """The operation that reads this modality, `comprehend.detect_sentiment` or `rekognition.detect_labels`; or ''."""
    return {"text": "comprehend.detect_sentiment", "image": "rekognition.detect_labels"}.get(modality, "")


def sentiment_of_label(label: str) -> str | None:
    """The sentiment that a class's name says; None where it says none."""
    word = label.strip().casefold()
    return next((sentiment for sentiment, words in SENTIMENTS.items() if word in words), None)


def label_of_class(label: str, vocabulary: Iterable[str]) -> str | None:
    """The vendor's label that a class's name says, by equality or SYNONYMS; None where there is none."""
    known = {name.casefold(): name for name in vocabulary}
    word = label.strip().casefold().replace("_", " ")
    for name, words in SYNONYMS.items():
        if word in words and name in known:
            return known[name]
    return known.get(word)


def why_not(modality: str, labels: tuple[str, ...], *, own_account: bool) -> str:
    """Why no managed service takes part; empty when one does.

    Nobody lists the thousands of labels of Rekognition itself: whoever asks it, with `own_account`, finds out.
    """
    if modality == "image" and own_account:
        return ""
    if modality == "text":
        unknown = [label for label in labels if sentiment_of_label(label) is None]
        return (
            f"Comprehend tells positive, negative, neutral and mixed apart, and '{unknown[0]}' is none of them."
            if unknown
            else ""
        )
    if modality == "image":
        from local_aws.managed.labels import COCO_LABELS, PARENT

        vocabulary = (*COCO_LABELS, *PARENT.values())
        unknown = [label for label in labels if label_of_class(label, vocabulary) is None]
        return (
            f"The stand-in of Rekognition knows COCO's 80 classes, and '{unknown[0]}' is none of them."
            if unknown
            else ""
        )
    return f"No managed operation reads {modality.replace('_', ' ')} data with a vocabulary of its own."


def sentiment_stand_in(task: Trial, report: Report) -> Answers:
    """Comprehend's DetectSentiment on the lexicon that stands in for it here."""
    from local_aws.managed.comprehend import SENTIMENT_MARK, detect_sentiment

    return ask_sentiment(task, report, lambda request: detect_sentiment(request), SENTIMENT_MARK)


def sentiment_service(task: Trial, report: Report) -> Answers:
    """Comprehend's DetectSentiment in the caller's account; every text is sent there and billed."""
    import boto3

    client = boto3.client("comprehend")
    return ask_sentiment(task, report, lambda request: client.detect_sentiment(**request), "")


def ask_sentiment(
    task: Trial, report: Report, operation: Callable[[dict[str, Any]], dict[str, Any]], mark: str
) -> Answers:
    """Each test text's class: of those that the classes name, the sentiment with the highest score."""
    most_bytes = SERVICE_LIMITS["DetectSentiment"].most_bytes
    sentiments = [sentiment_of_label(label) for label in task.test.labels]

    def answer(text: str) -> int:
        short = text.encode("utf-8", "replace")[:most_bytes].decode("utf-8", "ignore") or " "
        scores = operation({"Text": short, "LanguageCode": "en"})["SentimentScore"]
        return int(np.argmax([scores[(sentiment or "").title()] for sentiment in sentiments]))

    return ask_all(task, report, answer, mark)


def labels_stand_in(task: Trial, report: Report) -> Answers:
    """Rekognition's DetectLabels on the network that stands in for it here."""
    from local_aws.managed.rekognition import LABELS_MARK, detect_labels
    from local_aws.managed.service import Refused

    def operation(request: dict[str, Any]) -> dict[str, Any]:
        encoded = base64.b64encode(request["Image"]["Bytes"]).decode()
        try:
            return detect_labels({**request, "Image": {"Bytes": encoded}})
        except Refused as error:
            raise CandidateFailed(error.message) from error

    return ask_labels(task, report, operation, LABELS_MARK)


def labels_service(task: Trial, report: Report) -> Answers:
    """Rekognition's DetectLabels in the caller's account; every image is sent there and billed."""
    import boto3

    client = boto3.client("rekognition")
    return ask_labels(task, report, lambda request: client.detect_labels(**request), "")


def ask_labels(
    task: Trial, report: Report, operation: Callable[[dict[str, Any]], dict[str, Any]], mark: str
) -> Answers:
    """Each test image's class: of the answer's labels that are a class, the one with the highest confidence."""

    def answer(image: bytes) -> int:
        labels = operation({"Image": {"Bytes": large_enough(image)}, "MinConfidence": 0})["Labels"]
        for label in sorted(labels, key=lambda label: -label["Confidence"]):
            for position, name in enumerate(task.test.labels):
                if label_of_class(name, [label["Name"]]) is not None:
                    return position
        return -1

    return ask_all(task, report, answer, mark)


def ask_all(task: Trial, report: Report, answer: Callable[[Any], int], mark: str) -> Answers:
    """Asks about every test example, then times single answers."""
    predictions = []
    for position, content in enumerate(task.test.contents):
        if position % 20 == 0:
            report(0.9 * position / len(task.test), f"asked about {position} of {len(task.test)}")
        predictions.append(answer(content))
    latencies = time_single_answers(answer, task.test.contents)
    notes = (
        (
            f"A stand-in: {mark}. It says nothing about the accuracy of the service and is left out of the verdict.",
        )
        if mark
        else ()
    )
    return Answers(np.array(predictions, np.int64), 0.0, latencies, 0, notes)


def large_enough(image: bytes) -> bytes:
    """The image, enlarged when a side has fewer pixels than Rekognition takes; then it is upright, without its EXIF."""
    from PIL import Image

    opened = Image.open(io.BytesIO(image))
    if min(opened.size) >= SERVICE_LIMITS["DetectLabels"].least_pixels:
        return image
    factor = ENLARGED_PIXELS / min(opened.size)
    size = (round(opened.width * factor), round(opened.height * factor))
    buffer = io.BytesIO()
    enlarged = eight_bits(opened).resize(size, Image.Resampling.BICUBIC)
    Image.fromarray(upright(np.asarray(enlarged), orientation_of(image))).save(buffer, "PNG")
    return buffer.getvalue()

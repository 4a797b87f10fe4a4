"""Stand-ins of Rekognition's operations on images that small open models can do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image

from local_aws.managed.blazeface import BlazeFace, Face
from local_aws.managed.centernet import Box, CenterNet, Detection
from local_aws.managed.face_embedding import FaceEmbedding, similarity
from local_aws.managed.filters import labels_asked_for, text_asked_for
from local_aws.managed.labels import COCO_LABELS, PARENT
from local_aws.managed.nsfw import Nsfw
from local_aws.managed.pictures import read_image
from local_aws.managed.service import Refused, StandIn, loaded_once
from local_aws.managed.settings import StandInSettings
from local_aws.managed.weights import WeightsUnavailable

DEFAULT_CONFIDENCE_PERCENT = 55.0
DEFAULT_MODERATION_PERCENT = 50.0
DEFAULT_SIMILARITY_PERCENT = 80.0
MOST_FACES = 100
LABELS_MARK = "CenterNet on MobileNetV3, 80 COCO classes, from @vladmandic/human 3.3.6 (MIT); not Rekognition"
FACES_MARK = (
    "BlazeFace from @vladmandic/human 3.3.6 (MIT): where faces are, nothing of their looks; not Rekognition"
)
COMPARISON_MARK = "BlazeFace and FaceRes from @vladmandic/human 3.3.6 (MIT); not Rekognition"
MODERATION_MARK = "MobileNetV2 from nsfwjs 4.3.0 (MIT): nudity alone, no violence or drugs; not Rekognition"
TEXT_MARK = "RapidOCR's PaddleOCR models (Apache-2.0); not Rekognition"

# The reader enlarges a picture until its short side has 736 pixels: one of 150 × 5,000 took minutes and gigabytes.
# Wide ones it pads to this itself, but only when it has made them smaller.
MOST_TIMES_AS_LONG = 8

# The models' sessions are not made for two callers at once, and two cores gain nothing by it.
ONE_AT_A_TIME = threading.Lock()


def stand_in() -> StandIn:
    """Rekognition's operations that are here."""
    operations = {
        "DetectLabels": (LABELS_MARK, detect_labels),
        "DetectText": (TEXT_MARK, detect_text),
        "DetectFaces": (FACES_MARK, detect_faces),
        "CompareFaces": (COMPARISON_MARK, compare_faces),
        "DetectModerationLabels": (MODERATION_MARK, detect_moderation_labels),
    }
    # In this order they are loaded: TensorFlow, which takes longest, comes with the first.
    return StandIn("Rekognition", operations, (center_net, blaze_face, reader, face_embedding, nsfw))


@contextmanager
def in_use(*networks: Callable[[], Any]) -> Iterator[list[Any]]:
    """Inside, these networks are loaded, and nobody else uses any.

    Raises:
        Refused: when their weights cannot be had.
    """
    try:
        loaded = [network() for network in networks]
    except WeightsUnavailable as error:
        raise Refused("StandInNotReady", str(error)) from error
    with ONE_AT_A_TIME:
        yield loaded


@loaded_once
def center_net() -> CenterNet:
    """The network, loaded at first use."""
    return CenterNet(StandInSettings.from_environment())


def detect_labels(request: dict[str, Any]) -> dict[str, Any]:
    """DetectLabels: each object found, with its places, and the more general label it belongs to."""
    image = read_image("DetectLabels", request)
    least = request.get("MinConfidence", DEFAULT_CONFIDENCE_PERCENT)
    with in_use(center_net) as [network]:
        detections = network.find(image)
    by_name: dict[str, list[Detection]] = {}
    for detection in detections:
        by_name.setdefault(COCO_LABELS[detection.class_index], []).append(detection)
    labels = [label_of(name, detections, least) for name, detections in by_name.items()]
    labels = labels_asked_for([*labels, *parents_of(labels)], request)
    kept = sorted(
        (label for label in labels if label["Confidence"] >= least), key=lambda label: -label["Confidence"]
    )
    return {
        "Labels": kept[: request.get("MaxLabels", 1000)],
        "LabelModelVersion": "stand-in-centernet-3.3.6",
    }


def label_of(name: str, detections: list[Detection], least: float) -> dict[str, Any]:
    """One label with its instances."""
    shown = [detection for detection in detections if detection.confidence * 100 >= least]
    return {
        "Name": name,
        "Confidence": max(detection.confidence for detection in detections) * 100,
        "Instances": [
            {"BoundingBox": place(detection.box), "Confidence": detection.confidence * 100}
            for detection in shown
        ],
        "Parents": [{"Name": PARENT[name]}] if name in PARENT else [],
        "Aliases": [],
        "Categories": [],
    }


def parents_of(labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The general labels of what was found, each as sure as its surest member."""
    surest: dict[str, float] = {}
    for label in labels:
        for parent in label["Parents"]:
            surest[parent["Name"]] = max(surest.get(parent["Name"], 0.0), label["Confidence"])
    return [
        {"Name": name, "Confidence": sure, "Instances": [], "Parents": [], "Aliases": [], "Categories": []}
        for name, sure in surest.items()
    ]


def place(box: Box) -> dict[str, float]:
    """A box as Rekognition writes it."""
    return {"Left": box.left, "Top": box.top, "Width": box.width, "Height": box.height}


@loaded_once
def blaze_face() -> BlazeFace:
    """The network, loaded at first use."""
    return BlazeFace(StandInSettings.from_environment())


def detect_faces(request: dict[str, Any]) -> dict[str, Any]:
    """DetectFaces: where each face is, with eyes and nose; attributes such as smiles are left out, whoever asks."""
    image = read_image("DetectFaces", request)
    with in_use(blaze_face) as [network]:
        detections = network.find(image)
    return {"FaceDetails": [face_detail(face) for face in detections[:MOST_FACES]]}


def face_detail(face: Face) -> dict[str, Any]:
    """A face as Rekognition writes it."""
    landmarks = [{"Type": name, "X": x, "Y": y} for name, (x, y) in face.points.items()]
    return {
        "BoundingBox": place(face.box),
        "Confidence": face.confidence * 100,
        "Landmarks": landmarks,
    }


@loaded_once
def face_embedding() -> FaceEmbedding:
    """The network, loaded at first use."""
    return FaceEmbedding(StandInSettings.from_environment())


def compare_faces(request: dict[str, Any]) -> dict[str, Any]:
    """CompareFaces: the source's largest face against each of the target; no quality filter, whoever asks."""
    source, target = (read_image("CompareFaces", request, f"{name}Image") for name in ("Source", "Target"))
    least = request.get("SimilarityThreshold", DEFAULT_SIMILARITY_PERCENT)
    with in_use(blaze_face, face_embedding) as [detector, embedding]:
        candidates = detector.find(source)
        if not candidates:
            raise Refused("InvalidParameterException", "The stand-in finds no face in SourceImage.")
        largest = max(candidates, key=lambda face: face.box.width * face.box.height)
        detections = detector.find(target)[:MOST_FACES]
        cosines = embedding.of(target, detections) @ embedding.of(source, [largest])[0]
    compared = [
        (similarity(float(cosine)) * 100, face_detail(face))
        for cosine, face in zip(cosines, detections, strict=True)
    ]
    compared.sort(key=lambda pair: -pair[0])
    shown = face_detail(largest)
    return {
        "SourceImageFace": {name: shown[name] for name in ("BoundingBox", "Confidence")},
        "FaceMatches": [{"Similarity": alike, "Face": face} for alike, face in compared if alike >= least],
        "UnmatchedFaces": [face for alike, face in compared if alike < least],
    }


@loaded_once
def nsfw() -> Nsfw:
    """The network, loaded at first use."""
    return Nsfw(StandInSettings.from_environment())


def detect_moderation_labels(request: dict[str, Any]) -> dict[str, Any]:
    """DetectModerationLabels: the two labels of Rekognition's first level that the network can tell."""
    image = read_image("DetectModerationLabels", request)
    least = request.get("MinConfidence", DEFAULT_MODERATION_PERCENT)
    with in_use(nsfw) as [network]:
        classes = network.classify(image)
    scores = {"Explicit": classes["Porn"] + classes["Hentai"], "Swimwear or Underwear": classes["Sexy"]}
    drawn = (classes["Drawing"] + classes["Hentai"]) * 100
    labels = [
        {"Name": name, "Confidence": min(score * 100, 100.0), "ParentName": "", "TaxonomyLevel": 1}
        for name, score in scores.items()
        if score * 100 >= least
    ]
    kinds = [{"Name": "Illustrated", "Confidence": min(drawn, 100.0)}] if drawn >= least else []
    return {
        "ModerationLabels": sorted(labels, key=lambda label: -label["Confidence"]),
        "ModerationModelVersion": "stand-in-nsfwjs-4.3.0",
        "ContentTypes": kinds,
    }


@loaded_once
def reader() -> Any:
    """The text reader, loaded at first use."""
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "error"})


def detect_text(request: dict[str, Any]) -> dict[str, Any]:
    """DetectText: the lines, each with its words."""
    image = read_image("DetectText", request)
    with in_use(reader) as [read]:
        lines = read(np.asarray(no_strip(image))[:, :, ::-1])
    detections: list[dict[str, Any]] = []
    boxes = [] if lines.boxes is None else list(lines.boxes)
    texts: list[str] = list(lines.txts or ())
    scores: list[float] = list(lines.scores or ())
    for corners, text, score in zip(boxes, texts, scores, strict=True):
        line = len(detections)
        geometry = geometry_of(np.asarray(corners, float) / np.array(image.size))
        detections.append(detection_of(line, "LINE", text, score, geometry, None))
        for word in text.split():
            detections.append(detection_of(len(detections), "WORD", word, score, geometry, line))
    return {"TextDetections": text_asked_for(detections, request), "TextModelVersion": "stand-in-rapidocr"}


def no_strip(image: Image.Image) -> Image.Image:
    """The image, with black at its right or below where a side has more than MOST_TIMES_AS_LONG times the other."""
    least = max(image.size) // MOST_TIMES_AS_LONG
    if min(image.size) >= least:
        return image
    return image.crop((0, 0, max(image.width, least), max(image.height, least)))


def detection_of(
    number: int, kind: str, text: str, score: float, geometry: dict[str, Any], parent: int | None
) -> dict[str, Any]:
    """One line or word; a word has the place of its line, which is all that the reader tells."""
    detection = {
        "Id": number,
        "Type": kind,
        "DetectedText": text,
        "Confidence": float(score) * 100,
        "Geometry": geometry,
    }
    return detection if parent is None else {**detection, "ParentId": parent}


def geometry_of(corners: np.ndarray) -> dict[str, Any]:
    """Four corners, [4, 2] as shares of the image, as Rekognition's geometry."""
    clipped = np.clip(corners, 0.0, 1.0)
    (left, top), (right, bottom) = clipped.min(axis=0), clipped.max(axis=0)
    return {
        "BoundingBox": {
            "Left": float(left),
            "Top": float(top),
            "Width": float(right - left),
            "Height": float(bottom - top),
        },
        "Polygon": [{"X": float(x), "Y": float(y)} for x, y in clipped],
    }

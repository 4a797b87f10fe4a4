"""Rekognition's operations on images: what is asked and what its answer means in our format. A row an operation."""

from __future__ import annotations

from typing import Any

from definitions.service_limits import SERVICE_LIMITS
from lambdas.common.answers import Answer, Reading, Result, box, details_of, retries_of, stand_in_of
from lambdas.common.bodies import ImageBody, ImagePairBody, read_image, read_image_pair
from lambdas.common.clients import client
from lambdas.common.costs import cost_of, price_of
from lambdas.common.errors import bad_request
from lambdas.common.operations import Operation
from lambdas.common.options import (
    Choice,
    Choices,
    Integer,
    Regions,
    Share,
    Words,
    read_options,
    request_members,
)
from lambdas.common.service_errors import reading_answer
from lambdas.custom.operations import IMAGE_CLASS

BACKEND = "rekognition"
MAXIMUM_LABELS = 20
MINIMUM_CONFIDENCE_PERCENT = 50
# What Rekognition takes as a label's or a category's name.
LABEL_NAME = r"[A-Za-z0-9àâèçñó'_(). -]{1,50}"
# Colours and sharpness are a feature of their own with a price of its own, which nobody confirmed.
PROPERTIES = "IMAGE_PROPERTIES"
GROUP_1, GROUP_2 = "rekognition.image.group1", "rekognition.image.group2"

MIN_CONFIDENCE = Share(
    name="min_confidence",
    member="MinConfidence",
    default=MINIMUM_CONFIDENCE_PERCENT,
    description="What is less sure than this is left out.",
)


def label_filter(name: str, member: str, description: str) -> Words:
    """A filter of DetectLabels by names."""
    return Words(
        name=name, member=f"Settings.GeneralLabels.{member}", pattern=LABEL_NAME, description=description
    )


LABEL_OPTIONS = (
    Integer(
        name="max_labels",
        member="MaxLabels",
        minimum=1,
        maximum=1_000,
        default=MAXIMUM_LABELS,
        description="At most so many labels, the surest.",
    ),
    MIN_CONFIDENCE,
    Choices(
        name="features",
        member="Features",
        values=("GENERAL_LABELS", PROPERTIES),
        unpriced=(PROPERTIES,),
        description="Labels, colours and sharpness, or both; labels unless said.",
    ),
    label_filter("include_labels", "LabelInclusionFilters", "Only these labels."),
    label_filter("exclude_labels", "LabelExclusionFilters", "Not these labels."),
    label_filter("include_categories", "LabelCategoryInclusionFilters", "Only labels of these categories."),
    label_filter("exclude_categories", "LabelCategoryExclusionFilters", "No labels of these categories."),
    Integer(
        name="max_dominant_colors",
        member="Settings.ImageProperties.MaxDominantColors",
        minimum=0,
        maximum=20,
        description="At most so many colours, with the feature IMAGE_PROPERTIES.",
    ),
)
TEXT_OPTIONS = (
    Share(
        name="min_confidence",
        member="Filters.WordFilter.MinConfidence",
        description="Words that are less sure than this are left out.",
    ),
    Share(
        name="min_box_height",
        member="Filters.WordFilter.MinBoundingBoxHeight",
        scale=1.0,
        description="Words lower than this share of the image's height are left out.",
    ),
    Share(
        name="min_box_width",
        member="Filters.WordFilter.MinBoundingBoxWidth",
        scale=1.0,
        description="Words narrower than this share of the image's width are left out.",
    ),
    Regions(
        name="regions",
        member="Filters.RegionsOfInterest",
        maximum=10,
        description="Read here only.",
    ),
)
FACE_OPTIONS = (
    Choices(
        name="attributes",
        member="Attributes",
        values=(
            "DEFAULT", "ALL", "AGE_RANGE", "BEARD", "EMOTIONS", "EYE_DIRECTION", "EYEGLASSES", "EYES_OPEN", "GENDER",
            "MOUTH_OPEN", "MUSTACHE", "FACE_OCCLUDED", "SMILE", "SUNGLASSES",
        ),
        description="What is said of each face beside its place, pose, quality and landmarks.",
    ),
)  # fmt: skip
COMPARE_OPTIONS = (
    Share(
        name="similarity_threshold",
        member="SimilarityThreshold",
        default=80.0,
        description="Faces that are less similar count as not matched.",
    ),
    Choice(
        name="quality_filter",
        member="QualityFilter",
        values=("NONE", "AUTO", "LOW", "MEDIUM", "HIGH"),
        description="Faces of a lower quality are not compared; NONE unless said.",
    ),
)
EQUIPMENT_OPTIONS = (
    Choices(
        name="required_equipment",
        member="SummarizationAttributes.RequiredEquipmentTypes",
        values=("FACE_COVER", "HAND_COVER", "HEAD_COVER"),
        description="Asks for a summary of who wears all of this, who does not, and who cannot be told.",
    ),
    Share(
        name="min_confidence",
        member="SummarizationAttributes.MinConfidence",
        description="How sure a detection has to be for the summary; 0.8 unless said. Needs required_equipment.",
    ),
)
REQUIRED_EQUIPMENT_CONFIDENCE_PERCENT = 80.0


def percent(entry: dict[str, Any], member: str = "Confidence") -> float:
    """Rekognition's percent as 0 to 1."""
    return entry[member] / 100


def labels(answer: dict[str, Any]) -> Reading:
    """Each label, with a box for each instance that Rekognition located beside how sure it is of the label itself."""
    results = []
    for label in answer.get("Labels", []):
        about = details_of(label, "Name", "Confidence", "Instances")
        instances = label.get("Instances", [])
        for instance in instances:
            more = {"label_score": percent(label), **details_of(instance, "Confidence", "BoundingBox")}
            results.append(
                Result(
                    label["Name"], percent(instance), box(instance["BoundingBox"]), details={**about, **more}
                )
            )
        if not instances:
            results.append(Result(label["Name"], percent(label), details=about))
    return Reading(results, rest(answer, "Labels", "LabelModelVersion"))


def texts(answer: dict[str, Any]) -> Reading:
    """The lines of text in the image, each with its words."""
    detections = answer["TextDetections"]
    words: dict[int, list[dict[str, Any]]] = {}
    for detection in detections:
        if detection["Type"] == "WORD" and "ParentId" in detection:
            word = {
                "text": detection["DetectedText"],
                "score": percent(detection),
                "box": box(detection["Geometry"]["BoundingBox"]),
            }
            words.setdefault(detection["ParentId"], []).append(word | outline(detection))
    lines = [
        Result(
            detection["DetectedText"],
            percent(detection),
            box(detection["Geometry"]["BoundingBox"]),
            details=outline(detection)
            | ({"words": words[detection["Id"]]} if detection.get("Id") in words else {}),
        )
        for detection in detections
        if detection["Type"] == "LINE"
    ]
    return Reading(lines, rest(answer, "TextDetections", "TextModelVersion"))


def outline(entry: dict[str, Any]) -> dict[str, Any]:
    """The corners of a text, which a box cannot tell of one that is turned."""
    return details_of(entry["Geometry"], "BoundingBox")


def faces(answer: dict[str, Any]) -> Reading:
    """Where faces are and what they look like; nothing about whose."""
    results = [face("Face", face_detail) for face_detail in answer["FaceDetails"]]
    return Reading(results, rest(answer, "FaceDetails"))


def face(label: str, entry: dict[str, Any]) -> Result:
    """A face as a result."""
    about = details_of(entry, "BoundingBox", "Confidence")
    return Result(label, percent(entry), box(entry["BoundingBox"]), details=about)


def comparison(answer: dict[str, Any]) -> Reading:
    """The target's faces that match the source's largest face; score is the similarity. The others are details."""
    results = [
        Result(
            "Match",
            percent(face_match, "Similarity"),
            box(face_match["Face"]["BoundingBox"]),
            details=details_of(face_match["Face"], "BoundingBox"),
        )
        for face_match in answer["FaceMatches"]
    ]
    return Reading(results, rest(answer, "FaceMatches"))


def moderation(answer: dict[str, Any]) -> Reading:
    """What a moderator would want to see, with the place in the taxonomy."""
    results = [
        Result(label["Name"], percent(label), details=details_of(label, "Name", "Confidence"))
        for label in answer["ModerationLabels"]
    ]
    return Reading(results, rest(answer, "ModerationLabels", "ModerationModelVersion"))


def equipment(answer: dict[str, Any]) -> Reading:
    """Each person, and each piece of equipment with the person and the part of the body that wears it."""
    results = []
    for person in answer["Persons"]:
        parts = person.get("BodyParts", [])
        seen = [details_of(part, "EquipmentDetections") for part in parts]
        about = {"person": person["Id"], **({"body_parts": seen} if seen else {})}
        results.append(Result("Person", percent(person), box(person["BoundingBox"]), details=about))
        for part in parts:
            for piece in part["EquipmentDetections"]:
                about = details_of(piece, "BoundingBox", "Confidence", "Type")
                about |= {"person": person["Id"], "body_part": part["Name"]}
                results.append(
                    Result(piece["Type"], percent(piece), box(piece["BoundingBox"]), details=about)
                )
    return Reading(results, rest(answer, "Persons", "ProtectiveEquipmentModelVersion"))


def celebrities(answer: dict[str, Any]) -> Reading:
    """Well-known people by name; score is that of the match, and that of the face is with the face."""
    results = [
        Result(
            celebrity_face["Name"],
            percent(celebrity_face, "MatchConfidence"),
            box(celebrity_face["Face"]["BoundingBox"]),
            details={
                **details_of(celebrity_face, "Name", "MatchConfidence", "Face"),
                "face": details_of(celebrity_face["Face"], "BoundingBox"),
            },
        )
        for celebrity_face in answer["CelebrityFaces"]
    ]
    return Reading(results, rest(answer, "CelebrityFaces"))


def rest(answer: dict[str, Any], *shown: str) -> dict[str, Any]:
    """What the answer says beside its list."""
    return details_of(answer, "ResponseMetadata", *shown)


def recognize(operation: Operation, event: dict[str, Any]) -> Answer:
    """Asks Rekognition about the event's image or images.

    Raises:
        RequestRefused: when an option or an image is not one that Rekognition takes.
        ClientError: when Rekognition refuses.
    """
    options = read_options(operation.options, event)
    if isinstance(operation.body, ImagePairBody):
        source, target = read_image_pair(event, operation.body)
        images = {"SourceImage": {"Bytes": source.content}, "TargetImage": {"Bytes": target.content}}
    else:
        images = {"Image": {"Bytes": read_image(event, operation.body_as(ImageBody)).content}}
    asked = images | request_members(operation.options, options)
    if "SummarizationAttributes" in asked:
        asked["SummarizationAttributes"] = summary_attributes(asked["SummarizationAttributes"])
    answer = getattr(client(operation.service), operation.method)(**asked)
    version = answer.get(operation.version_member) if operation.version_member else None
    with reading_answer():
        reading = operation.reading_of(answer)
    return Answer(
        BACKEND,
        reading,
        operation.method,
        version,
        stand_in_of(answer),
        cost_of(price_of(operation, options), operation.unit, 1),
        retries_of(answer),
    )


def summary_attributes(attributes: dict[str, Any]) -> dict[str, Any]:
    """Both members, which Rekognition wants together.

    Raises:
        RequestRefused: 400 when the confidence stands alone.
    """
    if "RequiredEquipmentTypes" not in attributes:
        raise bad_request(
            "InvalidOption", "The option min_confidence needs required_equipment.", "min_confidence"
        )
    return {"MinConfidence": REQUIRED_EQUIPMENT_CONFIDENCE_PERCENT, **attributes}


def row(name: str, api: str, summary: str, read: Any, **more: Any) -> Operation:
    """An operation of Rekognition on one image."""
    defaults = {
        "body": ImageBody.of(SERVICE_LIMITS[api]),
        "price": GROUP_2,
        "unit": "image",
        "run": recognize,
    }
    return Operation(
        name=f"image-{name}",
        path=f"images/{name}",
        summary=summary,
        service="rekognition",
        api=api,
        read=read,
        **defaults | more,
    )


OPERATIONS = (
    row(
        "labels",
        "DetectLabels",
        "Objects, scenes and actions in an image, with boxes where they can be located.",
        labels,
        options=LABEL_OPTIONS,
        version_member="LabelModelVersion",
        own=IMAGE_CLASS,
    ),
    row(
        "text",
        "DetectText",
        "Lines of text in an image, with their words and places.",
        texts,
        options=TEXT_OPTIONS,
        version_member="TextModelVersion",
        repeats_content=True,
    ),
    row("faces", "DetectFaces", "Faces in an image and what they look like.", faces, options=FACE_OPTIONS),
    row(
        "compare-faces",
        "CompareFaces",
        "The faces of a target image that match the largest face of a source image.",
        comparison,
        body=ImagePairBody(SERVICE_LIMITS["CompareFaces"].least_pixels),
        options=COMPARE_OPTIONS,
        price=GROUP_1,
    ),
    row(
        "moderation",
        "DetectModerationLabels",
        "What may be unwanted in an image.",
        moderation,
        options=(MIN_CONFIDENCE,),
        version_member="ModerationModelVersion",
    ),
    row(
        "protective-equipment",
        "DetectProtectiveEquipment",
        "Persons in an image and the covers of face, head and hands that they wear.",
        equipment,
        options=EQUIPMENT_OPTIONS,
        version_member="ProtectiveEquipmentModelVersion",
    ),
    row("celebrities", "RecognizeCelebrities", "Well-known people in an image.", celebrities),
)

"""Keeps of what a stand-in of Rekognition found what the request's own filters let through."""

from __future__ import annotations

from typing import Any

from local_aws.managed.service import Refused

# The code of a refusal that no service knows: it takes every option of its own.
OPTION_NOT_READ = "OptionNotReadByStandIn"
CATEGORIES = ("LabelCategoryInclusionFilters", "LabelCategoryExclusionFilters")


def labels_asked_for(labels: list[dict[str, Any]], request: dict[str, Any]) -> list[dict[str, Any]]:
    """The labels that the names in a request of DetectLabels let through.

    Raises:
        Refused: when it asks for categories or for colours, which the stand-in knows nothing of.
    """
    wanted = request.get("Settings", {}).get("GeneralLabels", {})
    if "IMAGE_PROPERTIES" in request.get("Features", ()) or any(wanted.get(name) for name in CATEGORIES):
        raise Refused(OPTION_NOT_READ, "The stand-in knows no categories and no colours.")
    only, without = wanted.get("LabelInclusionFilters"), wanted.get("LabelExclusionFilters") or ()
    return [label for label in labels if (not only or label["Name"] in only) and label["Name"] not in without]


def text_asked_for(detections: list[dict[str, Any]], request: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines and words that the filters in a request of DetectText let through."""
    filters = request.get("Filters", {})
    least, regions = filters.get("WordFilter", {}), filters.get("RegionsOfInterest") or ()
    return [
        detection
        for detection in detections
        if (detection["Type"] == "LINE" or is_large_and_sure(detection, least))
        and (not regions or any(is_inside(detection, region["BoundingBox"]) for region in regions))
    ]


def is_large_and_sure(word: dict[str, Any], least: dict[str, float]) -> bool:
    """Whether a word has the least confidence, height and width."""
    box = word["Geometry"]["BoundingBox"]
    return (
        word["Confidence"] >= least.get("MinConfidence", 0.0)
        and box["Height"] >= least.get("MinBoundingBoxHeight", 0.0)
        and box["Width"] >= least.get("MinBoundingBoxWidth", 0.0)
    )


def is_inside(detection: dict[str, Any], region: dict[str, float]) -> bool:
    """Whether the middle of a line or word lies in a region."""
    box = detection["Geometry"]["BoundingBox"]
    x, y = box["Left"] + box["Width"] / 2, box["Top"] + box["Height"] / 2
    left, top = region.get("Left", 0.0), region.get("Top", 0.0)
    return left <= x <= left + region.get("Width", 1.0) and top <= y <= top + region.get("Height", 1.0)

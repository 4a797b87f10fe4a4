"""What a stand-in found is given back as the request's own filters say."""

from __future__ import annotations

import pytest

from local_aws.managed.filters import OPTION_NOT_READ, labels_asked_for, text_asked_for
from local_aws.managed.service import Refused

LABELS = [{"Name": name} for name in ("Cat", "Dog", "Animal")]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({}, ["Cat", "Dog", "Animal"]),
        ({"LabelInclusionFilters": ["Dog", "Bird"]}, ["Dog"]),
        ({"LabelExclusionFilters": ["Animal"]}, ["Cat", "Dog"]),
        ({"LabelInclusionFilters": ["Dog", "Cat"], "LabelExclusionFilters": ["Cat"]}, ["Dog"]),
    ],
)
def test_labels_are_kept_by_their_names(filters, kept):
    labels = labels_asked_for(LABELS, {"Settings": {"GeneralLabels": filters}})
    assert [label["Name"] for label in labels] == kept


@pytest.mark.parametrize(
    "request_",
    [
        {"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]},
        {"Settings": {"GeneralLabels": {"LabelCategoryInclusionFilters": ["Animals and Pets"]}}},
        {"Settings": {"GeneralLabels": {"LabelCategoryExclusionFilters": ["Animals and Pets"]}}},
    ],
)
def test_what_the_stand_in_does_not_know_is_refused_and_not_passed_over(request_):
    with pytest.raises(Refused) as refused:
        labels_asked_for(LABELS, request_)
    assert refused.value.code == OPTION_NOT_READ


def detection(kind: str, confidence: float, left: float, height: float = 0.1) -> dict:
    box = {"Left": left, "Top": 0.0, "Width": 0.1, "Height": height}
    return {"Type": kind, "Confidence": confidence, "Geometry": {"BoundingBox": box}}


FOUND = [detection("LINE", 40.0, 0.0), detection("WORD", 40.0, 0.0), detection("WORD", 90.0, 0.5, 0.3)]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({}, [0, 1, 2]),
        ({"WordFilter": {"MinConfidence": 50.0}}, [0, 2]),
        ({"WordFilter": {"MinConfidence": 90.0}}, [0, 2]),
        ({"WordFilter": {"MinBoundingBoxHeight": 0.2}}, [0, 2]),
        ({"WordFilter": {"MinBoundingBoxWidth": 0.2}}, [0]),
        (
            {"RegionsOfInterest": [{"BoundingBox": {"Left": 0.0, "Top": 0.0, "Width": 0.3, "Height": 1.0}}]},
            [0, 1],
        ),
        (
            {"RegionsOfInterest": [{"BoundingBox": {"Width": 0.3}}, {"BoundingBox": {"Left": 0.52}}]},
            [0, 1, 2],
        ),
        ({"RegionsOfInterest": [{"BoundingBox": {"Top": 0.1}}]}, [2]),
        ({"RegionsOfInterest": [{"BoundingBox": {"Height": 0.1}}]}, [0, 1]),
    ],
)
def test_lines_and_words_are_kept_by_confidence_size_and_region(filters, kept):
    assert text_asked_for(FOUND, {"Filters": filters}) == [FOUND[number] for number in kept]

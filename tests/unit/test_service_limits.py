"""The limits of Rekognition and Comprehend, held to what botocore's copy of their documentation says."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import botocore.session
import pytest

from definitions.service_limits import COMPREHEND_CUSTOM, KB, MIB, REKOGNITION, SERVICE_LIMITS
from lambdas.bulk.asking import runs_in_bulk
from lambdas.catalogue import OPERATIONS
from lambdas.common.bodies import IMAGE_BYTES

TEXTS = [name for name, limit in SERVICE_LIMITS.items() if limit.source != REKOGNITION]
IMAGES = [name for name, limit in SERVICE_LIMITS.items() if limit.source == REKOGNITION]
ASKED = [operation for operation in OPERATIONS if operation.service in ("rekognition", "comprehend")]
SIZE = re.compile(
    r"(?:size of each document is|size for each document is|size is|length is|less than) (\d+) KB"
)


@cache
def members_of(service: str, operation: str) -> dict[str, Any]:
    """The members of an operation's request."""
    return (
        botocore.session.Session().get_service_model(service).operation_model(operation).input_shape.members
    )


def words_of(operation: str) -> str:
    """What botocore says of the member that holds an operation's texts."""
    members = members_of("comprehend", operation)
    found = next(members[name] for name in ("Text", "TextList", "TextSegments") if name in members)
    return re.sub("<[^>]+>", "", found.documentation)


def test_every_operation_of_the_managed_services_has_a_row_and_no_other():
    assert {one.api for one in ASKED} == set(SERVICE_LIMITS)


@pytest.mark.parametrize("name", sorted(set(TEXTS) - {"DetectToxicContent", "ClassifyDocument"}))
def test_a_texts_bytes_are_those_that_botocore_tells(name):
    (kilobytes,) = SIZE.findall(words_of(name))
    assert SERVICE_LIMITS[name].most_bytes == int(kilobytes) * KB


def test_a_segments_bytes_and_number_are_those_that_botocore_tells():
    words, limit = words_of("DetectToxicContent"), SERVICE_LIMITS["DetectToxicContent"]
    assert f"up to {limit.most_documents} text strings" in words
    assert f"maximum size of {limit.most_bytes // KB} KB" in words


@pytest.mark.parametrize("name", [name for name in TEXTS if name.startswith("Batch")])
def test_a_batchs_documents_are_as_many_as_botocore_tells(name):
    assert f"maximum of {SERVICE_LIMITS[name].most_documents} documents" in words_of(name)


def test_botocore_tells_nothing_of_a_classifiers_texts():
    """Then the guide counts, which says 10 KB for custom models."""
    assert "KB" not in words_of("ClassifyDocument")
    limit = SERVICE_LIMITS["ClassifyDocument"]
    assert (limit.most_bytes, limit.source) == (10_000, COMPREHEND_CUSTOM)


@pytest.mark.parametrize("name", IMAGES)
def test_no_image_is_larger_than_botocore_lets_through(name):
    members = members_of("rekognition", name)
    shape = members.get("Image") or members["SourceImage"]
    assert shape.members["Bytes"].metadata["max"] >= SERVICE_LIMITS[name].most_bytes


def test_protective_equipment_has_limits_of_its_own():
    limit = SERVICE_LIMITS["DetectProtectiveEquipment"]
    assert (limit.most_bytes, limit.least_pixels, limit.most_pixels) == (4 * MIB, 64, 4_096)


@pytest.mark.parametrize("operation", [one for one in ASKED if runs_in_bulk(one)], ids=lambda one: one.name)
def test_no_operation_takes_more_than_its_service(operation):
    most = getattr(operation.body, "most_bytes", IMAGE_BYTES)
    assert most <= SERVICE_LIMITS[operation.api].most_bytes

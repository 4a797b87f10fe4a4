"""The table of AWS's containers agrees with the sagemaker SDK's own."""

from __future__ import annotations

import datetime

import pytest
from sagemaker.core import image_uris

from stacks.settings.container_images import (
    ACCOUNT_OF_REGION,
    INFERENCE_IMAGES,
    TRAINING_IMAGES,
    VERIFIED_PAIRS,
    end_of_patch_warning,
)

REGIONS = ["us-east-1", "eu-central-1", "ap-northeast-1", *ACCOUNT_OF_REGION]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("scope", ["training", "inference"])
def test_an_image_is_where_the_sdk_says(region, scope):
    for version, image in {"training": TRAINING_IMAGES, "inference": INFERENCE_IMAGES}[scope].items():
        expected = image_uris.retrieve(
            "tensorflow",
            region,
            version=version,
            py_version="py312",
            instance_type="ml.g5.xlarge",
            image_scope=scope,
        )
        # The SDK names the oldest equal tag or a longer one of the same image; account, repository and version decide.
        assert image.uri(region).partition(":")[0] == expected.partition(":")[0]
        assert expected.partition(":")[2].startswith(version)


def test_every_verified_pair_is_in_the_tables():
    assert VERIFIED_PAIRS
    for trained, served in VERIFIED_PAIRS:
        assert trained in TRAINING_IMAGES
        assert served in INFERENCE_IMAGES


def test_the_end_of_patch_is_warned_of_ninety_days_before():
    image = TRAINING_IMAGES["2.21"]
    day = image.end_of_patch
    assert end_of_patch_warning(image, day - datetime.timedelta(days=91)) is None
    assert str(day) in end_of_patch_warning(image, day - datetime.timedelta(days=90))

"""The table of AWS's containers agrees with the sagemaker SDK's own, and warns before an image's end."""

from __future__ import annotations

import datetime
from importlib import import_module

import pytest
from botocore.session import get_session

from stacks.settings import SettingsRefused, load_settings
from stacks.settings.container_images import (
    ACCOUNT_OF_REGION,
    INFERENCE_IMAGES,
    TRAINING_IMAGES,
    VERIFIED_PAIRS,
    end_of_patch_warning,
)

from .conftest import context

# The SDK's own table, whose import takes seconds that every process of the tests would pay as it collects.
SDK = "sagemaker.core.image_uris"
IMAGES = {"training": TRAINING_IMAGES, "inference": INFERENCE_IMAGES}


def registries(scope: str, version: str) -> dict[str, str]:
    """The SDK's accounts by region."""
    versions = import_module(SDK).config_for_framework("tensorflow")[scope]
    return versions["versions"][versions["version_aliases"][version]]["registries"]


@pytest.mark.parametrize("region", ["us-east-1", "ap-east-2"])
@pytest.mark.parametrize("scope", IMAGES)
@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.m5.xlarge"])
def test_an_image_is_what_the_sdk_says(region, scope, instance_type):
    for version, image in IMAGES[scope].items():
        expected = import_module(SDK).retrieve(
            "tensorflow",
            region,
            version=version,
            py_version="py312",
            instance_type=instance_type,
            image_scope=scope,
        )
        assert image.uri(region, instance_type) == expected


def test_the_table_has_every_region_of_our_partition_that_the_sdk_knows():
    for scope, images in IMAGES.items():
        for version in images:
            known = registries(scope, version)
            ours = {region: known.get(region) for region in ACCOUNT_OF_REGION}
            assert ours == ACCOUNT_OF_REGION
    both = set.intersection(
        *(set(registries(scope, version)) for scope in IMAGES for version in IMAGES[scope])
    )
    session = get_session()
    assert {region for region in both if session.get_partition_for_region(region) == "aws"} == set(
        ACCOUNT_OF_REGION
    )


@pytest.mark.parametrize(
    "region", ["us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-iso-east-1", "eu-isoe-west-1"]
)
def test_a_region_of_another_partition_is_refused_by_name(region):
    environments = context()["environments"]
    environments["dev"]["region"] = region
    with pytest.raises(SettingsRefused, match=f"region: .*'{region}' is of a partition of its own"):
        load_settings("dev", environments)


def test_a_region_without_the_containers_is_refused_by_name():
    environments = context()["environments"]
    environments["dev"]["region"] = "me-west-1"
    with pytest.raises(
        SettingsRefused, match="no TensorFlow containers for training and inference in 'me-west-1'"
    ):
        load_settings("dev", environments)


def test_every_verified_pair_is_in_the_tables():
    assert VERIFIED_PAIRS
    for trained, served in VERIFIED_PAIRS:
        assert trained in TRAINING_IMAGES
        assert served in INFERENCE_IMAGES


@pytest.mark.parametrize(
    "image", [*TRAINING_IMAGES.values(), *INFERENCE_IMAGES.values()], ids=lambda region: region.name
)
def test_the_end_of_patch_is_warned_of_ninety_days_before(image):
    day = image.end_of_patch
    assert end_of_patch_warning(image, day - datetime.timedelta(days=91)) is None
    assert str(day) in end_of_patch_warning(image, day - datetime.timedelta(days=90))

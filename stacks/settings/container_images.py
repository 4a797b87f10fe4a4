"""The TensorFlow containers that AWS publishes, as data: a test compares it with the sagemaker SDK's own table."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

# The account of AWS's deep learning containers in the regions that opened before 2019 and most since.
COMMON_ACCOUNT = "763104351884"
ACCOUNT_OF_REGION = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-southeast-3": "907027046896",
    "eu-south-1": "692866216735",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
}


@dataclass(frozen=True)
class Image:
    """One container image.

    Attributes:
        repository: its name in the registry.
        tag: framework version, device and Python.
        end_of_patch: the day after which AWS patches it no more; None where none is published.
    """

    repository: str
    tag: str
    end_of_patch: datetime.date | None

    def uri(self, region: str) -> str:
        """The image's address in a region."""
        account = ACCOUNT_OF_REGION.get(region, COMMON_ACCOUNT)
        return f"{account}.dkr.ecr.{region}.amazonaws.com/{self.repository}:{self.tag}"


TRAINING_IMAGES = {
    "2.21": Image("tensorflow-training", "2.21-gpu-py312", datetime.date(2027, 7, 10)),
}
INFERENCE_IMAGES = {
    "2.20": Image("tensorflow-inference", "2.20-gpu-py312", None),
}

VERIFIED_PAIRS = (("2.21", "2.20"),)
"""Training and inference versions of which each network, exported in the one, answered alike in the other."""

WARNING_DAYS = 90


def end_of_patch_warning(image: Image, today: datetime.date) -> str | None:
    """A sentence from 90 days before the end of patch on; the day is passed in, so that a synth reads no clock."""
    if image.end_of_patch is None or image.end_of_patch - today > datetime.timedelta(days=WARNING_DAYS):
        return None
    return (
        f"{image.repository}:{image.tag} gets no patches after {image.end_of_patch}; choose a newer image_version "
        "and verify its pair."
    )

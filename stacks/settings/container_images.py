"""The TensorFlow containers that AWS publishes, and what they run on, as data with the day they were looked up.

A test compares it with the sagemaker SDK's own table and fails when the day is too long ago.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal

from stacks.settings.instance_families import has_blackwell_gpu, has_gpu

# Sources. Ends of patch and processors: deep-learning-containers, docs/src/data/tensorflow-*/ (for inference, #6596).
# Host machines: SageMaker's developer guide, "GPU driver upgrades", and the constants of deep-learning-containers'
# tests. Accounts and regions: sagemaker.core.image_uris of the pinned SDK.
CHECKED_ON = datetime.date(2026, 11, 30)

COMMON_ACCOUNT = "763104351884"
ACCOUNT_OF_REGION = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-east-2": "975050140332",
    "ap-northeast-1": COMMON_ACCOUNT,
    "ap-northeast-2": COMMON_ACCOUNT,
    "ap-northeast-3": "364406365360",
    "ap-south-1": COMMON_ACCOUNT,
    "ap-south-2": "772153158452",
    "ap-southeast-1": COMMON_ACCOUNT,
    "ap-southeast-2": COMMON_ACCOUNT,
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ap-southeast-5": "550225433462",
    "ap-southeast-6": "633930458069",
    "ap-southeast-7": "590183813437",
    "ca-central-1": COMMON_ACCOUNT,
    "ca-west-1": "204538143572",
    "eu-central-1": COMMON_ACCOUNT,
    "eu-central-2": "380420809688",
    "eu-north-1": COMMON_ACCOUNT,
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "eu-west-1": COMMON_ACCOUNT,
    "eu-west-2": COMMON_ACCOUNT,
    "eu-west-3": COMMON_ACCOUNT,
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "mx-central-1": "637423239942",
    "sa-east-1": COMMON_ACCOUNT,
    "us-east-1": COMMON_ACCOUNT,
    "us-east-2": COMMON_ACCOUNT,
    "us-west-1": COMMON_ACCOUNT,
    "us-west-2": COMMON_ACCOUNT,
}
"""The account of AWS's deep learning containers in each region of the partition `aws`."""

# Regions whose ARNs, console and accounts are apart, by how their names begin.
OTHER_PARTITIONS = {
    "us-gov-": "GovCloud",
    "cn-": "China",
    "us-iso": "the isolated regions",
    "eu-iso": "the isolated regions",
    "eusc-": "the European Sovereign Cloud",
}

# The images are of CUDA 12.9, which SageMaker's default host of older families (driver 470) cannot start: the
# container ends with CannotStartContainerError and no log.
ENDPOINT_GPU_HOST = "al2-ami-sagemaker-inference-gpu-3-1"
# Driver 580, where the other has 550 (CreateEndpointConfig, InferenceAmiVersion).
ENDPOINT_BLACKWELL_HOST = "al2023-ami-sagemaker-inference-gpu-4-1"
TRANSFORM_GPU_HOST = "al2-ami-sagemaker-batch-gpu-535"


@dataclass(frozen=True)
class Image:
    """One container image, which AWS publishes for processors with GPUs and for those without.

    Attributes:
        repository: its name in the registry.
        version: of TensorFlow, as tags begin.
        end_of_patch: the day after which AWS patches it no more.
    """

    repository: str
    version: str
    end_of_patch: datetime.date

    @property
    def name(self) -> str:
        """Repository and version, without the processor."""
        return f"{self.repository}:{self.version}"

    def uri(self, region: str, *instance_types: str) -> str:
        """The image's address in a region, for hosts of these types: for GPUs where any of them has one.

        The one for GPUs runs on a processor without one too, and is larger by gigabytes.
        """
        return self.of_device(
            region, "gpu" if any(has_gpu(instance_type) for instance_type in instance_types) else "cpu"
        )

    def of_device(self, region: str, device: Literal["cpu", "gpu"]) -> str:
        """The image's address in a region."""
        registry = f"{ACCOUNT_OF_REGION[region]}.dkr.ecr.{region}.amazonaws.com"
        return f"{registry}/{self.name}-{device}-py312"


TRAINING_IMAGES = {"2.21": Image("tensorflow-training", "2.21", datetime.date(2027, 7, 10))}
INFERENCE_IMAGES = {"2.20": Image("tensorflow-inference", "2.20", datetime.date(2027, 8, 20))}

VERIFIED_PAIRS = (("2.21", "2.20"),)
"""Training and inference versions of which each network, exported in the one, answered alike in the other."""

WARNING_DAYS = 90


def without_images(region: str) -> str | None:
    """Why the app cannot be in a region, as a sentence; None where it can."""
    for beginning, name in OTHER_PARTITIONS.items():
        if region.startswith(beginning):
            return (
                f"'{region}' is of a partition of its own ({name}), and this app is written for the partition aws: "
                "choose a region of it, such as us-east-1"
            )
    if region not in ACCOUNT_OF_REGION:
        return (
            f"AWS publishes no TensorFlow containers for training and inference in '{region}', as of "
            f"{CHECKED_ON}; it does in {', '.join(ACCOUNT_OF_REGION)}"
        )
    return None


def endpoint_host(instance_type: str) -> str | None:
    """The InferenceAmiVersion of an endpoint's variant; None where there is no GPU, and so no driver to choose."""
    if has_blackwell_gpu(instance_type):
        return ENDPOINT_BLACKWELL_HOST
    return ENDPOINT_GPU_HOST if has_gpu(instance_type) else None


def transform_host(instance_type: str) -> str | None:
    """The TransformAmiVersion of a batch transform job; None where there is no GPU."""
    return TRANSFORM_GPU_HOST if has_gpu(instance_type) else None


def end_of_patch_warning(image: Image, today: datetime.date) -> str | None:
    """A sentence from 90 days before the end of patch on; the day is passed in, so that a synth reads no clock."""
    if image.end_of_patch - today > datetime.timedelta(days=WARNING_DAYS):
        return None
    return f"{image.name} gets no patches after {image.end_of_patch}; choose a newer image_version and verify its pair."

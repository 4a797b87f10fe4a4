"""What has to be known of an instance type beyond its name."""

from __future__ import annotations

import re

# Families with NVMe disks: SageMaker refuses a volume key on them, and their hardware encrypts the disks
# (CreateTrainingJob and CreateEndpointConfig, VolumeKmsKeyId and KmsKeyId).
LOCAL_STORAGE = re.compile(
    r"^ml\.(?:g4dn|g5|g6|g6e|g7|g7e|p3dn|p4d|p4de|p5|p5e|p5en|p6[\w-]*|trn\w+|[cmr]\d+[a-z]*d)\."
)

GRAVITON = re.compile(r"^ml\.[a-z]+\d+g[a-z]*\.")
GPU = re.compile(r"^ml\.(?:g|p)\d")


def has_local_storage(instance_type: str) -> bool:
    """Whether the instance has its own disks, which take no customer key."""
    return LOCAL_STORAGE.match(instance_type) is not None


def is_graviton(instance_type: str) -> bool:
    """Whether the instance is of AWS's arm64 processors, for which there is no TensorFlow inference image."""
    return GRAVITON.match(instance_type) is not None


def virtual_processors(instance_type: str) -> int:
    """How many vCPUs the instance has: two for `large`, four for each `xlarge` (Amazon EC2, instance sizes)."""
    size = instance_type.rpartition(".")[2]
    times = size.removesuffix("xlarge")
    return 2 if times == size else 4 * int(times or 1)


def has_gpu(instance_type: str) -> bool:
    """Whether the instance has GPUs."""
    return GPU.match(instance_type) is not None

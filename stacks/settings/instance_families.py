"""What has to be known of an instance type beyond its name."""

from __future__ import annotations

import datetime
import re

# The table below. Sources: AWS Neuron's release notes (2.31: TensorFlow is supported no more), SageMaker AI's list of
# instance types.
CHECKED_ON = datetime.date(2026, 11, 30)
# What SageMaker's description lists and our images do not run on, by the beginning of a type's name.
WITHOUT_TENSORFLOW = {
    "ml.trn": "AWS supports TensorFlow no more on Trainium",
    "ml.inf": "AWS supports TensorFlow no more on Inferentia",
    "ml.p2.": "SageMaker has no P2 any more",
    "ml.p6e-gb": "its Grace processor is arm64, and the TensorFlow containers with CUDA are of x86-64",
}

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


def without_tensorflow(instance_type: str) -> str | None:
    """Why TensorFlow does not run on an instance that SageMaker lists, as a part of a sentence; None where it does."""
    return next((why for start, why in WITHOUT_TENSORFLOW.items() if instance_type.startswith(start)), None)


def virtual_processors(instance_type: str) -> int:
    """How many vCPUs the instance has: two for `large`, four for each `xlarge` (Amazon EC2, instance sizes)."""
    size = instance_type.rpartition(".")[2]
    times = size.removesuffix("xlarge")
    return 2 if times == size else 4 * int(times or 1)


def memory_gigabytes(instance_type: str) -> int:
    """The instance's memory in GiB: for each vCPU 2 of a C type, 8 of an R, 4 of others (EC2, instance types)."""
    family = instance_type.removeprefix("ml.")[0]
    return virtual_processors(instance_type) * {"c": 2, "r": 8}.get(family, 4)


def has_gpu(instance_type: str) -> bool:
    """Whether the instance has GPUs."""
    return GPU.match(instance_type) is not None

"""What has to be known of an instance type beyond its name."""

from __future__ import annotations

import datetime
import re

# The tables below. Sources: AWS Neuron's release notes (2.31: TensorFlow is supported no more), SageMaker AI's list of
# instance types, EC2's answer to DescribeInstanceTypes.
CHECKED_ON = datetime.date(2026, 11, 30)
# What SageMaker's description lists and our images do not run on, by the beginning of a type's name.
WITHOUT_TENSORFLOW = {
    "ml.trn": "AWS supports TensorFlow no more on Trainium",
    "ml.inf": "AWS supports TensorFlow no more on Inferentia",
    "ml.dl": "AWS publishes no TensorFlow container for Gaudi",
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
# Their GPUs need a driver from 570 on (NVIDIA, data center drivers).
BLACKWELL = re.compile(r"^ml\.(?:g7|g7e|p6[\w-]*)\.")
BURSTABLE = re.compile(r"^ml\.t\d")

# What the rules of `virtual_processors` and `memory_gigabytes` do not give, by the beginning of a type's name.
PROCESSORS = {"ml.c4.8xlarge": 36, "ml.t2.medium": 2, "ml.t3.medium": 2}
MEMORY_OF_A_PROCESSOR = {
    "ml.c4.8xlarge": 60 / 36,
    "ml.c4.": 1.875,
    "ml.g6e.": 8,
    **dict.fromkeys(("ml.g7e.2xlarge", "ml.g7e.4xlarge", "ml.g7e.8xlarge"), 8),
    "ml.g7e.": 32 / 3,
    "ml.p3dn.": 8,
    "ml.p3.": 7.625,
    "ml.p4d": 12,
    "ml.p5.4xlarge": 16,
    "ml.p5": 32 / 3,
    "ml.p6-b200.": 32 / 3,
    "ml.p6-b300.": 64 / 3,
    **dict.fromkeys(("ml.t2.medium", "ml.t3.medium"), 2),
    "ml.c": 2,
    "ml.r": 8,
}


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
    if size == "medium" or instance_type in PROCESSORS:
        return PROCESSORS.get(instance_type, 1)
    times = size.removesuffix("xlarge")
    return 2 if times == size else 4 * int(times or 1)


def memory_gigabytes(instance_type: str) -> float:
    """The instance's memory in GiB: so many for each vCPU, by the first entry of the table that fits; else four."""
    each = next((each for start, each in MEMORY_OF_A_PROCESSOR.items() if instance_type.startswith(start)), 4)
    return virtual_processors(instance_type) * each


def has_gpu(instance_type: str) -> bool:
    """Whether the instance has GPUs."""
    return GPU.match(instance_type) is not None


def has_blackwell_gpu(instance_type: str) -> bool:
    """Whether its GPUs are of the generation that only newer drivers know."""
    return BLACKWELL.match(instance_type) is not None


def is_burstable(instance_type: str) -> bool:
    """Whether its processors are lent by the credit, and so are not scaled by SageMaker."""
    return BURSTABLE.match(instance_type) is not None

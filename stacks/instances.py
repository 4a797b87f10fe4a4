"""What has to be known of an instance type beyond its name."""

from __future__ import annotations

import re

# Families with NVMe disks: SageMaker refuses a volume key on them, and their hardware encrypts the disks
# (CreateTrainingJob and CreateEndpointConfig, VolumeKmsKeyId and KmsKeyId).
LOCAL_STORAGE = re.compile(
    r"^ml\.(?:g4dn|g5|g6|g6e|g7|g7e|p3dn|p4d|p4de|p5|p5e|p5en|p6[\w-]*|trn\w+|[cmr]\d+[a-z]*d)\."
)


def has_local_storage(instance_type: str) -> bool:
    """Whether the instance has its own disks, which take no customer key."""
    return LOCAL_STORAGE.match(instance_type) is not None

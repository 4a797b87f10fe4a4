"""The disk of a job's host: a volume under our key, or the host's own."""

from __future__ import annotations

from typing import Any

from stacks.settings.instance_families import has_local_storage


def job_volume(instance_type: str, gigabytes: int, key_arn: str) -> dict[str, Any]:
    """The members of ResourceConfig and ProcessingClusterConfig that say which disk a host has.

    A disk of its own is mounted whole and encrypted by the hardware: a key, and a request for more gigabytes than it
    has, are refused (ProcessingClusterConfig and HyperParameterTuningResourceConfig, VolumeSizeInGB; VolumeKmsKeyId).
    """
    if has_local_storage(instance_type):
        return {"VolumeSizeInGB": 1}
    return {"VolumeSizeInGB": gigabytes, "VolumeKmsKeyId": key_arn}

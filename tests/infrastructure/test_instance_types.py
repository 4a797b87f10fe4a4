"""What is known of an instance type is what AWS says of it, and what runs on none of its kind is refused."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files

import pytest

from stacks.settings import SettingsRefused, load_settings
from stacks.settings.container_images import endpoint_host
from stacks.settings.instance_families import (
    has_gpu,
    has_local_storage,
    is_burstable,
    memory_gigabytes,
    virtual_processors,
    without_tensorflow,
)
from stacks.settings.instance_types import instance_types

from .test_settings import settings_with

GPU_FAMILIES = ("p4d", "p4de", "p5", "p5e", "p5en", "p6", "g4dn", "g5", "g6", "g6e", "g7", "p3")


def test_every_promised_gpu_family_can_be_chosen_for_training():
    known = instance_types("TrainingInstanceType")
    for family in GPU_FAMILIES:
        instances = [
            instance for instance in known if instance.startswith((f"ml.{family}.", f"ml.{family}-"))
        ]
        assert instances, f"botocore lists no ml.{family}.* for training"
        for instance in instances:
            assert settings_with("training.instance_type", instance).training.instance_type == instance


@pytest.mark.parametrize(
    ("instance", "expected"),
    [
        ("ml.g5.xlarge", True),
        ("ml.g4dn.xlarge", True),
        ("ml.p4d.24xlarge", True),
        ("ml.m5d.large", True),
        ("ml.m5.xlarge", False),
        ("ml.p3.2xlarge", False),
        ("ml.c6i.xlarge", False),
    ],
)
def test_instances_with_disks_of_their_own_are_known(instance, expected):
    assert has_local_storage(instance) is expected


def test_what_is_known_of_an_instance_type_is_what_ec2_says_of_it():
    """Moto has EC2's own answer to DescribeInstanceTypes."""
    table = json.loads(gzip.decompress((files("moto.ec2") / "resources/instance_types.json.gz").read_bytes()))
    asked = 0
    for instance_type in instance_types("ProductionVariantInstanceType"):
        described = table.get(instance_type.removeprefix("ml."))
        if described is None or without_tensorflow(instance_type):
            continue
        asked += 1
        assert virtual_processors(instance_type) == described["VCpuInfo"]["DefaultVCpus"], instance_type
        memory = described["MemoryInfo"]["SizeInMiB"] / 1024
        assert memory_gigabytes(instance_type) == pytest.approx(memory), instance_type
        assert has_gpu(instance_type) is ("GpuInfo" in described), instance_type
        assert has_local_storage(instance_type) is described["InstanceStorageSupported"], instance_type
        assert is_burstable(instance_type) is described["BurstablePerformanceSupported"], instance_type
    assert asked > 200


@pytest.mark.parametrize(
    ("instance_type", "host"),
    [
        ("ml.c5.xlarge", None),
        ("ml.g5.xlarge", "al2-ami-sagemaker-inference-gpu-3-1"),
        ("ml.p5e.48xlarge", "al2-ami-sagemaker-inference-gpu-3-1"),
        ("ml.g7.2xlarge", "al2023-ami-sagemaker-inference-gpu-4-1"),
        ("ml.g7e.2xlarge", "al2023-ami-sagemaker-inference-gpu-4-1"),
        ("ml.p6-b200.48xlarge", "al2023-ami-sagemaker-inference-gpu-4-1"),
    ],
)
def test_an_endpoints_host_has_a_driver_for_the_instances_gpu(instance_type, host):
    """Driver 550 knows no GPU of Blackwell's generation."""
    assert endpoint_host(instance_type) == host


def test_instances_that_sagemaker_does_not_scale_are_refused_with_autoscaling_alone():
    environments = {"dev": {"inference": {"instance_type": "ml.t2.medium"}}}
    load_settings("dev", environments)
    environments["dev"]["inference"]["autoscaling"] = {"maximum_instances": 2}
    with pytest.raises(SettingsRefused, match=r"instance_type ml.t2.medium is burstable"):
        load_settings("dev", environments)

"""Which instance types a setting may name: those of SageMaker's own description."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import botocore.session  # pyright: ignore[reportMissingTypeStubs]  # botocore brings no types

from stacks.settings.instance_families import is_burstable, without_tensorflow


@cache
def instance_types(shape: str) -> frozenset[str]:
    """The values that botocore's description of SageMaker lists for an instance type shape."""
    session = cast(Any, botocore.session.Session())
    data = session.get_component("data_loader").load_service_model("sagemaker", "service-2")
    return frozenset(data["shapes"][shape]["enum"])


def usable(value: str, shape: str, verb: str, example: str) -> str:
    """The instance type, when SageMaker has it for a purpose and TensorFlow runs on it.

    Raises:
        ValueError: saying what it is not.
    """
    if value not in instance_types(shape):
        raise ValueError(f"'{value}' is no instance type that SageMaker {verb} on, such as {example}")
    if why := without_tensorflow(value):
        raise ValueError(f"'{value}' cannot be chosen: {why}. Choose one such as {example}")
    return value


def training_instance(value: str) -> str:
    """Refuses what CreateTrainingJob would, and what trains nothing of ours."""
    return usable(value, "TrainingInstanceType", "trains", "ml.g5.xlarge")


def processing_instance(value: str) -> str:
    """Refuses what CreateProcessingJob would, which takes fewer types than CreateTrainingJob."""
    return usable(value, "ProcessingInstanceType", "processes", "ml.m5.xlarge")


def inference_instance(value: str) -> str:
    """Refuses what CreateEndpointConfig would, and what serves nothing of ours."""
    return usable(value, "ProductionVariantInstanceType", "serves", "ml.g4dn.xlarge")


def scaled_instance(value: str) -> str:
    """The same, and what SageMaker does not scale (its developer guide, Configure model auto scaling)."""
    if is_burstable(inference_instance(value)):
        raise ValueError(
            f"'{value}' is a burstable instance type, whose number SageMaker does not scale: choose one such as "
            "ml.c5.large"
        )
    return value


def transform_instance(value: str) -> str:
    """Refuses what CreateTransformJob would, and what transforms nothing of ours."""
    return usable(value, "TransformInstanceType", "transforms", "ml.c5.xlarge")

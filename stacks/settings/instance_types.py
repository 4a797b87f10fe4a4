"""Which instance types a setting may name: those of SageMaker's own description."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

import botocore.session  # pyright: ignore[reportMissingTypeStubs]  # botocore brings no types


@cache
def instance_types(shape: str) -> frozenset[str]:
    """The values that botocore's description of SageMaker lists for an instance type shape."""
    session = cast(Any, botocore.session.Session())
    data = session.get_component("data_loader").load_service_model("sagemaker", "service-2")
    return frozenset(data["shapes"][shape]["enum"])


def training_instance(value: str) -> str:
    """Refuses what CreateTrainingJob would."""
    if value not in instance_types("TrainingInstanceType"):
        raise ValueError(f"'{value}' is no instance type that SageMaker trains on, such as ml.g5.xlarge")
    return value


def inference_instance(value: str) -> str:
    """Refuses what CreateEndpointConfig would."""
    if value not in instance_types("ProductionVariantInstanceType"):
        raise ValueError(f"'{value}' is no instance type that SageMaker serves on, such as ml.g4dn.xlarge")
    return value


def transform_instance(value: str) -> str:
    """Refuses what CreateTransformJob would."""
    if value not in instance_types("TransformInstanceType"):
        raise ValueError(f"'{value}' is no instance type that SageMaker transforms on, such as ml.c5.xlarge")
    return value

"""Refuses another instance type for a variant that Application Auto Scaling has as a target."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from local_aws.autoscaling import INSTANCES
from local_aws.sagemaker.errors import validation_error


def require_types_kept(
    targets: Container[str], endpoint: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    """Looks at an update (SageMaker developer guide, Update endpoints that use auto scaling).

    Args:
        targets: the keys of what is registered: the resource and its dimension.
        endpoint: its name.
        before: its configuration.
        after: the one that is asked for.

    Raises:
        ServiceError: saying what has to go first.
    """
    old, new = (
        {
            variant["VariantName"]: variant.get("InstanceType")
            for variant in config.get("ProductionVariants", [])
        }
        for config in (before, after)
    )
    for variant, instance_type in old.items():
        resource = f"endpoint/{endpoint}/variant/{variant}"
        if f"{resource}|{INSTANCES}" in targets and new.get(variant) != instance_type:
            raise validation_error(
                f"The instance type of the variant {variant} of endpoint {endpoint} cannot be changed while it is "
                "registered as a scalable target. Deregister it first."
            )

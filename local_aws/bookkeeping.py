"""Resource types that the embedded AWS only keeps a record of, and CDK's bucket emptier without its Node function."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

RECORDED = (
    "AWS::EC2::FlowLog",
    "AWS::WAFv2::WebACLAssociation",
)


def bookkeeping_handlers(clients: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """ministack's table of handlers for these types."""

    def record(logical_id: str, properties: dict, stack_name: str) -> tuple[str, dict]:
        return f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:8]}", {}

    def keep(physical_id: str, *_: Any) -> tuple[str, dict]:
        return physical_id, {}

    def delete(physical_id: str, properties: dict) -> None:
        return None

    def empty_bucket(physical_id: str, properties: dict) -> None:
        s3 = clients("s3")
        bucket = properties["BucketName"]
        try:
            pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket))
        except s3.exceptions.NoSuchBucket:
            return
        for page in pages:
            for version in page.get("Versions", []) + page.get("DeleteMarkers", []):
                s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])

    recorded = {"create": record, "update": keep, "delete": delete}
    return {
        **dict.fromkeys(RECORDED, recorded),
        "Custom::S3AutoDeleteObjects": {"create": record, "update": keep, "delete": empty_bucket},
    }
